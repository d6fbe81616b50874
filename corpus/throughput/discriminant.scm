; T.7  discriminant
; inputs:
;   a in [-3, 3]
;   b in [-3, 3]
;   c in [-3, 3]
(let ((d (- (* b b) (* 4 (* a c))))) (if (>= d 0) 1 0))
