;; A matrix by a vector.
(matvec A v)
; run: A=[[1 2] [3 4]] v=[5 6]
; run: A=[[0 1] [inf 1]] v=[0 1]
; both: A=[[1 2] [3 4]] v=[5 6]

;; Products of matrices.
(matmul A B)
; run: A=[[1 2] [3 4]] B=[[0 1] [1 0]]
; both: A=[[1 2] [3 4]] B=[[5 6] [7 8]]

;; Determinants.
(det A)
; run: A=[[1 2] [3 4]]
; run: A=[[0 1] [1 0]]
; run: A=[[1 2] [2 4]]
; both: A=[[1 2] [3 4]]
; both: A=[[0 1] [1 0]]
; stage graph:
; stage adjoint:

;; Inverses; that of a singular matrix is no matrix.
(inv A)
; run: A=[[2 0] [0 4]]
; run: A=[[0 1] [1 0]]
; run: A=[[1 2] [2 4]]
; both: A=[[2 0] [0 4]]

;; Of three rows.
(det (inv A))
; run: A=[[2 0 0] [0 4 1] [0 0 8]]
; run: A=[[0 1 0] [0 0 1] [1 0 0]]

;; Transposed, and the trace.
(+ (trace A) (vsum (transpose A)))
; run: A=[[1 2] [3 4]]
; both: A=[[1 2] [3 4]]

;; Outer products.
(outer u v)
; run: u=[1 2] v=[3 4 5]
; both: u=[1 2] v=[3 4 5]

;; Constants of shapes.
(+ (eye 2) (ones 2 2) (zeros 2 2) (scale x [[1 2] [3 4]]))
; run: x=10
