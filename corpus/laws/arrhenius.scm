; L.1  arrhenius
; law: A*exp(-Ea/(R*T))
; rate constant of a thermally activated reaction
; inputs:
;   A in [1e10, 1e13] log
;   Ea in [4e4, 1.2e5]
;   T in [250, 1500]
; trainable: A Ea
(define R 8.314462618)
(* A (exp (- (/ Ea (* R T)))))
