; exponential-growth
; inputs:
;   x in [0.5, 2]
;   a in [0.3, 1.2]
(define (f x a)
  (odeint (lambda (t y) (* a y)) 1 0 x 1e-12 1e-14))
