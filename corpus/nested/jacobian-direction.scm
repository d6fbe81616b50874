; jacobian-direction
; inputs:
;   x in [0.1, 1]
;   a in [1, 2]
(define (f x a)
  (ref (jvp (lambda (r) [(* (ref r 0) (ref r 1)) (sin (ref r 0))]) [x a] [3 -1]) 0))
