; root-transcendental
; inputs:
;   x in [0.3, 2]
;   a in [0.3, 2]
(define (f x a)
  (root (lambda (u) (- (* u (exp u)) (* a x))) 0.5))
