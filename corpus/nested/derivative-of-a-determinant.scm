; derivative-of-a-determinant
; inputs:
;   x in [0.5, 2]
;   a in [0.2, 2]
(define (f x a)
  ((D (lambda (u) (det [[u a] [1 (* u u)]]))) x))
