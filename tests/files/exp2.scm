;; Powers of two are exact.
(exp2 x)
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
; run: x=3
; run: x=-1074
; run: x=-1075
; run: x=1023
; run: x=1024
; run f32: x=3
; run f32: x=-149
; run f32: x=-150
; run f32: x=127.5
; run f32: x=128
; grad: x=0
; grad: x=3
; both: x=0
; both: x=3
