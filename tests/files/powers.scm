;; Zero to the zeroth, and other values that are agreed on.
(pow x y)
; run: x=0 y=0 => 1
; run: x=nan y=0 => 1
; run: x=1 y=nan => 1
; run: x=-2 y=3 => -8
; run: x=-2 y=0.5 => nan
; run: x=0 y=-1 => inf
; run: x=-0 y=-1 => -inf
; run: x=-0 y=-2 => inf
; run: x=-1 y=inf => 1
; run: x=2 y=1024 => inf
; run: x=2 y=-1075 => 0
; run: x=0.5 y=inf => 0
; run: x=10 y=22 => 0x1.0f0cf064dd592p+73
; run: x=2 y=0.5 => 0x1.6a09e667f3bcdp+0
; run f32: x=2 y=0.5 => 0x1.6a09e6p+0
; run f32: x=10 y=38 => 0x1.2ced32p+126
; run f32: x=10 y=39 => inf
; grad: x=0 y=0 => x=0 y=-inf
; grad: x=0 y=1 => x=1 y=0
; grad: x=0 y=2 => x=0 y=0
; grad: x=0 y=0.5 => x=inf y=0
; grad: x=0 y=-1 => x=-inf y=-inf
; grad: x=-2 y=3 => x=12 y=nan
; grad: x=1 y=5 => x=5 y=0
; grad: x=3 y=0 => x=0 y=0x1.193ea7aad030bp+0
; grad: x=2 y=1 => x=1 y=0x1.62e42fefa39efp+0
; both: x=2 y=3 => x=12 y=0x1.62e42fefa39efp+2
; both: x=1 y=5 => x=5 y=0

;; A constant exponent: 0.
(pow x 0)
; run: x=0 => 1
; run: x=-2 => 1
; run: x=3 => 1
; run: x=-inf => 1
; both: x=2 => x=0
; both: x=-2 => x=0
; both: x=0 => x=0

;; A constant exponent: 1.
(pow x 1)
; run: x=0 => 0
; run: x=-2 => -2
; run: x=3 => 3
; run: x=-inf => -inf
; both: x=2 => x=1
; both: x=-2 => x=1
; both: x=0 => x=1

;; A constant exponent: 2.
(pow x 2)
; run: x=0 => 0
; run: x=-2 => 4
; run: x=3 => 9
; run: x=-inf => inf
; both: x=2 => x=4
; both: x=-2 => x=-4
; both: x=0 => x=0

;; A constant exponent: 3.
(pow x 3)
; run: x=0 => 0
; run: x=-2 => -8
; run: x=3 => 27
; run: x=-inf => -inf
; both: x=2 => x=12
; both: x=-2 => x=12
; both: x=0 => x=0

;; A constant exponent: 0.5.
(pow x 0.5)
; run: x=0 => 0
; run: x=-2 => nan
; run: x=3 => 0x1.bb67ae8584caap+0
; run: x=-inf => inf
; both: x=2 => x=0x1.6a09e667f3bcdp-2
; both: x=4 => x=0.25
; both: x=0 => x=inf

;; A constant exponent: -1.
(pow x -1)
; run: x=0 => inf
; run: x=-2 => -0.5
; run: x=3 => 0x1.5555555555555p-2
; run: x=-inf => -0
; both: x=2 => x=-0.25
; both: x=-2 => x=-0.25
; both: x=0 => x=-inf

;; A constant exponent: -2.
(pow x -2)
; run: x=0 => inf
; run: x=-2 => 0.25
; run: x=3 => 0x1.c71c71c71c71cp-4
; run: x=-inf => 0
; both: x=2 => x=-0.25
; both: x=-2 => x=0.25
; both: x=0 => x=-inf

;; A constant exponent: 1.5.
(pow x 1.5)
; run: x=0 => 0
; run: x=-2 => nan
; run: x=3 => 0x1.4c8dc2e42398p+2
; run: x=-inf => inf
; both: x=2 => x=0x1.0f876ccdf6cdap+1
; both: x=4 => x=3
; both: x=0 => x=0

;; A constant base.
(pow 2 x)
; run: x=10 => 1024
; run: x=-inf => 0
; both: x=-inf => x=0
; both: x=3 => x=0x1.62e42fefa39efp+2

;; Base 0.
(pow 0 x)
; run: x=2 => 0
; run: x=0 => 1
; both: x=2 => x=0

;; Curvature at 0.
(pow x 2)
; hessian: x=0 => 0:x=2
; hessian: x=3 => 0:x=2

;; A product of equal factors.
(* x x x)
; both: x=2 => x=12
; hessian: x=2 => 0:x=12
