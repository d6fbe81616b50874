; integral-of-a-power
; inputs:
;   x in [1, 3]
;   a in [0.3, 2]
(define (f x a)
  (integrate (lambda (u) (pow u a)) 0.5 x))
