; V.5  kinetic-energy-tensor
; law: w*I*w/2
; kinetic energy of a rigid body
; inputs:
;   I[3,3] in [0.5, 3]
;   w[3] in [-2, 2]
(* 1/2 (dot w (matvec I w)))
