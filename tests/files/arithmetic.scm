;; Sums: zeros of both signs, infinities of both signs.
(+ x y)
; run: x=0 y=-0 => 0
; run: x=-0 y=-0 => -0
; run: x=inf y=-inf => nan
; run: x=1e308 y=1e308 => inf
; run: x=0.1 y=0.2 => 0x1.3333333333334p-2
; run: x=nan y=1 => nan
; run f32: x=0.1 y=0.2 => 0x1.333334p-2
; run f32: x=16777216 y=1 => 0x1p+24
; both: x=1 y=2 => x=1 y=1

;; Without operands: the neutral elements.
(values (sum (+)) (product (*)) (one (+ 7)) (two (* 7)))
; run: => sum=0 product=1 one=7 two=7

;; Negation flips the sign of zeros too.
(- x)
; run: x=0 => -0
; run: x=-0 => 0
; run: x=inf => -inf
; run: x=nan => nan
; run: x=5e-324 => -0x0.0000000000001p-1022
; both: x=3 => x=-1

;; Differences of several operands go from the left.
(- x y z)
; run: x=1e16 y=1 z=1 => 0x1.1c37937e08p+53
; run: x=0 y=0 z=0 => 0
; run: x=inf y=inf z=0 => nan
; both: x=1 y=2 z=3 => x=1 y=-1 z=-1

;; Products: zero times infinity is no number.
(* x y)
; run: x=0 y=inf => nan
; run: x=-0 y=5 => -0
; run: x=1e200 y=1e200 => inf
; run: x=5e-324 y=0.5 => 0
; run: x=3 y=7 => 21
; both: x=2 y=5 => x=5 y=2
; both: x=0 y=3 => x=3 y=0

;; Quotients: zeros divide to infinities.
(/ x y)
; run: x=1 y=0 => inf
; run: x=1 y=-0 => -inf
; run: x=0 y=0 => nan
; run: x=inf y=inf => nan
; run: x=1 y=3 => 0x1.5555555555555p-2
; run: x=1 y=inf => 0
; run f32: x=1 y=3 => 0x1.555556p-2
; run f32: x=1 y=0 => inf
; both: x=6 y=2 => x=0.5 y=-1.5
; grad: x=0 y=0 => x=inf y=nan
; grad: x=1 y=0 => x=inf y=-inf

;; Reciprocals.
(/ x)
; run: x=4 => 0.25
; run: x=0 => inf
; run: x=-0 => -inf
; run: x=inf => 0
; run: x=5e-324 => inf
; both: x=2 => x=-0.25
; hessian: x=2 => 0:x=0.25

;; Squares.
(square x)
; run: x=-3 => 9
; run: x=1e200 => inf
; run: x=-0 => 0
; both: x=-3 => x=-6
; hessian: x=-3 => 0:x=2
