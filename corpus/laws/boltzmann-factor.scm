; L.5  boltzmann-factor
; law: g2/g1*exp(-(E2-E1)/(kB*T))
; ratio of the populations of two levels
; inputs:
;   g1 in [1, 7]
;   g2 in [1, 7]
;   E1 in [1e-22, 1e-20]
;   E2 in [1e-22, 4e-20]
;   T in [100, 3000]
; trainable: g1 g2
(define kB 1.380649e-23)
(* (/ g2 g1) (exp (/ (- E1 E2) (* kB T))))
