;; Hyperbolic cosines.
(cosh x)
; run: x=0 => 1
; run: x=-0 => 1
; run: x=1 => 0x1.8b07551d9f55p+0
; run: x=-1 => 0x1.8b07551d9f55p+0
; run: x=0.5 => 0x1.20ac1862ae8dp+0
; run: x=2 => 0x1.e18fa0df2d9bcp+1
; run: x=inf => inf
; run: x=-inf => inf
; run: x=nan => nan
; run: x=5e-324 => 1
; run: x=1e300 => inf
; run: x=-1e-310 => 1
; run: x=710 => 0x1.3e21a464507f9p+1023
; run: x=711 => inf
; run f32: x=0.5 => 0x1.20ac18p+0
; run f32: x=2 => 0x1.e18fap+1
; run f32: x=-0 => 1
; run f32: x=3e38 => inf
; run f32: x=1e-40 => 1
; grad: x=0 => x=0
; grad: x=1 => x=0x1.2cd9fc44eb982p+0
; both: x=0 => x=0
; both: x=1 => x=0x1.2cd9fc44eb982p+0
