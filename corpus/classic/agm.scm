; C.18  agm
; law: agm(a,b)
; arithmetic-geometric mean
; inputs:
;   a in [0.1, 10]
;   b in [0.1, 10]
(let mean ((a a) (b b))
  (if (< (abs (- a b)) (* 1e-6 a))
      (* 1/2 (+ a b))
      (mean (* 1/2 (+ a b)) (sqrt (* a b)))))
