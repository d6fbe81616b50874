;; Powers of two are exact.
(exp2 x)
; run: x=0 => 1
; run: x=-0 => 1
; run: x=1 => 2
; run: x=-1 => 0.5
; run: x=0.5 => 0x1.6a09e667f3bccp+0
; run: x=2 => 4
; run: x=inf => inf
; run: x=-inf => 0
; run: x=nan => nan
; run: x=5e-324 => 1
; run: x=1e300 => inf
; run: x=-1e-310 => 1
; run: x=3 => 8
; run: x=-1074 => 0x0.0000000000001p-1022
; run: x=-1075 => 0
; run: x=1023 => 0x1p+1023
; run: x=1024 => inf
; run f32: x=3 => 8
; run f32: x=-149 => 0x1p-149
; run f32: x=-150 => 0
; run f32: x=127.5 => 0x1.6a09e6p+127
; run f32: x=128 => inf
; grad: x=0 => x=0x1.62e42fefa39efp-1
; grad: x=3 => x=0x1.62e42fefa39efp+2
; both: x=0 => x=0x1.62e42fefa39efp-1
; both: x=3 => x=0x1.62e42fefa39efp+2
