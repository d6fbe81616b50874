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

;; Pivots may overflow where determinants and inverses do not.
(det [[1 x 0] [-1 x 0] [0 0 y]])
; run: x=1e308 y=1e-300 => 0x1.7d784p+27
; run: x=1e308 y=1e-308 => 0x1.fffffffffffffp+0
; run: x=1e308 y=0 => 0
; run: x=-1e308 y=inf => -inf
; run: x=nan y=1 => nan
; run: x=3 y=1 => 6
; run f32: x=3e38 y=1e-30 => 0x1.1e1a3p+29
; both: x=1e308 y=1e-300 => x=0x1.56e1fc2f8f359p-996 y=inf

;; So may those of larger ones.
(det (mat [1 x 0 0 0 0 0 0 0] [-1 x 0 0 0 0 0 0 0] [0 0 y 0 0 0 0 0 0] [0 0 0 2 0 0 0 0 0] [0 0 0 0 2 0 0 0 0]
          [0 0 0 0 0 2 0 0 0] [0 0 0 0 0 0 2 0 0] [0 0 0 0 0 0 0 2 0] [0 0 0 0 0 0 0 0 2]))
; run: x=1e308 y=1e-300 => 0x1.7d784p+33
; run: x=2 y=1 => 256

;; And those of an inverse.
(inv [[1 x] [-1 x]])
; run: x=1e308 => [[0.5 -0x1.fffffffffffffp-2] [0x0.3986b3c0cf469p-1022 0x0.3986b3c0cf469p-1022]]
; run: x=2 => [[0.5 -0.5] [0.25 0.25]]
; run f32: x=3e38 => [[0.5 -0x1.fffffep-2] [0x1.225fdp-129 0x1.225fdp-129]]

;; Solutions for a vector.
(solve A b)
; run: A=[[2 1] [1 3]] b=[3 5] => [0.8 1.4]
; run: A=[[0 1] [1 0]] b=[3 5] => [5 3]
; run: A=[[1 2] [2 4]] b=[1 1] => [-inf inf]
; run: A=[[1 1] [-1 1]] b=[1.5e308 1.5e308] => [0 0x1.ab36d48e1acfp+1023]
; run: A=[[1e308 1e308] [-1e308 1e308]] b=[1e308 1e308] => [0 1]
; run: A=[[1e-320 0] [0 1e308]] b=[1e-320 1e308] => [1 1]
; run: A=[[1 nan] [0 1]] b=[1 1] => [nan nan]
; run f32: A=[[1 1] [-1 1]] b=[3e38 3e38] => [0 0x1.c363ccp+127]
; both: A=[[2 0] [0 4]] b=[2 4] => 0:A=[[-0.5 -0.5] [-0 -0]] 0:b=[0.5 0] 1:A=[[-0 -0] [-0.25 -0.25]] 1:b=[0 0.25]
; stage adjoint:
;   input A: mat 2×2
;   input b: vec 2
;   %0 = solve A, b : vec 2
;   %1 = place 1 : vec 2
;   %2 = transpose A : mat 2×2
;   %3 = solve %2, %1 : vec 2
;   %4 = outer %3, %0 : mat 2×2
;   %5 = neg %4 : mat 2×2
;   %6 = place 1 @1 : vec 2
;   %7 = solve %2, %6 : vec 2
;   %8 = outer %7, %0 : mat 2×2
;   %9 = neg %8 : mat 2×2
;   value = %0 : vec 2
;   gradient A = %5 : mat 2×2
;   gradient b = %3 : vec 2
;   gradient [1] A = %9 : mat 2×2
;   gradient [1] b = %7 : vec 2

;; And for a matrix.
(solve A B)
; run: A=[[2 0] [0 4]] B=[[2 6] [4 12]] => [[1 3] [1 3]]
; run: A=[[0 1] [1 1]] B=[[1 0] [0 1]] => [[-1 1] [1 0]]
; both: A=[[2 0] [0 4]] B=[[2 6] [4 12]] => 0:A=[[-0.5 -0.5] [-0 -0]] 0:B=[[0.5 0] [0 0]] 1:A=[[-1.5 -1.5] [-0 -0]] 1:B=[[0 0.5] [0 0]] 2:A=[[-0 -0] [-0.25 -0.25]] 2:B=[[0 0] [0.25 0]] 3:A=[[-0 -0] [-0.75 -0.75]] 3:B=[[0 0] [0 0.25]]

;; Lower factors, of the lower triangle.
(cholesky A)
; run: A=[[4 nan] [2 5]] => [[2 0] [1 2]]
; run: A=[[1 2] [2 1]] => [[1 0] [2 nan]]
; run: A=[[0 0] [0 1]] => [[0 0] [nan nan]]
; run f32: A=[[4 0] [2 5]] => [[2 0] [1 2]]
; both: A=[[4 0] [2 5]] => 0:A=[[0.25 0] [0 0]] 1:A=[[0 0] [0 0]] 2:A=[[-0.125 0] [0.5 0]] 3:A=[[0.0625 0] [-0.25 0.25]]

;; Tridiagonal systems, with a zero on the diagonal.
(solve-tridiagonal l d u b)
; run: l=[1 1] d=[0 2 1] u=[1 1] b=[2 8 5] => [1 2 3]
; run: l=[1 1] d=[1 1 1] u=[1 1] b=[2 3 1] => [2 0 1]
; run: l=[1 1] d=[0 0 0] u=[1 1] b=[2 3 1] => [nan nan -inf]
; run f32: l=[-1 -1] d=[2 2 2] u=[-1 -1] b=[1 1 1] => [1.5 2 0x1.800002p+0]
; both: l=[0 0] d=[2 4 1] u=[0 0] b=[2 4 1] => 0:l=[-0 -0] 0:d=[-0.5 -0 -0] 0:u=[-0.5 -0] 0:b=[0.5 0 0] 1:l=[-0.25 -0] 1:d=[-0 -0.25 -0] 1:u=[-0 -0.25] 1:b=[0 0.25 0] 2:l=[-0 -1] 2:d=[-0 -0 -1] 2:u=[-0 -0] 2:b=[0 0 1]
