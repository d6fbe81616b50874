; cholesky-corner
; inputs:
;   x in [0.5, 2]
;   a in [0.2, 2]
(define (f x a)
  (ref (cholesky [[(* x x) (* a x)] [(* a x) (+ 4 (* a a))]]) 1 0))
