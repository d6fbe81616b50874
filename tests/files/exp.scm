;; The exponential function, to overflow and to zero.
(exp x)
; run: x=0 => 1
; run: x=-0 => 1
; run: x=1 => 0x1.5bf0a8b145769p+1
; run: x=-1 => 0x1.78b56362cef38p-2
; run: x=0.5 => 0x1.a61298e1e069cp+0
; run: x=2 => 0x1.d8e64b8d4ddaep+2
; run: x=inf => inf
; run: x=-inf => 0
; run: x=nan => nan
; run: x=5e-324 => 1
; run: x=1e300 => inf
; run: x=-1e-310 => 1
; run: x=709.782712893384 => 0x1.fffffffffff2ap+1023
; run: x=709.782712893385 => inf
; run: x=-745.1332191019411 => 0x0.0000000000001p-1022
; run: x=-745.133219101942 => 0
; run f32: x=0.5 => 0x1.a61298p+0
; run f32: x=88.72283 => 0x1.ffff08p+127
; run f32: x=88.72285 => inf
; run f32: x=-103.97 => 0x1p-149
; run f32: x=-104 => 0
; grad: x=0 => x=1
; grad: x=1 => x=0x1.5bf0a8b145769p+1
; grad: x=-inf => x=0
; both: x=0 => x=1
; both: x=1 => x=0x1.5bf0a8b145769p+1
