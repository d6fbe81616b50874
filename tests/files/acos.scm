;; Arc cosines: infinite slopes at the ends, nothing beyond.
(acos x)
; run: x=0 => 0x1.921fb54442d18p+0
; run: x=-0 => 0x1.921fb54442d18p+0
; run: x=1 => 0
; run: x=-1 => 0x1.921fb54442d18p+1
; run: x=0.5 => 0x1.0c152382d7366p+0
; run: x=2 => nan
; run: x=inf => nan
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => 0x1.921fb54442d18p+0
; run: x=1e300 => nan
; run: x=-1e-310 => 0x1.921fb54442d18p+0
; run: x=0x1.fffffffffffffp-1 => 0x1p-26
; run f32: x=0.5 => 0x1.0c1524p+0
; run f32: x=2 => nan
; run f32: x=-0 => 0x1.921fb6p+0
; run f32: x=3e38 => nan
; run f32: x=1e-40 => 0x1.921fb6p+0
; grad: x=0 => x=-1
; grad: x=1 => x=-inf
; grad: x=-1 => x=-inf
; both: x=0 => x=-1
; both: x=0.5 => x=-0x1.279a74590331dp+0
