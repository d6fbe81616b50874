;; What is taken contributes what it does: nothing hides its infinity.
(if (> x 0) 1 (sqrt x))
; both: x=0 => x=inf

;; Nor its NaN.
(if (= y 0) (* y (/ 1 x)) 1)
; both: x=0 y=0 => y=inf x=nan

;; An infinite slope beside a finite one.
(max x (log x))
; both: x=0 => x=1

;; A clamp.
(sqrt (max 0 x))
; both: x=-1 => x=0

;; Two conditions.
(if (> x 0) (if (> y 0) (sqrt (* x y)) 0) (log x))
; both: x=1 y=0 => x=0 y=0

;; A value that two branches share, of which one is taken.
(let ((s (sqrt x))) (+ (if (> x 0) s 0) (if (> y 0) s 1)))
; both: x=0 y=0 => x=0 y=0
; both: x=0 y=1 => x=inf y=0

;; A function that is called with both.
(define (f t) (if (> t 0) (/ 6 t) 1)) (+ (f x) (* 3 (f y)))
; both: x=0 y=1 => x=0 y=-18

;; No angle at the origin.
(if (= x 0) 0 (atan y x))
; both: x=0 y=0 => x=0 y=0

;; Conditions have no derivative.
(if (sqrt x) 1 y)
; both: x=0 y=2 => x=0 y=1

;; Nor have comparisons.
(> (sqrt x) y)
; both: x=0 y=2 => x=0 y=0
