; V.2  heat-step
; law: u+dt*alpha*L*u
; explicit step of the heat equation on ten points; L is the second difference with fixed ends
; inputs:
;   u[10] in [-2, 2]
;   dt in [0.01, 0.1]
;   alpha in [0.005, 0.02]
;   L[10,10] laplacian
; trainable: alpha
; points: 8
(+ u (scale (* dt alpha) (matvec L u)))
