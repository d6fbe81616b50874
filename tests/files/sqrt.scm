;; Square roots: exact rounding, -0 keeps its sign, negative numbers have none.
(sqrt x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 1
; run: x=-1 => nan
; run: x=0.5 => 0x1.6a09e667f3bcdp-1
; run: x=2 => 0x1.6a09e667f3bcdp+0
; run: x=inf => inf
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => 0x1p-537
; run: x=1e300 => 0x1.38d352e5096afp+498
; run: x=-1e-310 => nan
; run: x=-5e-324 => nan
; run: x=0x1.fffffffffffffp+1023 => 0x1.fffffffffffffp+511
; run f32: x=0.5 => 0x1.6a09e6p-1
; run f32: x=2 => 0x1.6a09e6p+0
; run f32: x=-0 => -0
; run f32: x=3e38 => 0x1.e0bd9cp+63
; run f32: x=1e-40 => 0x1.79c9cep-67
; grad: x=0 => x=inf
; grad: x=4 => x=0.25
; grad: x=-1 => x=nan
; grad: x=inf => x=0
; both: x=4 => x=0.25
; both: x=0.0625 => x=2
