; C.1  factorial-loop
; law: n!
; product of the integers up to n; n counts only, so the gradient is 0
; inputs:
;   n in [0, 25] integer
(loop ((i 1) (product 1))
  (if (> i n)
      product
      (recur (+ i 1) (* product i))))
