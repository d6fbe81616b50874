; derivative-through-a-jvp
; inputs:
;   x in [0.1, 1.2]
;   a in [0.2, 2]
(define (f x a)
  ((D (lambda (u) (jvp (lambda (v) (exp (* v v))) u 1))) x))
