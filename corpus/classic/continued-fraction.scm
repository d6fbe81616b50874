; C.15  continued-fraction
; law: x/(1+x^2/(3+(2x)^2/(5+...)))
; arc tangent as Gauss's continued fraction of n levels, from the inside by recursion
; inputs:
;   x in [-2, 2]
;   n in [1, 30] integer
(define (tail k)
  (let ((odd (+ (* 2 k) 1)))
    (if (> k n)
        odd
        (+ odd (/ (square (* (+ k 1) x)) (tail (+ k 1)))))))
(/ x (tail 0))
