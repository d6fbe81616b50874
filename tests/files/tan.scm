;; Tangents have no pole at a binary64 number.
(tan x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.8eb245cbee3a6p+0
; run: x=-1 => -0x1.8eb245cbee3a6p+0
; run: x=0.5 => 0x1.17b4f5bf3474ap-1
; run: x=2 => -0x1.17af62e0950f8p+1
; run: x=inf => nan
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => 0x1.6be411f37ac77p+0
; run: x=-1e-310 => -0x0.012688b70e62bp-1022
; run: x=1.5707963267948966 => 0x1.d02967c31cdb5p+53
; run: x=0.7853981633974483 => 0x1.fffffffffffffp-1
; run f32: x=0.5 => 0x1.17b4f6p-1
; run f32: x=2 => -0x1.17af62p+1
; run f32: x=-0 => -0
; run f32: x=3e38 => -0x1.ce7a5ap+0
; run f32: x=1e-40 => 0x1.16c2p-133
; grad: x=0 => x=1
; grad: x=1.5707963267948966 => x=0x1.a4cb0f6ad7947p+107
; both: x=0 => x=1
; both: x=1 => x=0x1.b67766959dae3p+1
