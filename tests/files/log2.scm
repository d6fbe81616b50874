;; Logarithms of powers of two are exact.
(log2 x)
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
; run: x=8
; run: x=0x1p-1074
; run: x=3
; run f32: x=0.5
; run f32: x=2
; run f32: x=-0
; run f32: x=3e38
; run f32: x=1e-40
; grad: x=1
; grad: x=8
; both: x=1
; both: x=8
