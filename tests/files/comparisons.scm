;; `<` of two.
(< x y)
; run: x=1 y=2 => 1
; run: x=2 y=1 => 0
; run: x=1 y=1 => 0
; run: x=0 y=-0 => 0
; run: x=nan y=nan => 0
; run: x=nan y=1 => 0
; run: x=inf y=inf => 0
; both: x=1 y=2 => x=0 y=0

;; `<=` of two.
(<= x y)
; run: x=1 y=2 => 1
; run: x=2 y=1 => 0
; run: x=1 y=1 => 1
; run: x=0 y=-0 => 1
; run: x=nan y=nan => 0
; run: x=nan y=1 => 0
; run: x=inf y=inf => 1
; both: x=1 y=2 => x=0 y=0

;; `>` of two.
(> x y)
; run: x=1 y=2 => 0
; run: x=2 y=1 => 1
; run: x=1 y=1 => 0
; run: x=0 y=-0 => 0
; run: x=nan y=nan => 0
; run: x=nan y=1 => 0
; run: x=inf y=inf => 0
; both: x=1 y=2 => x=0 y=0

;; `>=` of two.
(>= x y)
; run: x=1 y=2 => 0
; run: x=2 y=1 => 1
; run: x=1 y=1 => 1
; run: x=0 y=-0 => 1
; run: x=nan y=nan => 0
; run: x=nan y=1 => 0
; run: x=inf y=inf => 1
; both: x=1 y=2 => x=0 y=0

;; `=` of two.
(= x y)
; run: x=1 y=2 => 0
; run: x=2 y=1 => 0
; run: x=1 y=1 => 1
; run: x=0 y=-0 => 1
; run: x=nan y=nan => 0
; run: x=nan y=1 => 0
; run: x=inf y=inf => 1
; both: x=1 y=2 => x=0 y=0

;; Neighbours compare.
(< x y z)
; run: x=1 y=2 z=3 => 1
; run: x=1 y=3 z=2 => 0
; run: x=nan y=2 z=3 => 0

;; One operand compares with nothing.
(< x)
; run: x=1 => 1
; run: x=nan => 1
