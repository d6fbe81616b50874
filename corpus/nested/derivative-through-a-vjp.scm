; derivative-through-a-vjp
; inputs:
;   x in [0.1, 1.4]
;   a in [0.2, 1.5]
(define (f x a)
  ((D (lambda (u) (vjp (lambda (v) (sin (* a v))) u 1))) x))
