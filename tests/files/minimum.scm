;; The lesser of two; no number wins.
(min x y)
; run: x=1 y=2 => 1
; run: x=2 y=1 => 1
; run: x=0 y=-0 => -0
; run: x=-0 y=0 => -0
; run: x=nan y=1 => nan
; run: x=1 y=nan => nan
; run: x=inf y=nan => nan
; run: x=3 y=3 => 3
; run f32: x=0.1 y=0.2 => 0x1.99999ap-4
; both: x=1 y=2 => x=1 y=0
; both: x=3 y=3 => x=0.5 y=0.5
; both: x=0 y=-0 => x=0.5 y=0.5
; both: x=inf y=inf => x=0.5 y=0.5

;; One half to each operand of a step: the first two share theirs.
(min x y z)
; run: x=3 y=1 z=2 => 1
; both: x=1 y=1 z=1 => x=0.25 y=0.25 z=0.5
; both: x=2 y=1 z=1 => x=0 y=0.5 z=0.5
