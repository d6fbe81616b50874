;; The natural logarithm; its poles and where it is undefined.
(log x)
; run: x=0 => -inf
; run: x=-0 => -inf
; run: x=1 => 0
; run: x=-1 => nan
; run: x=0.5 => -0x1.62e42fefa39efp-1
; run: x=2 => 0x1.62e42fefa39efp-1
; run: x=inf => inf
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => -0x1.74385446d71c3p+9
; run: x=1e300 => 0x1.5963447f87fb5p+9
; run: x=-1e-310 => nan
; run: x=2.718281828459045 => 1
; run: x=-5e-324 => nan
; run f32: x=0.5 => -0x1.62e43p-1
; run f32: x=2 => 0x1.62e43p-1
; run f32: x=-0 => -inf
; run f32: x=3e38 => 0x1.62632cp+6
; run f32: x=1e-40 => -0x1.7069e4p+6
; grad: x=1 => x=1
; grad: x=0 => x=inf
; grad: x=-1 => x=-1
; grad: x=0.5 => x=2
; both: x=1 => x=1
; both: x=0.5 => x=2
