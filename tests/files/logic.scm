;; Zero is false, any other number true, also none.
(not x)
; run: x=0 => 1
; run: x=-0 => 1
; run: x=1 => 0
; run: x=nan => 0
; run: x=5e-324 => 0

;; Both.
(and x y)
; run: x=1 y=2 => 1
; run: x=0 y=2 => 0
; run: x=1 y=0 => 0
; run: x=nan y=3 => 1

;; Either.
(or x y)
; run: x=1 y=2 => 1
; run: x=0 y=2 => 1
; run: x=0 y=0 => 0
; run: x=-0 y=nan => 1

;; Without operands.
(+ (* 10 (and)) (or))
; run: => 10

;; Truth values are numbers.
(+ (< x y) (* 2 (not x)) #t #f)
; run: x=0 y=1 => 4
; run: x=1 y=0 => 1
