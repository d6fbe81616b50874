;; A root with its first and second derivatives; the start has none.
(root (lambda (x) (- (* x x x) a)) b)
; run: a=2 b=1.3 => 0x1.428a2f98d728bp+0
; run: a=-2 b=1.3 => -0x1.428a2f98d728bp+0
; run: a=nan b=1 => nan
; run f32: a=2 b=1.3 => 0x1.428a3p+0
; grad: a=2 b=1.3 => a=0x1.ae0d94cbc98b9p-3 b=0
; hessian: a=2 b=1.3 => 0:a=-0x1.1eb3b887dbb24p-4 0:b=0 1:a=0 1:b=0

;; Flat slopes and overshooting: the steps are cut, and bisected once there is a bracket.
(root (lambda (x) (- (tanh (- x 5)) a)) b)
; run: a=0 b=0 => 5
; run: a=0.5 b=20 => 0x1.6327d4f55a061p+2
; run: a=0.5 b=-10 => 0x1.6327d4f55a061p+2
; grad: a=0.5 b=0 => a=0x1.5555555555555p+0 b=0

;; A start where the slope is 0, a double root, and no root at all.
(root (lambda (x) (- (* x x) a)) b)
; run: a=2 b=0 => -0x1.6a09e667f3bccp+0
; run: a=0 b=1 => 0x1p-538
; run: a=-1 b=1 => nan
; run: a=4 b=inf => nan

;; Kepler's equation.
(define (anomaly e M) (root (lambda (E) (- E (* e (sin E)) M)) M))
; run: e=0.99 M=0.05 => 0x1.4ab248f8bc519p-1
; run: e=0 M=2 => 2
; grad: e=0.99 M=0.05 => e=0x1.6fe423cddd1e5p+1 M=0x1.319a54a0a7186p+2
; hessian: e=0.3 M=1 => 0:e=0x1.2bcdda523c251p-2 0:M=-0x1.c02d9d8799188p-6 1:e=-0x1.c02d9d87991ap-6 1:M=-0x1.7f70ac96036dap-2

;; Systems of equations.
(root (lambda (w) [(- (* (ref w 0) (ref w 1)) p) (- (ref w 0) (ref w 1) q)]) [(+ 1 q) 1])
; run: p=2 q=1 => [2 1]
; grad: p=2 q=1 => 0:p=0x1.5555555555555p-2 0:q=0x1.5555555555555p-1 1:p=0x1.5555555555556p-2 1:q=-0x1.5555555555556p-2

;; A system of one equation is a vector of one.
(ref (root (lambda (w) [(- (square (ref w 0)) a)]) [1]) 0)
; run: a=2 => 0x1.6a09e667f3bccp+0
; hessian: a=2 => 0:a=-0x1.6a09e667f3bcfp-4

;; A root between two places; none without a change of sign, and none at a pole.
(root-in (lambda (x) (- (exp x) a)) -2 b)
; run: a=2 b=3 => 0x1.62e42fefa39efp-1
; run: a=2 b=0.5 => nan
; run: a=1 b=0 => 0
; run: a=2 b=nan => nan
; grad: a=2 b=3 => a=0.5 b=0
; hessian: a=2 b=3 => 0:a=-0.25 0:b=0 1:a=0 1:b=0

;; A pole has no root.
(root-in (lambda (x) (/ (- x a))) 0 10)
; run: a=3 => nan

;; Fixed points, of numbers and of vectors, fast and slow.
(values (heron (fixed-point (lambda (x) (/ (+ x (/ a x)) 2)) 1))
        (cosine (fixed-point (lambda (x) (cos (* a x))) 1))
        (slow (fixed-point (lambda (x) (+ 1 (* 0.98 a x))) 1))
        (both (fixed-point (lambda (v) [(cos (* a (ref v 1))) (* 0.5 (ref v 0))]) [1 1])))
; run: a=1 => heron=1 cosine=0x1.7a695dd83ce2ep-1 slow=0x1.9000000000007p+5 both=[0x1.ccfceebed39e3p-1 0x1.ccfceebed39e3p-2]
; run: a=3 => heron=0x1.bb67ae8584caap+0 cosine=-0x1.f56f90a0501a5p-1 slow=nan both=[nan nan]
; grad: a=1 => 0:a=0.5 1:a=-0x1.309d1d20bc471p-2 2:a=0x1.3240000000001p+11 3:a=-0x1.497e67c2cb9fdp-3 4:a=-0x1.497e67c2cb9fdp-4

;; Minima, from convex and from concave places.
(minimum (lambda (x) (- (exp x) (* a x))) b)
; run: a=2 b=1 => 0x1.62e42fefa39efp-1
; run: a=2 b=40 => 0x1.62e42fefa39efp-1
; run: a=-1 b=0 => nan
; grad: a=2 b=1 => a=0.5 b=0
; hessian: a=2 b=1 => 0:a=-0.25 0:b=0 1:a=0 1:b=0

;; A maximum is left, and a minimum found where differences of the values are lost in their rounding.
(values (valley (minimum (lambda (x) (cos (* a x))) 0)) (raised (minimum (lambda (x) (+ 1e6 (square (- x a)))) 3)))
; run: a=2 => valley=0x1.921fb54442d18p+0 raised=2
; grad: a=2 => 0:a=-0x1.921fb54442d18p-1 1:a=1

;; Rosenbrock's valley.
(minimum (lambda (v) (+ (square (- a (ref v 0))) (* 100 (square (- (ref v 1) (square (ref v 0))))))) [-1.2 1])
; run: a=1 => [1 1]
; grad: a=1 => 0:a=1 1:a=2

;; Roots and minima in binary32, whose steps become rounding earlier.
(values (cubic (root (lambda (x) (- (* x x x) (* 2 x) a)) 0))
        (valley (minimum (lambda (v) (+ (square (- 1 (ref v 0))) (* 100 (square (- (ref v 1) (square (ref v 0))))))) [-1.2 1])))
; run: a=2 => cubic=0x1.c4f057fe848c8p+0 valley=[1 1]
; run f32: a=2 => cubic=0x1.c4f058p+0 valley=[1 1]

;; What is not found has no derivative either.
(values (one (fixed-point (lambda (x) (- a x)) 1)) (other (root (lambda (x) (- x a)) +inf.0)))
; run: a=3 => one=nan other=nan
; grad: a=3 => 0:a=nan 1:a=nan
