;; The sign of the dividend.
(remainder x y)
; run: x=7 y=2
; run: x=-7 y=2
; run: x=7 y=-2
; run: x=-7 y=-2
; run: x=0 y=3
; run: x=-0 y=3
; run: x=1 y=0
; run: x=inf y=2
; run: x=5 y=inf
; run: x=-5 y=inf
; run: x=1e300 y=7
; run: x=0.1 y=0.01
; run f32: x=7 y=2
; run f32: x=-7 y=2
; both: x=7 y=2
; both: x=-7 y=2

;; The sign of the divisor.
(modulo x y)
; run: x=7 y=2
; run: x=-7 y=2
; run: x=7 y=-2
; run: x=-7 y=-2
; run: x=0 y=3
; run: x=-0 y=3
; run: x=1 y=0
; run: x=inf y=2
; run: x=5 y=inf
; run: x=-5 y=inf
; run: x=1e300 y=7
; run: x=0.1 y=0.01
; run f32: x=7 y=2
; run f32: x=-7 y=2
; both: x=7 y=2
; both: x=-7 y=2

;; The integer between.
(quotient x y)
; run: x=7 y=2
; run: x=-7 y=2
; run: x=7 y=-2
; run: x=-7 y=-2
; run: x=0 y=3
; run: x=-0 y=3
; run: x=1 y=0
; run: x=inf y=2
; run: x=5 y=inf
; run: x=-5 y=inf
; run: x=1e300 y=7
; run: x=0.1 y=0.01
; run f32: x=7 y=2
; run f32: x=-7 y=2
; both: x=7 y=2
; both: x=-7 y=2
