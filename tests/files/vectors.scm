;; Sums are added from the first element.
(vsum v)
; run: v=[1e16 1 -1e16]
; run: v=[-0 -0 -0]
; run: v=[inf -inf 0]
; both: v=[1 2 3]

;; Scalar products.
(dot u v)
; run: u=[1 2 3] v=[4 5 6]
; run: u=[0 1 0] v=[inf 1 1]
; both: u=[1 2 3] v=[4 5 6]
; stage graph:
; stage adjoint:

;; Lengths do not overflow; the slope at 0 is 0.
(norm v)
; run: v=[3 4]
; run: v=[1e300 1e300]
; run: v=[0 0]
; run: v=[5e-324 0]
; run: v=[inf nan]
; both: v=[3 4]
; both: v=[0 0]
; hessian: v=[0 0]

;; Unit vectors.
(normalize v)
; run: v=[3 4]
; run: v=[0 0]
; both: v=[3 4]

;; Cross products.
(cross u v)
; run: u=[1 0 0] v=[0 1 0]
; run: u=[1 2 3] v=[4 5 6]
; both: u=[1 2 3] v=[4 5 6]

;; A scalar goes to every element.
(+ s (scale s v) (/ v s))
; run: s=2 v=[1 2]
; both: s=2 v=[1 2]

;; Element by element.
(+ (vsum (abs w)) (vsum (max w 0)))
; run: w=[-1 0 2]
; both: w=[-1 0 2]

;; Lengths are numbers.
(* x (vlen v))
; run: x=2 v=[1 2 3]
