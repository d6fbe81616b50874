; soft-maximum
; inputs:
;   x in [0.2, 2]
;   a in [0.2, 2]
(define (f x a)
  (log-sum-exp [x a (+ x a)]))
