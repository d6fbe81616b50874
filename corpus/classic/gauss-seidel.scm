; C.30  gauss-seidel
; law: x with A*x=b
; 25 sweeps, each element from those already new
; inputs:
;   a12 in [-1, 1]
;   a13 in [-1, 1]
;   a23 in [-1, 1]
;   b1 in [-2, 2]
;   b2 in [-2, 2]
;   b3 in [-2, 2]
; points: 16
(do ((n 0 (+ n 1))
     (v [0 0 0]
        (let* ((x (/ (- b1 (* a12 (ref v 1)) (* a13 (ref v 2))) 4))
               (y (/ (- b2 (* a12 x) (* a23 (ref v 2))) 4))
               (z (/ (- b3 (* a13 x) (* a23 y)) 4)))
          [x y z])))
    ((= n 25) v))
