; mixed-partial
; inputs:
;   x in [0.1, 1.2]
;   a in [0.2, 1]
(define (f x a)
  (((partial 0) (lambda (u v) (((partial 1) (lambda (p q) (* (sin p) (exp (* p q))))) u v))) x a))
