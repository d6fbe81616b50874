; T.3  four_ops
; inputs:
;   a in [-3, 3]
;   b in [-3, 3]
;   c in [-3, 3]
;   d in [-3, 3]
(+ (* a b) (- c d))
