; determinant
; inputs:
;   x in [1, 2]
;   a in [0.2, 1]
(define (f x a)
  (det [[x a 1] [a 3 x] [1 x 4]]))
