; C.29  jacobi
; law: x with A*x=b
; fixed point of Jacobi's iteration, A = offsets with a dominant diagonal
; inputs:
;   R[3,3] in [-0.5, 0.5]
;   b[3] in [-2, 2]
; points: 16
(define A (+ R (* 4 (eye 3))))
(define diagonal [(ref A 0 0) (ref A 1 1) (ref A 2 2)])
(loop ((x [0 0 0]) (n 0))
  (let* ((residual (- b (matvec A x)))
         (next (+ x (/ residual diagonal))))
    (if (or (< (norm residual) (* 1e-9 (norm b))) (> n 100))
        next
        (recur next (+ n 1)))))
