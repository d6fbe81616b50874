;; Lengths neither overflow nor underflow; an infinite leg wins over no number.
(hypot x y)
; run: x=3 y=4
; run: x=0 y=0
; run: x=-0 y=-0
; run: x=inf y=nan
; run: x=nan y=-inf
; run: x=nan y=1
; run: x=1e300 y=1e300
; run: x=5e-324 y=5e-324
; run: x=1e308 y=1e308
; run: x=1.5e308 y=1.5e308
; run f32: x=3 y=4
; run f32: x=3e38 y=1e38
; run f32: x=1e-45 y=1e-45
; both: x=3 y=4
; both: x=0 y=0
; both: x=0 y=-2
; hessian: x=0 y=0
; hessian: x=3 y=4
