; C.32  double-sum
; law: sum over i<n, j<=i of x^j/(1+i*j+y)
; one loop inside another, the inner trip counted by the outer
; inputs:
;   n in [0, 20] integer
;   x in [0.5, 1.2]
;   y in [0.1, 2]
(loop ((i 0) (sum 0))
  (if (>= i n)
      sum
      (recur (+ i 1)
             (do ((j 0 (+ j 1))
                  (p 1 (* p x))
                  (row sum (+ row (/ p (+ 1 (* i j) y)))))
                 ((> j i) row)))))
