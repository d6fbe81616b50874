; L.16  gibbs-equilibrium
; law: exp(-(dH-T*dS)/(R*T))
; equilibrium constant from reaction enthalpy and entropy
; inputs:
;   dH in [-8e4, 8e4]
;   dS in [-150, 150]
;   T in [250, 1500]
; trainable: dH dS
(define R 8.314462618)
(let* ((dG (- dH (* T dS)))
       (RT (* R T)))
  (exp (/ (- dG) RT)))
