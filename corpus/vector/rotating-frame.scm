; V.4  rotating-frame
; law: -2*m*(w x v)-m*(w x (w x r))
; Coriolis and centrifugal force
; inputs:
;   m in [0.5, 5]
;   w[3] in [-2, 2]
;   r[3] in [-3, 3]
;   v[3] in [-3, 3]
; trainable: m
(- (scale (* -2 m) (cross w v)) (scale m (cross w (cross w r))))
