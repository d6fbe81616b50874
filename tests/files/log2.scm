;; Logarithms of powers of two are exact.
(log2 x)
; run: x=0 => -inf
; run: x=-0 => -inf
; run: x=1 => 0
; run: x=-1 => nan
; run: x=0.5 => -1
; run: x=2 => 1
; run: x=inf => inf
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => -1074
; run: x=1e300 => 0x1.f24a09f1a8b89p+9
; run: x=-1e-310 => nan
; run: x=8 => 3
; run: x=0x1p-1074 => -1074
; run: x=3 => 0x1.95c01a39fbd68p+0
; run f32: x=0.5 => -1
; run f32: x=2 => 1
; run f32: x=-0 => -inf
; run f32: x=3e38 => 0x1.ff45dep+6
; run f32: x=1e-40 => -0x1.09c118p+7
; grad: x=1 => x=0x1.71547652b82fep+0
; grad: x=8 => x=0x1.71547652b82fep-3
; both: x=1 => x=0x1.71547652b82fep+0
; both: x=8 => x=0x1.71547652b82fep-3
