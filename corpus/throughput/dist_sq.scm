; T.8  dist_sq
; inputs:
;   x1 in [-3, 3]
;   x2 in [-3, 3]
;   y1 in [-3, 3]
;   y2 in [-3, 3]
(let ((dx (- x1 x2)) (dy (- y1 y2))) (+ (* dx dx) (* dy dy)))
