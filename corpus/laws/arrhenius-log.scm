; L.2  arrhenius-log
; law: log(A)-Ea/(R*T)
; logarithm of the rate constant, which is linear in 1/T
; inputs:
;   A in [1e10, 1e13] log
;   Ea in [4e4, 1.2e5]
;   T in [250, 1500]
; trainable: A Ea
(define R 8.314462618)
(- (log A) (/ Ea (* R T)))
