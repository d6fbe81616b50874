; integral-by-a-parameter
; inputs:
;   x in [0.5, 2]
;   a in [0.5, 1.5]
(define (f x a)
  ((D (lambda (k) (integrate (lambda (u) (exp (* k u))) 0 x))) a))
