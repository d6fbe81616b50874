; L.18  log-linear
; law: exp(b0+b1*x1+b2*x2)
; log-linear model of a rate
; inputs:
;   b0 in [-2, 2]
;   b1 in [-1, 1]
;   b2 in [-1, 1]
;   x1 in [-3, 3]
;   x2 in [-3, 3]
; trainable: b0 b1 b2
(exp (+ b0 (* b1 x1) (* b2 x2)))
