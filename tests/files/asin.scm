;; Arc sines: infinite slopes at the ends, nothing beyond.
(asin x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.921fb54442d18p+0
; run: x=-1 => -0x1.921fb54442d18p+0
; run: x=0.5 => 0x1.0c152382d7365p-1
; run: x=2 => nan
; run: x=inf => nan
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => nan
; run: x=-1e-310 => -0x0.012688b70e62bp-1022
; run: x=0x1.0000000000001p+0 => nan
; run: x=0x1.fffffffffffffp-1 => 0x1.921fb50442d18p+0
; run f32: x=0.5 => 0x1.0c1524p-1
; run f32: x=2 => nan
; run f32: x=-0 => -0
; run f32: x=3e38 => nan
; run f32: x=1e-40 => 0x1.16c2p-133
; grad: x=0 => x=1
; grad: x=1 => x=inf
; grad: x=-1 => x=inf
; grad: x=1.5 => x=nan
; both: x=0 => x=1
; both: x=0.5 => x=0x1.279a74590331dp+0
