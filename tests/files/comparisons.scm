;; `<` of two.
(< x y)
; run: x=1 y=2
; run: x=2 y=1
; run: x=1 y=1
; run: x=0 y=-0
; run: x=nan y=nan
; run: x=nan y=1
; run: x=inf y=inf
; both: x=1 y=2

;; `<=` of two.
(<= x y)
; run: x=1 y=2
; run: x=2 y=1
; run: x=1 y=1
; run: x=0 y=-0
; run: x=nan y=nan
; run: x=nan y=1
; run: x=inf y=inf
; both: x=1 y=2

;; `>` of two.
(> x y)
; run: x=1 y=2
; run: x=2 y=1
; run: x=1 y=1
; run: x=0 y=-0
; run: x=nan y=nan
; run: x=nan y=1
; run: x=inf y=inf
; both: x=1 y=2

;; `>=` of two.
(>= x y)
; run: x=1 y=2
; run: x=2 y=1
; run: x=1 y=1
; run: x=0 y=-0
; run: x=nan y=nan
; run: x=nan y=1
; run: x=inf y=inf
; both: x=1 y=2

;; `=` of two.
(= x y)
; run: x=1 y=2
; run: x=2 y=1
; run: x=1 y=1
; run: x=0 y=-0
; run: x=nan y=nan
; run: x=nan y=1
; run: x=inf y=inf
; both: x=1 y=2

;; Neighbours compare.
(< x y z)
; run: x=1 y=2 z=3
; run: x=1 y=3 z=2
; run: x=nan y=2 z=3

;; One operand compares with nothing.
(< x)
; run: x=1
; run: x=nan
