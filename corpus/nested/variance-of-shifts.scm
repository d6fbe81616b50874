; variance-of-shifts
; inputs:
;   x in [0.5, 2]
;   a in [0.5, 2]
(define (f x a)
  (variance [x (* 2 x) (+ a (* 3 x))]))
