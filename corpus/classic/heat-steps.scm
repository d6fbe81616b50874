; C.25  heat-steps
; law: u'=alpha*u_xx
; 100 explicit steps of the heat equation on ten points with fixed ends; L is the second difference
; inputs:
;   u0[10] in [-2, 2]
;   alpha in [0.005, 0.02]
;   L[10,10] laplacian
; trainable: alpha
; points: 4
(define dt 0.05)
(loop ((n 0) (u u0))
  (if (= n 100)
      u
      (recur (+ n 1) (+ u (scale (* dt alpha) (matvec L u))))))
