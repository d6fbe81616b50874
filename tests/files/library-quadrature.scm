;; An integral with derivatives by its bounds and by what the function uses.
(integrate (lambda (t) (/ a (+ 1 (square t)))) c b)
; run: a=2 b=1.3 c=0 => 0
; run: a=2 b=0 c=0 => 0
; run: a=2 b=-1 c=1 => 0
; run: a=2 b=inf c=0 => 0
; run f32: a=2 b=1.3 c=0 => 0
; grad: a=2 b=1.3 c=0.5 => 0
; hessian: a=2 b=1.3 c=0.5 => 0

;; Ends at which the function is infinite, kinks and jumps.
(values (root (integrate (lambda (t) (/ a (sqrt t))) 0 1))
        (kink (integrate (lambda (t) (abs (- t a))) 0 1))
        (jump (integrate (lambda (t) (if (< t a) 1 2)) 0 1)))
; run: a=0.375 => 0
; grad: a=0.375 => 0

;; A pole has no integral.
(integrate (lambda (t) (/ a t)) -1 2)
; run: a=1 => 0

;; The period of a pendulum.
(define (period amplitude)
  (let ((k (sin (/ amplitude 2))))
    (integrate (lambda (p) (/ 4 (sqrt (- 1 (square (* k (sin p))))))) 0 1.5707963267948966)))
; run: amplitude=0.1 => 0
; run: amplitude=2 => 0
; grad: amplitude=2 => 0

;; Gauss's rule is exact for polynomials, and as good as it is for others.
(values (quintic (gauss-legendre 3 (lambda (t) (* a (pow t 5))) 0 b))
        (middle (gauss-legendre 1 (lambda (t) (cos (* a t))) 0 b))
        (wave (gauss-legendre 20 (lambda (t) (cos (* a t))) 0 b)))
; run: a=2 b=1.5 => 0
; grad: a=2 b=1.5 => 0
