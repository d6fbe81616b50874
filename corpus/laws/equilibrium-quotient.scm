; L.14  equilibrium-quotient
; law: c**nc*d**nd/(a**na*b**nb)
; reaction quotient of a A + b B = c C + d D
; inputs:
;   a in [0.1, 5]
;   b in [0.1, 5]
;   c in [0.1, 5]
;   d in [0.1, 5]
;   na in [0.5, 3]
;   nb in [0.5, 3]
;   nc in [0.5, 3]
;   nd in [0.5, 3]
; trainable: na nb nc nd
(/ (* (expt c nc) (expt d nd)) (* (expt a na) (expt b nb)))
