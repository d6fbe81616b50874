;; A matrix by a vector.
(matvec A v)
; run: A=[[1 2] [3 4]] v=[5 6] => [17 39]
; run: A=[[0 1] [inf 1]] v=[0 1] => [1 nan]
; both: A=[[1 2] [3 4]] v=[5 6] => 0:A=[[5 6] [0 0]] 0:v=[1 2] 1:A=[[0 0] [5 6]] 1:v=[3 4]

;; Products of matrices.
(matmul A B)
; run: A=[[1 2] [3 4]] B=[[0 1] [1 0]] => [[2 1] [4 3]]
; both: A=[[1 2] [3 4]] B=[[5 6] [7 8]] => 0:A=[[5 7] [0 0]] 0:B=[[1 0] [2 0]] 1:A=[[6 8] [0 0]] 1:B=[[0 1] [0 2]] 2:A=[[0 0] [5 7]] 2:B=[[3 0] [4 0]] 3:A=[[0 0] [6 8]] 3:B=[[0 3] [0 4]]

;; Determinants.
(det A)
; run: A=[[1 2] [3 4]] => -2
; run: A=[[0 1] [1 0]] => -1
; run: A=[[1 2] [2 4]] => -0
; both: A=[[1 2] [3 4]] => A=[[4 -3] [-2 1]]
; both: A=[[0 1] [1 0]] => A=[[0 -1] [-1 0]]
; stage graph:
;   input A: mat 2×2
;   %0 = det A
;   value = %0
; stage adjoint:
;   input A: mat 2×2
;   %0 = det A
;   %1 = slice A @3
;   %2 = pack %1 : mat 1×1
;   %3 = det %2
;   %4 = slice A @2
;   %5 = pack %4 : mat 1×1
;   %6 = det %5
;   %7 = neg %6
;   %8 = slice A @1
;   %9 = pack %8 : mat 1×1
;   %10 = det %9
;   %11 = neg %10
;   %12 = slice A
;   %13 = pack %12 : mat 1×1
;   %14 = det %13
;   %15 = pack %3, %7, %11, %14 : mat 2×2
;   value = %0
;   gradient A = %15 : mat 2×2

;; Inverses; that of a singular matrix is no matrix.
(inv A)
; run: A=[[2 0] [0 4]] => [[0.5 0] [0 0.25]]
; run: A=[[0 1] [1 0]] => [[0 1] [1 0]]
; run: A=[[1 2] [2 4]] => [[-inf inf] [inf -inf]]
; both: A=[[2 0] [0 4]] => 0:A=[[-0.25 -0] [-0 -0]] 1:A=[[-0 -0.125] [-0 -0]] 2:A=[[-0 -0] [-0.125 -0]] 3:A=[[-0 -0] [-0 -0.0625]]

;; Of three rows.
(det (inv A))
; run: A=[[2 0 0] [0 4 1] [0 0 8]] => 0x1p-6
; run: A=[[0 1 0] [0 0 1] [1 0 0]] => 1

;; Transposed, and the trace.
(+ (trace A) (vsum (transpose A)))
; run: A=[[1 2] [3 4]] => 15
; both: A=[[1 2] [3 4]] => A=[[2 1] [1 2]]

;; Outer products.
(outer u v)
; run: u=[1 2] v=[3 4 5] => [[3 4 5] [6 8 10]]
; both: u=[1 2] v=[3 4 5] => 0:u=[3 0] 0:v=[1 0 0] 1:u=[4 0] 1:v=[0 1 0] 2:u=[5 0] 2:v=[0 0 1] 3:u=[0 3] 3:v=[2 0 0] 4:u=[0 4] 4:v=[0 2 0] 5:u=[0 5] 5:v=[0 0 2]

;; Constants of shapes.
(+ (eye 2) (ones 2 2) (zeros 2 2) (scale x [[1 2] [3 4]]))
; run: x=10 => [[12 21] [31 42]]

;; A determinant overflows or vanishes only as a whole, whatever its pivots do on the way.
(define (diagonal a b c d) (det (mat [a 0 0 0] [0 b 0 0] [0 0 c 0] [0 0 0 d])))
(values (big (diagonal x x y y)) (small (diagonal y y x x)))
; run: x=1e200 y=1e-200 => big=1 small=0x1.ffffffffffffep-1
; run: x=1e-200 y=1e200 => big=0x1.ffffffffffffep-1 small=1
; run: x=1e200 y=0 => big=0 small=0
; run: x=1e100 y=1e100 => big=inf small=inf
; run: x=3e-110 y=2 => big=0x1.45538f7a3ea35p-726 small=0x1.45538f7a3ea35p-726
; run f32: x=1e30 y=1e-30 => big=1 small=1
; both: x=1e200 y=1e-200 => 0:x=0x1.87e92154ef7acp-664 0:y=0x1.4e718d7d7625ap+665 1:x=0x1.87e92154ef7abp-664 1:y=0x1.4e718d7d7625ap+665

;; So does that of a matrix with more rows than are taken apart.
(det (mat [x 0 0 0 0 0 0 0 0] [0 x 0 0 0 0 0 0 0] [0 0 y 0 0 0 0 0 0] [0 0 0 y 0 0 0 0 0] [0 0 0 0 x 0 0 0 0]
          [0 0 0 0 0 y 0 0 0] [0 0 0 0 0 0 y 0 0] [0 0 0 0 0 0 0 x 0] [0 0 0 0 0 0 0 0 2]))
; run: x=1e200 y=1e-200 => 2
; run: x=1e-200 y=1e200 => 0x1.ffffffffffffdp+0
