;; Down.
(floor x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=0.5 => 0
; run: x=1.5 => 1
; run: x=2.5 => 2
; run: x=-0.5 => -1
; run: x=-1.5 => -2
; run: x=-0.2 => -1
; run: x=1e22 => 0x1.0f0cf064dd592p+73
; run: x=4503599627370495.5 => 0x1.ffffffffffffep+51
; run: x=inf => inf
; run: x=nan => nan
; run f32: x=2.5 => 2
; run f32: x=-0.5 => -1
; run f32: x=8388607.5 => 8388607
; both: x=1 => x=0
; both: x=1.5 => x=0

;; Up.
(ceiling x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=0.5 => 1
; run: x=1.5 => 2
; run: x=2.5 => 3
; run: x=-0.5 => -0
; run: x=-1.5 => -1
; run: x=-0.2 => -0
; run: x=1e22 => 0x1.0f0cf064dd592p+73
; run: x=4503599627370495.5 => 0x1p+52
; run: x=inf => inf
; run: x=nan => nan
; run f32: x=2.5 => 3
; run f32: x=-0.5 => -0
; run f32: x=8388607.5 => 8388608
; both: x=1 => x=0
; both: x=1.5 => x=0

;; To the nearest, ties to even.
(round x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=0.5 => 0
; run: x=1.5 => 2
; run: x=2.5 => 2
; run: x=-0.5 => -0
; run: x=-1.5 => -2
; run: x=-0.2 => -0
; run: x=1e22 => 0x1.0f0cf064dd592p+73
; run: x=4503599627370495.5 => 0x1p+52
; run: x=inf => inf
; run: x=nan => nan
; run f32: x=2.5 => 2
; run f32: x=-0.5 => -0
; run f32: x=8388607.5 => 8388608
; both: x=1 => x=0
; both: x=1.5 => x=0

;; Towards zero.
(truncate x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=0.5 => 0
; run: x=1.5 => 1
; run: x=2.5 => 2
; run: x=-0.5 => -0
; run: x=-1.5 => -1
; run: x=-0.2 => -0
; run: x=1e22 => 0x1.0f0cf064dd592p+73
; run: x=4503599627370495.5 => 0x1.ffffffffffffep+51
; run: x=inf => inf
; run: x=nan => nan
; run f32: x=2.5 => 2
; run f32: x=-0.5 => -0
; run f32: x=8388607.5 => 8388607
; both: x=1 => x=0
; both: x=1.5 => x=0
