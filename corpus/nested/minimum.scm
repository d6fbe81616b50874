; minimum
; inputs:
;   x in [1.1, 3]
;   a in [1.1, 2]
(define (f x a)
  (minimum (lambda (u) (- (exp u) (* a x u))) 0.1))
