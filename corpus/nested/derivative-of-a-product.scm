; derivative-of-a-product
; inputs:
;   x in [0.1, 1.4]
;   a in [0.2, 1.0]
(define (f x a)
  ((D (lambda (u) (* u (sin (* a u))))) x))
