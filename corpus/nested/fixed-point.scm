; fixed-point
; inputs:
;   x in [0.5, 3]
;   a in [0.5, 2]
(define (f x a)
  (fixed-point (lambda (u) (/ (+ u (/ (* x a) u)) 2)) 1))
