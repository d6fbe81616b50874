; L.3  arrhenius-modified
; law: A*(T/T0)**n*exp(-Ea/(R*T))
; three-parameter rate constant with a power of the temperature
; inputs:
;   A in [1e10, 1e13] log
;   n in [-2, 2]
;   Ea in [4e4, 1.2e5]
;   T in [250, 1500]
; trainable: A n Ea
(define R 8.314462618)
(define T0 298.15)
(* A (pow (/ T T0) n) (exp (- (/ Ea (* R T)))))
