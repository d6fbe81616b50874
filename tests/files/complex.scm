;; Products.
(* z w)
; run: z={1 2} w={3 4}
; run: z={inf 0} w={0 1}
; grad: z={1 2} w={3 4}
; stage graph:
; stage adjoint:

;; Quotients do not overflow.
(/ z w)
; run: z={1 2} w={3 4}
; run: z={1e300 1e300} w={1e300 1e300}
; run: z={1 0} w={0 0}

;; Roots: the branch is cut along the negative axis.
(sqrt z)
; run: z={-4 0}
; run: z={-4 -0}
; run: z={3 4}
; run: z={0 0}

;; Exponentials and logarithms.
(exp (log z))
; run: z={1 1}
; run: z={-1 0}
; run: z={0 0}

;; Parts, lengths and angles.
(+ (real-part z) (* 10 (imag-part z)) (magnitude z) (angle z))
; run: z={3 4}
; run: z={-1 0}
; run: z={-1 -0}
; grad: z={3 4}

;; From parts and from length and angle.
(- (make-rectangular a b) (make-polar a b))
; run: a=2 b=0
; run: a=0 b=1
