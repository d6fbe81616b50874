; covector
; inputs:
;   x in [0.1, 2]
;   a in [0.2, 2]
(define (f x a)
  (ref (vjp (lambda (r) [(* (ref r 0) (ref r 1)) (exp (ref r 0))]) [x a] [2 1]) 0))
