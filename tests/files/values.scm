;; Several results, of several shapes.
(values (sum (+ x y)) (less (< x y)) (both [x y]))
; run: x=1 y=2
; run: x=nan y=2
; grad: x=1 y=2
; stage graph:
; stage adjoint:
