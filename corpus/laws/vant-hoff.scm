; L.15  vant-hoff
; law: K1*exp(-dH/R*(1/T2-1/T1))
; equilibrium constant at another temperature
; inputs:
;   K1 in [0.01, 100] log
;   dH in [-8e4, 8e4]
;   T1 in [250, 400]
;   T2 in [250, 400]
; trainable: K1 dH
(define R 8.314462618)
(* K1 (exp (* (/ dH R) (- (/ T1) (/ T2)))))
