;; Zero to the zeroth, and other values that are agreed on.
(pow x y)
; run: x=0 y=0
; run: x=nan y=0
; run: x=1 y=nan
; run: x=-2 y=3
; run: x=-2 y=0.5
; run: x=0 y=-1
; run: x=-0 y=-1
; run: x=-0 y=-2
; run: x=-1 y=inf
; run: x=2 y=1024
; run: x=2 y=-1075
; run: x=0.5 y=inf
; run: x=10 y=22
; run: x=2 y=0.5
; run f32: x=2 y=0.5
; run f32: x=10 y=38
; run f32: x=10 y=39
; grad: x=0 y=0
; grad: x=0 y=1
; grad: x=0 y=2
; grad: x=0 y=0.5
; grad: x=0 y=-1
; grad: x=-2 y=3
; grad: x=1 y=5
; grad: x=3 y=0
; grad: x=2 y=1
; both: x=2 y=3
; both: x=1 y=5

;; A constant exponent: 0.
(pow x 0)
; run: x=0
; run: x=-2
; run: x=3
; run: x=-inf
; both: x=2
; both: x=-2
; both: x=0

;; A constant exponent: 1.
(pow x 1)
; run: x=0
; run: x=-2
; run: x=3
; run: x=-inf
; both: x=2
; both: x=-2
; both: x=0

;; A constant exponent: 2.
(pow x 2)
; run: x=0
; run: x=-2
; run: x=3
; run: x=-inf
; both: x=2
; both: x=-2
; both: x=0

;; A constant exponent: 3.
(pow x 3)
; run: x=0
; run: x=-2
; run: x=3
; run: x=-inf
; both: x=2
; both: x=-2
; both: x=0

;; A constant exponent: 0.5.
(pow x 0.5)
; run: x=0
; run: x=-2
; run: x=3
; run: x=-inf
; both: x=2
; both: x=4
; both: x=0

;; A constant exponent: -1.
(pow x -1)
; run: x=0
; run: x=-2
; run: x=3
; run: x=-inf
; both: x=2
; both: x=-2
; both: x=0

;; A constant exponent: -2.
(pow x -2)
; run: x=0
; run: x=-2
; run: x=3
; run: x=-inf
; both: x=2
; both: x=-2
; both: x=0

;; A constant exponent: 1.5.
(pow x 1.5)
; run: x=0
; run: x=-2
; run: x=3
; run: x=-inf
; both: x=2
; both: x=4
; both: x=0

;; A constant base.
(pow 2 x)
; run: x=10
; run: x=-inf
; both: x=-inf
; both: x=3

;; Base 0.
(pow 0 x)
; run: x=2
; run: x=0
; both: x=2

;; Curvature at 0.
(pow x 2)
; hessian: x=0
; hessian: x=3

;; A product of equal factors.
(* x x x)
; both: x=2
; hessian: x=2
