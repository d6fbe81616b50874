;; The sign of the dividend.
(remainder x y)
; run: x=7 y=2 => 1
; run: x=-7 y=2 => -1
; run: x=7 y=-2 => 1
; run: x=-7 y=-2 => -1
; run: x=0 y=3 => 0
; run: x=-0 y=3 => -0
; run: x=1 y=0 => nan
; run: x=inf y=2 => nan
; run: x=5 y=inf => 5
; run: x=-5 y=inf => -5
; run: x=1e300 y=7 => 1
; run: x=0.1 y=0.01 => 0x1p-58
; run f32: x=7 y=2 => 1
; run f32: x=-7 y=2 => -1
; both: x=7 y=2 => x=1 y=-3
; both: x=-7 y=2 => x=1 y=3

;; The sign of the divisor.
(modulo x y)
; run: x=7 y=2 => 1
; run: x=-7 y=2 => 1
; run: x=7 y=-2 => -1
; run: x=-7 y=-2 => -1
; run: x=0 y=3 => 0
; run: x=-0 y=3 => -0
; run: x=1 y=0 => nan
; run: x=inf y=2 => nan
; run: x=5 y=inf => 5
; run: x=-5 y=inf => inf
; run: x=1e300 y=7 => 1
; run: x=0.1 y=0.01 => 0x1p-58
; run f32: x=7 y=2 => 1
; run f32: x=-7 y=2 => 1
; both: x=7 y=2 => x=1 y=-3
; both: x=-7 y=2 => x=1 y=4

;; The integer between.
(quotient x y)
; run: x=7 y=2 => 3
; run: x=-7 y=2 => -3
; run: x=7 y=-2 => -3
; run: x=-7 y=-2 => 3
; run: x=0 y=3 => 0
; run: x=-0 y=3 => -0
; run: x=1 y=0 => nan
; run: x=inf y=2 => nan
; run: x=5 y=inf => 0
; run: x=-5 y=inf => -0
; run: x=1e300 y=7 => 0x1.b4dfc092518b2p+993
; run: x=0.1 y=0.01 => 10
; run f32: x=7 y=2 => 3
; run f32: x=-7 y=2 => -3
; both: x=7 y=2 => x=0 y=0
; both: x=-7 y=2 => x=0 y=0
