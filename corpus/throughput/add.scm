; T.1  add
; inputs:
;   x in [-3, 3]
;   y in [-3, 3]
(+ x y)
