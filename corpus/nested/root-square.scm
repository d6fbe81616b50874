; root-square
; inputs:
;   x in [0.5, 3]
;   a in [0.5, 2]
(define (f x a)
  (root (lambda (u) (- (* u u) (+ x a))) 1))
