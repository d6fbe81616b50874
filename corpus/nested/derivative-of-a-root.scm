; derivative-of-a-root
; inputs:
;   x in [0.5, 2]
;   a in [0.5, 2]
(define (f x a)
  ((D (lambda (p) (root (lambda (u) (- (* u u u) p)) 1))) (* a x)))
