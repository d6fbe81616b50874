; T.2  square_plus
; inputs:
;   x in [-3, 3]
;   y in [-3, 3]
(+ (* x x) y)
