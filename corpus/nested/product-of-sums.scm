; product-of-sums
; inputs:
;   x in [0.3, 2]
;   a in [0.2, 1]
(define (f x a)
  (product 4 (lambda (k) (+ x (* k a)))))
