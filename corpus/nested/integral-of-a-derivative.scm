; integral-of-a-derivative
; inputs:
;   x in [0.3, 1.2]
;   a in [0.3, 1]
(define (f x a)
  (integrate (lambda (u) ((D (lambda (v) (sin (* a v v)))) u)) 0 x))
