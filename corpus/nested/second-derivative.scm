; second-derivative
; inputs:
;   x in [0.1, 1.2]
;   a in [0.2, 1.0]
(define (f x a)
  ((D (D (lambda (u) (exp (* a u u))))) x))
