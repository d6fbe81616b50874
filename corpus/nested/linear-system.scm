; linear-system
; inputs:
;   x in [1.5, 3]
;   a in [1.2, 2]
(define (f x a)
  (let ((s (solve [[x 1] [1 (+ 2 a)]] [1 a]))) (+ (ref s 0) (* 2 (ref s 1)))))
