; L.4  eyring
; law: kB*T/h*exp(dS/R)*exp(-dH/(R*T))
; rate constant of transition state theory
; inputs:
;   dH in [4e4, 1.2e5]
;   dS in [-80, 40]
;   T in [250, 1500]
; trainable: dH dS
(define kB 1.380649e-23)
(define h 6.62607015e-34)
(define R 8.314462618)
(* (/ (* kB T) h) (exp (/ dS R)) (exp (- (/ dH (* R T)))))
