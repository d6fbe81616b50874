; L.20  semi-log
; law: a+b*log10(x)
; magnitude: linear in the decadic logarithm
; inputs:
;   a in [-5, 5]
;   b in [-3, 3]
;   x in [1e-6, 1e6] log
; trainable: a b
(+ a (* b (log10 x)))
