;; A constant index.
(ref v 1)
; run: v=[1 2 3]
; both: v=[1 2 3]
; stage graph:

;; A computed index is an integer in range, or the row fails.
(ref v k)
; run: v=[1 2 3] k=0
; run: v=[1 2 3] k=2
; run: v=[1 2 3] k=-0
; run: v=[1 2 3] k=3
; run: v=[1 2 3] k=-1
; run: v=[1 2 3] k=0.5
; run: v=[1 2 3] k=nan
; run: v=[1 2 3] k=inf
; both: v=[1 2 3] k=1
; grad: v=[1 2 3] k=3
; stage graph:
; stage adjoint:
; stage lanes:

;; A row or an element of a matrix.
(+ (norm (ref m k)) (ref m 0 k))
; run: m=[[3 4] [6 8]] k=0
; run: m=[[3 4] [6 8]] k=1
; run: m=[[3 4] [6 8]] k=2
; both: m=[[3 4] [6 8]] k=0

;; What is not evaluated does not fail.
(if (< k 3) (ref v k) 0)
; run: v=[1 2 3] k=2
; run: v=[1 2 3] k=3
; grad: v=[1 2 3] k=3
