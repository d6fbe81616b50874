;; Lengths neither overflow nor underflow; an infinite leg wins over no number.
(hypot x y)
; run: x=3 y=4 => 5
; run: x=0 y=0 => 0
; run: x=-0 y=-0 => 0
; run: x=inf y=nan => inf
; run: x=nan y=-inf => inf
; run: x=nan y=1 => nan
; run: x=1e300 y=1e300 => 0x1.0e4d50f99b211p+997
; run: x=5e-324 y=5e-324 => 0x0.0000000000001p-1022
; run: x=1e308 y=1e308 => 0x1.92c80954c51f5p+1023
; run: x=1.5e308 y=1.5e308 => inf
; run f32: x=3 y=4 => 5
; run f32: x=3e38 y=1e38 => 0x1.dbce8p+127
; run f32: x=1e-45 y=1e-45 => 0x1p-149
; both: x=3 y=4 => x=0.6 y=0.8
; both: x=0 y=0 => x=0 y=0
; both: x=0 y=-2 => x=0 y=-1
; hessian: x=0 y=0 => 0:x=0 0:y=0 1:x=0 1:y=0
; hessian: x=3 y=4 => 0:x=0x1.0624dd2f1a9fdp-3 0:y=-0.096 1:x=-0.096 1:y=0.072
