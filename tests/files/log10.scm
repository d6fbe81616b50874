;; Logarithms of powers of ten are exact.
(log10 x)
; run: x=0 => -inf
; run: x=-0 => -inf
; run: x=1 => 0
; run: x=-1 => nan
; run: x=0.5 => -0x1.34413509f79ffp-2
; run: x=2 => 0x1.34413509f79ffp-2
; run: x=inf => inf
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => -0x1.434e6420f4374p+8
; run: x=1e300 => 300
; run: x=-1e-310 => nan
; run: x=1000 => 3
; run: x=1e22 => 22
; run: x=0.001 => -3
; run f32: x=0.5 => -0x1.344136p-2
; run f32: x=2 => 0x1.344136p-2
; run f32: x=-0 => -inf
; run f32: x=3e38 => 0x1.33d124p+5
; run f32: x=1e-40 => -0x1.400002p+5
; grad: x=1 => x=0x1.bcb7b1526e50ep-2
; grad: x=100 => x=0x1.1c9e85f750d7ap-8
; both: x=1 => x=0x1.bcb7b1526e50ep-2
; both: x=100 => x=0x1.1c9e85f750d7ap-8
