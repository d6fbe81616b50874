;; Down.
(floor x)
; run: x=0
; run: x=-0
; run: x=0.5
; run: x=1.5
; run: x=2.5
; run: x=-0.5
; run: x=-1.5
; run: x=-0.2
; run: x=1e22
; run: x=4503599627370495.5
; run: x=inf
; run: x=nan
; run f32: x=2.5
; run f32: x=-0.5
; run f32: x=8388607.5
; both: x=1
; both: x=1.5

;; Up.
(ceiling x)
; run: x=0
; run: x=-0
; run: x=0.5
; run: x=1.5
; run: x=2.5
; run: x=-0.5
; run: x=-1.5
; run: x=-0.2
; run: x=1e22
; run: x=4503599627370495.5
; run: x=inf
; run: x=nan
; run f32: x=2.5
; run f32: x=-0.5
; run f32: x=8388607.5
; both: x=1
; both: x=1.5

;; To the nearest, ties to even.
(round x)
; run: x=0
; run: x=-0
; run: x=0.5
; run: x=1.5
; run: x=2.5
; run: x=-0.5
; run: x=-1.5
; run: x=-0.2
; run: x=1e22
; run: x=4503599627370495.5
; run: x=inf
; run: x=nan
; run f32: x=2.5
; run f32: x=-0.5
; run f32: x=8388607.5
; both: x=1
; both: x=1.5

;; Towards zero.
(truncate x)
; run: x=0
; run: x=-0
; run: x=0.5
; run: x=1.5
; run: x=2.5
; run: x=-0.5
; run: x=-1.5
; run: x=-0.2
; run: x=1e22
; run: x=4503599627370495.5
; run: x=inf
; run: x=nan
; run f32: x=2.5
; run f32: x=-0.5
; run f32: x=8388607.5
; both: x=1
; both: x=1.5
