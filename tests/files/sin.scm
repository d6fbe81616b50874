;; Sines, of large arguments too.
(sin x)
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
; run: x=3.141592653589793
; run: x=1e22
; run: x=0x1.fffffffffffffp+1023
; run f32: x=0.5
; run f32: x=16777216
; run f32: x=3e38
; grad: x=0
; grad: x=-0
; grad: x=1e22
; both: x=0
; both: x=1
