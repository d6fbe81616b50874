; sum-of-powers
; inputs:
;   x in [0.2, 0.7]
;   a in [0.2, 2]
(define (f x a)
  (sum 6 (lambda (k) (* a (pow x k)))))
