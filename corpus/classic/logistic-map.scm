; C.28  logistic-map
; law: x <- r*x*(1-x)
; a chaotic map; errors double with every step, so there are few
; inputs:
;   x in [0.1, 0.9]
;   r in [2.5, 4]
;   n in [1, 12] integer
(let next ((x x) (k 0))
  (if (< k n) (next (* r x (- 1 x)) (+ k 1)) x))
