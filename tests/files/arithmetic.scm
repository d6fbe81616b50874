;; Sums: zeros of both signs, infinities of both signs.
(+ x y)
; run: x=0 y=-0
; run: x=-0 y=-0
; run: x=inf y=-inf
; run: x=1e308 y=1e308
; run: x=0.1 y=0.2
; run: x=nan y=1
; run f32: x=0.1 y=0.2
; run f32: x=16777216 y=1
; both: x=1 y=2

;; Without operands: the neutral elements.
(values (sum (+)) (product (*)) (one (+ 7)) (two (* 7)))
; run:

;; Negation flips the sign of zeros too.
(- x)
; run: x=0
; run: x=-0
; run: x=inf
; run: x=nan
; run: x=5e-324
; both: x=3

;; Differences of several operands go from the left.
(- x y z)
; run: x=1e16 y=1 z=1
; run: x=0 y=0 z=0
; run: x=inf y=inf z=0
; both: x=1 y=2 z=3

;; Products: zero times infinity is no number.
(* x y)
; run: x=0 y=inf
; run: x=-0 y=5
; run: x=1e200 y=1e200
; run: x=5e-324 y=0.5
; run: x=3 y=7
; both: x=2 y=5
; both: x=0 y=3

;; Quotients: zeros divide to infinities.
(/ x y)
; run: x=1 y=0
; run: x=1 y=-0
; run: x=0 y=0
; run: x=inf y=inf
; run: x=1 y=3
; run: x=1 y=inf
; run f32: x=1 y=3
; run f32: x=1 y=0
; both: x=6 y=2
; grad: x=0 y=0
; grad: x=1 y=0

;; Reciprocals.
(/ x)
; run: x=4
; run: x=0
; run: x=-0
; run: x=inf
; run: x=5e-324
; both: x=2
; hessian: x=2

;; Squares.
(square x)
; run: x=-3
; run: x=1e200
; run: x=-0
; both: x=-3
; hessian: x=-3
