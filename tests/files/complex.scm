;; Products.
(* z w)
; run: z={1 2} w={3 4} => {-5 10}
; run: z={inf 0} w={0 1} => {nan inf}
; grad: z={1 2} w={3 4} => z={3 4} w={1 2}
; stage graph:
;   input z: complex
;   input w: complex
;   %0 = slice z
;   %1 = slice z @1
;   %2 = slice w
;   %3 = slice w @1
;   %4 = product-re %0, %1, %2, %3
;   %5 = product-im %0, %1, %2, %3
;   %6 = pack %4, %5 : complex
;   value = %6 : complex
; stage adjoint:
;   input z: complex
;   input w: complex
;   %0 = slice z
;   %1 = slice z @1
;   %2 = slice w
;   %3 = slice w @1
;   %4 = product-re %0, %1, %2, %3
;   %5 = product-im %0, %1, %2, %3
;   %6 = pack %4, %5 : complex
;   %7 = add %3, 0
;   %8 = pack %2, %7 : complex
;   %9 = add %1, 0
;   %10 = pack %0, %9 : complex
;   value = %6 : complex
;   gradient z = %8 : complex
;   gradient w = %10 : complex

;; Quotients do not overflow.
(/ z w)
; run: z={1 2} w={3 4} => {0.44 0.08}
; run: z={1e300 1e300} w={1e300 1e300} => {1 0}
; run: z={1 0} w={0 0} => {inf nan}

;; Roots: the branch is cut along the negative axis.
(sqrt z)
; run: z={-4 0} => {0 2}
; run: z={-4 -0} => {0 -2}
; run: z={3 4} => {2 1}
; run: z={0 0} => {0 0}

;; Exponentials and logarithms.
(exp (log z))
; run: z={1 1} => {1 1}
; run: z={-1 0} => {-1 0x1.1a62633145c07p-53}
; run: z={0 0} => {0 0}

;; Parts, lengths and angles.
(+ (real-part z) (* 10 (imag-part z)) (magnitude z) (angle z))
; run: z={3 4} => 0x1.876b19c1586edp+5
; run: z={-1 0} => 0x1.921fb54442d18p+1
; run: z={-1 -0} => -0x1.921fb54442d18p+1
; grad: z={3 4} => z={1.44 -10.92}

;; From parts and from length and angle.
(- (make-rectangular a b) (make-polar a b))
; run: a=2 b=0 => {0 0}
; run: a=0 b=1 => {0 1}

;; Far out an arctangent is a quarter turn, and its slope -1/z^2.
(atan z)
; run: z={inf 0} => {0x1.921fb54442d18p+0 0}
; run: z={-inf 0} => {-0x1.921fb54442d18p+0 0}
; run: z={0 inf} => {0x1.921fb54442d18p+0 0}
; run: z={inf -inf} => {0x1.921fb54442d18p+0 -0}
; run: z={1e300 0} => {0x1.921fb54442d18p+0 0}
; run: z={3e200 4e200} => {0x1.921fb54442d18p+0 0x1.f5a549627a36cp-668}
; run: z={1e12 -0} => {0x1.921fb54441b8p+0 -0}
; run f32: z={1e30 1e30} => {0x1.921fb6p+0 0x1.4484cp-101}
; grad: z={1e300 0} => z={0 0}
; grad: z={1e120 0} => z={0x1.aac0bf9b9e65cp-798 0}
; grad: z={3e60 4e60} => z={-0x1.d9d84c92fbb2dp-406 -0x1.96271d104575p-404}

;; An arcsine is the angle and the logarithm of twice the number.
(asin z)
; run: z={1e308 1e308} => {0x1.921fb54442d18p-1 0x1.631e32ef5c834p+9}
; run: z={inf 0} => {0x1.921fb54442d18p+0 inf}
; run: z={-1e300 -0} => {-0x1.921fb54442d18p+0 -0x1.59bbfd8b83e44p+9}
; run: z={0 inf} => {0 inf}
; grad: z={3e200 4e200} => z={0x1.f5a549627a36cp-668 0x1.783bf709dba91p-668}

;; The same of an arccosine.
(acos z)
; run: z={1e308 1e308} => {0x1.921fb54442d18p-1 -0x1.631e32ef5c834p+9}
; run: z={-inf 0} => {0x1.921fb54442d18p+1 -inf}
; run: z={1e300 -1} => {0x1.56e1fc2f8f359p-997 0x1.59bbfd8b83e44p+9}
; grad: z={3e200 4e200} => z={-0x1.f5a549627a36cp-668 -0x1.783bf709dba91p-668}
