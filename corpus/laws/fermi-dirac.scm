; L.7  fermi-dirac
; law: 1/(exp((E-mu)/kT)+1)
; occupation of a state by fermions
; inputs:
;   E in [0, 5]
;   mu in [1, 4]
;   kT in [0.1, 2]
; trainable: mu
(/ (+ (exp (/ (- E mu) kT)) 1))
