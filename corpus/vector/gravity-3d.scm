; V.1  gravity-3d
; law: -G*m1*m2/norm(r)**3*r
; gravitational force on a body at r from the other; r_hat is not used
; inputs:
;   G in [3, 7]
;   m1 in [1, 5]
;   m2 in [1, 5]
;   r[3] in [-3, 3]
; trainable: G
(let ((r_mag (norm r)) (r_hat (normalize r)))
  (scale (/ (* (- 0 G) (* m1 m2)) (* r_mag (* r_mag r_mag))) r))
