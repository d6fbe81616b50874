;; Zero is false, any other number true, also none.
(not x)
; run: x=0
; run: x=-0
; run: x=1
; run: x=nan
; run: x=5e-324

;; Both.
(and x y)
; run: x=1 y=2
; run: x=0 y=2
; run: x=1 y=0
; run: x=nan y=3

;; Either.
(or x y)
; run: x=1 y=2
; run: x=0 y=2
; run: x=0 y=0
; run: x=-0 y=nan

;; Without operands.
(+ (* 10 (and)) (or))
; run:

;; Truth values are numbers.
(+ (< x y) (* 2 (not x)) #t #f)
; run: x=0 y=1
; run: x=1 y=0
