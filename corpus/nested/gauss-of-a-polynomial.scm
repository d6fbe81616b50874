; gauss-of-a-polynomial
; inputs:
;   x in [0.3, 2]
;   a in [0.3, 2]
(define (f x a)
  (gauss-legendre 6 (lambda (u) (* a (pow u 5))) 0 x))
