;; A root with its first and second derivatives; the start has none.
(root (lambda (x) (- (* x x x) a)) b)
; run: a=2 b=1.3 => 0
; run: a=-2 b=1.3 => 0
; run: a=nan b=1 => 0
; run f32: a=2 b=1.3 => 0
; grad: a=2 b=1.3 => 0
; hessian: a=2 b=1.3 => 0

;; Flat slopes and overshooting: the steps are cut, and bisected once there is a bracket.
(root (lambda (x) (- (tanh (- x 5)) a)) b)
; run: a=0 b=0 => 0
; run: a=0.5 b=20 => 0
; run: a=0.5 b=-10 => 0
; grad: a=0.5 b=0 => 0

;; A start where the slope is 0, a double root, and no root at all.
(root (lambda (x) (- (* x x) a)) b)
; run: a=2 b=0 => 0
; run: a=0 b=1 => 0
; run: a=-1 b=1 => 0
; run: a=4 b=inf => 0

;; Kepler's equation.
(define (anomaly e M) (root (lambda (E) (- E (* e (sin E)) M)) M))
; run: e=0.99 M=0.05 => 0
; run: e=0 M=2 => 0
; grad: e=0.99 M=0.05 => 0
; hessian: e=0.3 M=1 => 0

;; Systems of equations.
(root (lambda (w) [(- (* (ref w 0) (ref w 1)) p) (- (ref w 0) (ref w 1) q)]) [(+ 1 q) 1])
; run: p=2 q=1 => 0
; grad: p=2 q=1 => 0

;; A system of one equation is a vector of one.
(ref (root (lambda (w) [(- (square (ref w 0)) a)]) [1]) 0)
; run: a=2 => 0
; hessian: a=2 => 0

;; A root between two places; none without a change of sign, and none at a pole.
(root-in (lambda (x) (- (exp x) a)) -2 b)
; run: a=2 b=3 => 0
; run: a=2 b=0.5 => 0
; run: a=1 b=0 => 0
; run: a=2 b=nan => 0
; grad: a=2 b=3 => 0
; hessian: a=2 b=3 => 0

;; A pole has no root.
(root-in (lambda (x) (/ (- x a))) 0 10)
; run: a=3 => 0

;; Fixed points, of numbers and of vectors, fast and slow.
(values (heron (fixed-point (lambda (x) (/ (+ x (/ a x)) 2)) 1))
        (cosine (fixed-point (lambda (x) (cos (* a x))) 1))
        (slow (fixed-point (lambda (x) (+ 1 (* 0.98 a x))) 1))
        (both (fixed-point (lambda (v) [(cos (* a (ref v 1))) (* 0.5 (ref v 0))]) [1 1])))
; run: a=1 => 0
; run: a=3 => 0
; grad: a=1 => 0

;; Minima, from convex and from concave places.
(minimum (lambda (x) (- (exp x) (* a x))) b)
; run: a=2 b=1 => 0
; run: a=2 b=40 => 0
; run: a=-1 b=0 => 0
; grad: a=2 b=1 => 0
; hessian: a=2 b=1 => 0

;; A maximum is left, and a minimum found where differences of the values are lost in their rounding.
(values (valley (minimum (lambda (x) (cos (* a x))) 0)) (raised (minimum (lambda (x) (+ 1e6 (square (- x a)))) 3)))
; run: a=2 => 0
; grad: a=2 => 0

;; Rosenbrock's valley.
(minimum (lambda (v) (+ (square (- a (ref v 0))) (* 100 (square (- (ref v 1) (square (ref v 0))))))) [-1.2 1])
; run: a=1 => 0
; grad: a=1 => 0
