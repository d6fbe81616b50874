; The saddle point of a function of two points in the plane: descent along the gradient of what ascent comes to.
; Siskind and Pearlmutter, "Using Polyvariant Union-Free Flow Analysis to Compile a Higher-Order Functional-Programming
; Language with a First-Class Derivative Operator to Efficient Fortran-like Code", 2008, with a fixed number of steps.
(define (F x y)
  (+ (- (dot x x) (dot y y)) (* a (ref x 0) (ref y 1)) (sin (* (ref x 1) (ref y 0)))))
(define (highest x)
  (iterate (lambda (y) (+ y (* 0.25 ((D (lambda (y) (F x y))) y)))) 10 [1 1]))
(define (lowest)
  (iterate (lambda (x) (- x (* 0.25 ((D (lambda (x) (F x (highest x)))) x)))) 10 [1 1]))
(let ((x (lowest)))
  (F x (highest x)))
