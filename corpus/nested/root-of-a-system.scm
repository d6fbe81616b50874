; root-of-a-system
; inputs:
;   x in [0.5, 3]
;   a in [0.2, 0.9]
(define (f x a)
  (dot [1 2] (root (lambda (r) [(- (+ (ref r 0) (ref r 1)) x) (- (* 2 (ref r 0)) a)]) [1 1])))
