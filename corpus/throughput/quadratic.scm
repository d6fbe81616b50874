; T.6  quadratic
; inputs:
;   a in [-3, 3]
;   b in [-3, 3]
;   c in [-3, 3]
;   x in [-3, 3]
(+ (+ (* a (* x x)) (* b x)) c)
