;; A constant index.
(ref v 1)
; run: v=[1 2 3] => 2
; both: v=[1 2 3] => v=[0 1 0]
; stage graph:
;   input v: vec 3
;   %0 = slice v @1
;   value = %0

;; A computed index is an integer in range, or the row fails.
(ref v k)
; run: v=[1 2 3] k=0 => 1
; run: v=[1 2 3] k=2 => 3
; run: v=[1 2 3] k=-0 => 1
; run: v=[1 2 3] k=3 => fails: the index is not an integer from 0 to 2
; run: v=[1 2 3] k=-1 => fails: the index is not an integer from 0 to 2
; run: v=[1 2 3] k=0.5 => fails: the index is not an integer from 0 to 2
; run: v=[1 2 3] k=nan => fails: the index is not an integer from 0 to 2
; run: v=[1 2 3] k=inf => fails: the index is not an integer from 0 to 2
; both: v=[1 2 3] k=1 => v=[0 1 0] k=0
; grad: v=[1 2 3] k=3 => fails: the index is not an integer from 0 to 2
; stage graph:
;   input v: vec 3
;   input k: scalar
;   %0 = floor k
;   %1 = eq k, %0 : bool
;   %2 = le 0, k : bool
;   %3 = lt k, 3 : bool
;   %4 = and %2, %3 : bool
;   %5 = and %1, %4 : bool
;   %6 = not %5 : bool
;   %7 = gather v, k
;   fail if %6: index out of 3
;   value = %7
; stage adjoint:
;   input v: vec 3
;   input k: scalar
;   %0 = floor k
;   %1 = eq k, %0 : bool
;   %2 = le 0, k : bool
;   %3 = lt k, 3 : bool
;   %4 = and %2, %3 : bool
;   %5 = and %1, %4 : bool
;   %6 = not %5 : bool
;   %7 = gather v, k
;   %8 = scatter 1, k : vec 3
;   fail if %6: index out of 3
;   value = %7
;   gradient v = %8 : vec 3
;   gradient k = 0
; stage lanes:
;   v0:f = column 0
;   v1:f = column 1
;   v2:f = column 2
;   v3:f = column 3
;   v6:f = floor v3
;   v7:m = eq v3, v6
;   v8:m = le 0, v3
;   v9:m = lt v3, 3
;   v10:m = and v8, v9
;   v11:m = and v7, v10
;   v12:m = not v11
;   v14:m = eq v3, 1
;   v15:f = select v14, v1, v0
;   v17:m = eq v3, 2
;   v18:f = select v17, v2, v15
;   v19:m = ne v18, v18
;   v20:m = or v12, v19
;   v22:f = select v20, +nan.0, v18
;   v24:f = select v12, 1e-323, 0
;   v25:i = bits v24
;   store 0, v22
;   status v25

;; A row or an element of a matrix.
(+ (norm (ref m k)) (ref m 0 k))
; run: m=[[3 4] [6 8]] k=0 => 8
; run: m=[[3 4] [6 8]] k=1 => 14
; run: m=[[3 4] [6 8]] k=2 => fails: the index is not an integer from 0 to 1
; both: m=[[3 4] [6 8]] k=0 => m=[[1.6 0.8] [0 0]] k=0

;; What is not evaluated does not fail.
(if (< k 3) (ref v k) 0)
; run: v=[1 2 3] k=2 => 3
; run: v=[1 2 3] k=3 => 0
; grad: v=[1 2 3] k=3 => k=0 v=[0 0 0]
