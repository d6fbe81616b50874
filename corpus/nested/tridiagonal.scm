; tridiagonal
; inputs:
;   x in [0.2, 2]
;   a in [0.2, 2]
(define (f x a)
  (ref (solve-tridiagonal [1 1] [(+ 3 x) (+ 3 a) 4] [1 1] [1 0 0]) 0))
