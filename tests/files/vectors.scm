;; Sums are added from the first element.
(vsum v)
; run: v=[1e16 1 -1e16] => 0
; run: v=[-0 -0 -0] => -0
; run: v=[inf -inf 0] => nan
; both: v=[1 2 3] => v=[1 1 1]

;; Scalar products.
(dot u v)
; run: u=[1 2 3] v=[4 5 6] => 32
; run: u=[0 1 0] v=[inf 1 1] => nan
; both: u=[1 2 3] v=[4 5 6] => u=[4 5 6] v=[1 2 3]
; stage graph:
;   input u: vec 3
;   input v: vec 3
;   %0 = dot u, v
;   value = %0
; stage adjoint:
;   input u: vec 3
;   input v: vec 3
;   %0 = dot u, v
;   value = %0
;   gradient u = v : vec 3
;   gradient v = u : vec 3

;; Lengths do not overflow; the slope at 0 is 0.
(norm v)
; run: v=[3 4] => 5
; run: v=[1e300 1e300] => 0x1.0e4d50f99b211p+997
; run: v=[0 0] => 0
; run: v=[5e-324 0] => 0x0.0000000000001p-1022
; run: v=[inf nan] => nan
; both: v=[3 4] => v=[0.6 0.8]
; both: v=[0 0] => v=[0 0]
; hessian: v=[0 0] => 0:v=[0 0] 1:v=[0 0]

;; Unit vectors.
(normalize v)
; run: v=[3 4] => [0.6 0.8]
; run: v=[0 0] => [nan nan]
; grad: v=[3 4] => 0:v=[0.128 -0.096] 1:v=[-0x1.89374bc6a7efbp-4 0x1.26e978d4fdf3ap-4]

;; Cross products.
(cross u v)
; run: u=[1 0 0] v=[0 1 0] => [0 0 1]
; run: u=[1 2 3] v=[4 5 6] => [-3 6 -3]
; both: u=[1 2 3] v=[4 5 6] => 0:u=[0 6 -5] 0:v=[0 -3 2] 1:u=[-6 0 4] 1:v=[3 0 -1] 2:u=[5 -4 0] 2:v=[-2 1 0]

;; A scalar goes to every element.
(+ s (scale s v) (/ v s))
; run: s=2 v=[1 2] => [4.5 7]
; both: s=2 v=[1 2] => 0:s=1.75 0:v=[2.5 0] 1:s=2.5 1:v=[0 2.5]

;; Element by element.
(+ (vsum (abs w)) (vsum (max w 0)))
; run: w=[-1 0 2] => 5
; both: w=[-1 0 2] => w=[-1 0.5 2]

;; Lengths are numbers.
(* x (vlen v))
; run: x=2 v=[1 2 3] => 6

;; Squares that overflow or vanish are no part of a length.
(values (length (norm v)) (direction (normalize v)))
; run: v=[3e200 4e200] => length=0x1.a20df0dcd3afp+666 direction=[0x1.3333333333334p-1 0.8]
; run: v=[3e-200 4e-200] => length=0x1.e9e369aa2b597p-663 direction=[0.6 0.8]
; run: v=[3e-320 0] => length=0x0.00000000017b8p-1022 direction=[1 0]
; run: v=[0 0] => length=0 direction=[nan nan]
; run: v=[1e308 1e308] => length=0x1.92c80954c51f5p+1023 direction=[0x1.6a09e667f3bccp-1 0x1.6a09e667f3bccp-1]
; run: v=[inf 1] => length=inf direction=[nan 0]
; run f32: v=[3e30 4e30] => length=0x1.f8def8p+101 direction=[0x1.333332p-1 0x1.99999ap-1]
; run f32: v=[3e-30 4e-30] => length=0x1.95a5fp-98 direction=[0x1.333334p-1 0x1.99999ap-1]

;; A known element of a large vector is replaced: the first, one inside, the last.
(let ((v (* x (ones 70))) (w (build 70 (lambda (i) (+ i 1)))))
  (vec (dot w (replace v 0 y)) (dot w (replace v 3 y)) (dot w (replace v 69 y))))
; run: x=2 y=5 => [4973 4982 5180]
; both: x=2 y=5 => 0:x=2484 0:y=1 1:x=2481 1:y=4 2:x=2415 2:y=70

;; The same of a row of a large matrix.
(let ((M (* x (ones 9 9))) (w (build 9 (lambda (i) (+ i 1)))) (row (* y (ones 9))))
  (vec (dot w (matvec (replace M 0 row) w)) (dot w (matvec (replace M 4 row) w)) (dot w (matvec (replace M 8 row) w))))
; run: x=2 y=5 => [4185 4725 5265]
; both: x=2 y=5 => 0:x=1980 0:y=45 1:x=1800 1:y=225 2:x=1620 2:y=405

;; An expression over the elements that is too long for one loop.
(let ((w (* x (build 70 (lambda (i) i)))))
  (vsum (+ (* w y) (+ w w w w w w w w w w w w w w w w w w w w w w w w w w) y (+ w w w w w w w w w w w w w w w w w w w w w w w w w w w w w w))))
; run: x=1 y=1 => 137725
; run: x=2 y=-1 => 265580
; both: x=2 y=-1 => x=132825 y=4900
