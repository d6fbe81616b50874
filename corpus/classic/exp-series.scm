; C.16  exp-series
; law: exp(x)
; series of the exponential, until a term adds nothing
; inputs:
;   x in [-2, 6]
(loop ((k 1) (term 1) (sum 1))
  (let ((next (/ (* term x) k)))
    (if (< (abs next) (* 1e-18 (abs sum)))
        sum
        (recur (+ k 1) next (+ sum next)))))
