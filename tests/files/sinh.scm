;; Hyperbolic sines.
(sinh x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.2cd9fc44eb982p+0
; run: x=-1 => -0x1.2cd9fc44eb982p+0
; run: x=0.5 => 0x1.0acd00fe63b97p-1
; run: x=2 => 0x1.d03cf63b6e19fp+1
; run: x=inf => inf
; run: x=-inf => -inf
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => inf
; run: x=-1e-310 => -0x0.012688b70e62bp-1022
; run: x=710 => 0x1.3e21a464507f9p+1023
; run: x=711 => inf
; run: x=1e-9 => 0x1.12e0be826d695p-30
; run f32: x=0.5 => 0x1.0acdp-1
; run f32: x=2 => 0x1.d03cf6p+1
; run f32: x=-0 => -0
; run f32: x=3e38 => inf
; run f32: x=1e-40 => 0x1.16c2p-133
; grad: x=0 => x=1
; grad: x=1 => x=0x1.8b07551d9f55p+0
; both: x=0 => x=1
; both: x=1 => x=0x1.8b07551d9f55p+0
