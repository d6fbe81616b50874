; logistic-growth
; inputs:
;   x in [0.5, 3]
;   a in [0.3, 1.5]
(define (f x a)
  (odeint (lambda (t y) (* a y (- 1 y))) 0.2 0 x 1e-12 1e-14))
