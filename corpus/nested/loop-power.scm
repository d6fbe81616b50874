; loop-power
; inputs:
;   x in [0.3, 1.6]
;   a in [0.2, 2]
(define (f x a)
  ((D (lambda (u) (loop ((k 0) (p 1)) (if (< k 5) (recur (+ k 1) (* p u)) (* a p))))) x))
