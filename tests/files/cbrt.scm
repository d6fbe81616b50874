;; Cube roots of both signs.
(cbrt x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 1
; run: x=-1 => -1
; run: x=0.5 => 0x1.965fea53d6e3dp-1
; run: x=2 => 0x1.428a2f98d728bp+0
; run: x=inf => inf
; run: x=-inf => -inf
; run: x=nan => nan
; run: x=5e-324 => 0x1p-358
; run: x=1e300 => 0x1.249ad2594c37dp+332
; run: x=-1e-310 => -0x1.a9d1b0b5d7427p-344
; run: x=8 => 2
; run: x=-27 => -3
; run: x=0.001 => 0.1
; run f32: x=0.5 => 0x1.965feap-1
; run f32: x=2 => 0x1.428a3p+0
; run f32: x=-0 => -0
; run f32: x=3e38 => 0x1.85a948p+42
; run f32: x=1e-40 => 0x1.a2139p-45
; grad: x=0 => x=inf
; grad: x=8 => x=0x1.5555555555555p-4
; grad: x=-27 => x=0x1.2f684bda12f68p-5
; both: x=8 => x=0x1.5555555555555p-4
; both: x=-1 => x=0x1.5555555555555p-2
