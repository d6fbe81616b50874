;; Questions about numbers are answered by 1 and 0.
(+ (zero? x) (* 10 (nan? x)) (* 100 (even? x)) (* 1000 (odd? x)))
; run: x=0 => 101
; run: x=-0 => 101
; run: x=1 => 1000
; run: x=-3 => 1000
; run: x=4 => 100
; run: x=2.5 => 0
; run: x=nan => 10
; run: x=inf => 0
; run: x=0x1p+53 => 100
; run f32: x=16777217 => 100

;; A magnitude and a sign.
(copysign x y)
; run: x=3 y=-0 => -3
; run: x=-3 y=2 => 3
; run: x=0 y=-1 => -0
; run: x=-inf y=1 => inf
; run f32: x=1 y=-2 => -1
; both: x=-3 y=-2 => x=1 y=0
; both: x=0 y=1 => x=0 y=0

;; A NaN has no sign that could be told, whatever made it.
(copysign 1 (log x))
; run: x=-1 => 1
; run: x=nan => 1
; run f32: x=-1 => 1

;; Nor has its opposite.
(copysign 1 (- (* (log x) y)))
; run: x=-1 y=2 => 1
; run: x=1 y=nan => 1
; run: x=1 y=inf => 1

;; Nor one that two infinities leave.
(copysign 1 (pow (- x x) (- y y)))
; run: x=inf y=inf => 1
; run: x=-inf y=inf => 1

;; Bounds, and the kink at each of them.
(clamp x 0 2)
; run: x=-1 => 0
; run: x=1 => 1
; run: x=3 => 2
; run: x=nan => nan
; both: x=1 => x=1
; both: x=3 => x=0
; both: x=2 => x=0.5

;; Names of one thing.
(values (a (- (atan2 y x) (atan y x))) (b (- (logistic x) (sigmoid x))) (c (- (truncate-quotient y x) (quotient y x)))
        (d (- (exact (floor x)) (floor x))))
; run: x=2.5 y=7 => a=0 b=0 c=0 d=0
