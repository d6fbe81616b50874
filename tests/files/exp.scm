;; The exponential function, to overflow and to zero.
(exp x)
; run: x=0
; run: x=-0
; run: x=1
; run: x=-1
; run: x=0.5
; run: x=2
; run: x=inf
; run: x=-inf
; run: x=nan
; run: x=5e-324
; run: x=1e300
; run: x=-1e-310
; run: x=709.782712893384
; run: x=709.782712893385
; run: x=-745.1332191019411
; run: x=-745.133219101942
; run f32: x=0.5
; run f32: x=88.72283
; run f32: x=88.72285
; run f32: x=-103.97
; run f32: x=-104
; grad: x=0
; grad: x=1
; grad: x=-inf
; both: x=0
; both: x=1
