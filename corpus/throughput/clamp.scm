; T.5  clamp
; inputs:
;   x in [-5, 15]
(if (< x 0) 0 (if (> x 10) 10 x))
