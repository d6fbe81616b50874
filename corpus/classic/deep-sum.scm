; C.36  deep-sum
; law: sum over k<=n of 1/(k+x)^2
; sum by recursion that is not in tail position, deeper than the limit that holds unless told otherwise
; inputs:
;   n in [5000, 20000] integer
;   x in [0.1, 3]
; points: 4
; nc: --max-depth 30000
(define (sum k)
  (if (= k 0)
      (/ (square x))
      (+ (/ (square (+ k x))) (sum (- k 1)))))
(sum n)
