; T.4  abs
; inputs:
;   x in [-3, 3]
(if (> x 0) x (- 0 x))
