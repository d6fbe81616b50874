; L.19  log-linear-power
; law: exp(log(c)+a*log(x)+b*log(y))
; product of powers, fitted as a linear law of logarithms
; inputs:
;   c in [0.1, 10] log
;   a in [-2, 2]
;   b in [-2, 2]
;   x in [0.1, 10] log
;   y in [0.1, 10] log
; trainable: c a b
(exp (+ (log c) (* a (log x)) (* b (log y))))
