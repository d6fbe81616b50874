;; The lesser of two; no number wins.
(min x y)
; run: x=1 y=2
; run: x=2 y=1
; run: x=0 y=-0
; run: x=-0 y=0
; run: x=nan y=1
; run: x=1 y=nan
; run: x=inf y=nan
; run: x=3 y=3
; run f32: x=0.1 y=0.2
; both: x=1 y=2
; both: x=3 y=3
; both: x=0 y=-0
; both: x=inf y=inf

;; One half to each operand of a step: the first two share theirs.
(min x y z)
; run: x=3 y=1 z=2
; both: x=1 y=1 z=1
; both: x=2 y=1 z=1
