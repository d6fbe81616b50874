; Roots, fixed points and minima. What is searched has no derivative; the steps behind the search have the derivatives of
; the theorem on implicit functions and leave the value as it is.

; The relative distance of neighbouring numbers at 1, in the type of the program.
(define %epsilon (abs (- (* 3 (- 4/3 1)) 1)))

; Steps that are shorter by this factor than the place are to become shorter quickly, or are rounding.
(define %noise (* 0.5 (sqrt %epsilon)))

; A condition that holds for numbers that are neither infinite nor NaN.
(define (%finite? x) (= (* 0 x) 0))

; x of J x = b, for numbers as for vectors.
(define (%solve J b) (if (scalar? b) (/ b J) (solve J b)))

; The size of a number or a vector: the largest magnitude, a NaN if there is one.
(define (%size x)
  (if (scalar? x) (abs x) (fold (lambda (m e) (max m (abs e))) 0 x)))

; x, where (f x) = 0 and J is the derivative of f, with the derivative of the solution: a step of Newton's method with the slope
; and the residual as data. A step adds one order of derivatives. Where the slope of a number is 0 there is none: it is infinite. Where
; no solution was found, no derivative is a number.
(define (%implicit f slope x)
  (let* ((y (f x)) (residual (- y (detach y))) (J (+ slope (* 0 (detach (%size x))))))
    (if (scalar? x)
        (if (= J 0) (- x (cbrt residual)) (- x (/ residual J)))
        (- x (solve J residual)))))
(define (%implicit-twice f J x) (%implicit f J (%implicit f J x)))

; (root f x0): x with (f x) = 0 near x0, of a function of a number, or of a vector with as many results; NaN if none is found.
; First and second derivatives are those of the solution
(define (root f x0)
  (let ((x (detach (if (scalar? x0) (%newton f x0) (%newton-vector f x0)))))
    (%implicit-twice f (detach ((D f) x)) x)))

; Newton's method that halves steps until they lead to smaller magnitudes of f, and bisects where they leave the places between two
; signs of f or do not halve (H. W. Press et al., Numerical Recipes, section 9.4). State: the best place with f and its slope there, the
; next step with the steps of Newton's method and of this one before it, places where f is negative and where it is positive. At most
; 1500 evaluations: double roots at 0 are reached by halving.
(define (%newton f x0)
  (define df (D f))
  (loop ((k 0) (x x0) (y (f x0)) (slope (df x0)) (before +inf.0) (moved +inf.0)
         (below +nan.0) (above +nan.0) (halvings 0))
    (let* ((low (if (< y 0) x below))
           (high (if (> y 0) x above))
           (bracketed (and (not (nan? low)) (not (nan? high))))
           (newton (if (= slope 0) +inf.0 (/ y slope)))
           (size (abs newton))
           (straight (- x newton))
           (between (and bracketed (< (min low high) straight) (< straight (max low high)) (<= (* 2 size) (abs moved))))
           (full (cond (between newton)
                       (bracketed (- x (+ low (* 0.5 (- high low)))))
                       ((%finite? newton) newton)
                       (else (* 0.1 (+ (abs x) 1)))))
           (step (* full (pow 0.5 halvings)))
           (t (- x step)))
      (cond ((= y 0) x)
            ((or (nan? y) (nan? x) (> k 1500)) +nan.0)
            ((<= size (* %epsilon (abs x))) straight)
            ((and (<= size (* %noise (abs x))) (>= size (* 0.9 before))) x)
            ((and bracketed (<= (abs (- high low)) (* %epsilon (abs x)))) x)
            ((= t x) (if (= halvings 0) x +nan.0))
            (else
             (let* ((ft (f t))
                    (good (if bracketed (not (nan? ft))
                              (or (< (abs ft) (abs y)) (and (not (nan? ft)) (not (= (< ft 0) (< y 0))))))))
               (if good
                   (recur (+ k 1) t ft (df t) size (abs step) low high 0)
                   (recur (+ k 1) x y slope before moved low high (+ halvings 1)))))))))

; Newton's method for systems, which halves steps until the simplified step behind one is shorter than it is, whatever the units of
; the equations are (P. Deuflhard, Newton Methods for Nonlinear Problems, section 3.3). State: the place, its damping, the size of the step
; before. At most 300 steps.
(define (%newton-vector f x0)
  (define df (D f))
  (loop ((k 0) (x x0) (damping 1) (before +inf.0))
    (let* ((J (df x))
           (y (f x))
           (step (solve J y))
           (length (%size step))
           (t (- x (* damping step)))
           (next (%size (solve J (f t))))
           (place (%size x)))
      (cond ((= (%size y) 0) x)
            ((or (nan? (+ length place)) (> k 300) (< damping 1e-10)) (* x +nan.0))
            ((and (= damping 1) (<= length (* 2 %epsilon place))) (if (nan? next) x t))
            ((and (<= length (* %noise place)) (>= length (* 0.9 before))) x)
            ((<= next (* (- 1 (/ damping 4)) length))
             (recur (+ k 1) t (min 1 (* 2 damping)) length))
            ((<= length (* %noise place)) (recur (+ k 1) t 1 length))
            (else (recur (+ k 1) x (/ damping 2) before))))))

; (root-in f low high): x with (f x) = 0 between two places at which f has different signs, and NaN without; first and second
; derivatives are those of the solution
(define (root-in f low high)
  (let ((x (detach (%brent f low high))))
    (%implicit-twice f (detach ((D f) x)) x)))

; Brent's method (R. P. Brent, Algorithms for Minimization without Derivatives, chapter 4): inverse quadratic interpolation that falls
; back to bisection, to neighbouring numbers. b is the best place, c that with the other sign, a the one before b. At most 3000 evaluations.
(define (%brent f low high)
  (let ((flow (f low)) (fhigh (f high)))
    (cond ((= flow 0) low)
          ((= fhigh 0) high)
          ((not (or (and (< flow 0) (> fhigh 0)) (and (> flow 0) (< fhigh 0)))) +nan.0)
          (else
           (loop ((n 0) (a0 low) (fa0 flow) (b0 high) (fb0 fhigh) (c0 low) (fc0 flow)
                  (d0 (- high low)) (e0 (- high low)))
             (let* ((same (= (> fb0 0) (> fc0 0)))
                    (c1 (if same a0 c0)) (fc1 (if same fa0 fc0))
                    (d (if same (- b0 a0) d0)) (e (if same (- b0 a0) e0))
                    (worse (< (abs fc1) (abs fb0)))
                    (a (if worse b0 a0)) (fa (if worse fb0 fa0))
                    (b (if worse c1 b0)) (fb (if worse fc1 fb0))
                    (c (if worse b0 c1)) (fc (if worse fb0 fc1))
                    (least (+ (* 0.55 %epsilon (abs b)) 1e-320))
                    (m (- (* 0.5 c) (* 0.5 b))))
               (cond ((= fb 0) b)
                     ; a pole is no root
                     ((<= (abs m) least) (if (<= (abs fb) (max (abs flow) (abs fhigh))) b +nan.0))
                     ((or (nan? fb) (nan? m) (> n 3000)) +nan.0)
                     (else
                      (let* ((s (/ fb fa))
                             (u (/ fa fc)) (v (/ fb fc))
                             (secant (= a c))
                             (p0 (if secant (* 2 m s) (* s (- (* 2 m u (- u v)) (* (- b a) (- v 1))))))
                             (q0 (if secant (- 1 s) (* (- u 1) (- v 1) (- s 1))))
                             (q (if (> p0 0) (- q0) q0))
                             (p (abs p0))
                             (use (and (>= (abs e) least) (> (abs fa) (abs fb))
                                       (< (* 2 p) (min (- (* 3 m q) (abs (* least q))) (abs (* e q))))))
                             (step (if use (/ p q) m))
                             (moved (if (> (abs step) least) step (copysign least m)))
                             (next (+ b moved)))
                        (recur (+ n 1) b fb next (f next) c fc step (if use d m)))))))))))

; (fixed-point f x0): what x0, (f x0), (f (f x0)), … tends to, numbers or vectors; NaN if it does not within 9000 steps.
; First and second derivatives are those of the solution
(define (fixed-point f x0)
  (define (g x) (- x (f x)))
  (let* ((near (detach (%repeated f x0)))
         (J (detach ((D g) near)))
         ; one step of Newton's method squares the distance that is left
         (x (detach (- near (%solve J (g near))))))
    (%implicit-twice g (detach ((D g) x)) x)))

; Steps until they become no smaller, or what is left of them, as a geometric series, is small enough for one step of Newton's method.
(define (%repeated f x0)
  (loop ((k 0) (x x0) (before +inf.0))
    (let* ((next (f x))
           (size (%size (- next x)))
           (ratio (/ size before))
           (place (%size next))
           (near (* 0.05 (sqrt %epsilon) place)))
      (cond ((= size 0) next)
            ((or (nan? size) (nan? place) (> k 9000)) (* next +nan.0))
            ((and (< ratio 1) (<= (/ (* size ratio) (- 1 ratio)) near) (> k 0)) next)
            ((and (>= ratio 1) (<= size (* 64 %epsilon place))) next)
            (else (recur (+ k 1) next size))))))

; (minimum f x0): where a function of a number or a vector, with a number as result, is least near x0; NaN if that is not found.
; First and second derivatives are those of the solution of (D f) = 0
(define (minimum f x0)
  (let ((x (detach (%lowest f x0))))
    (%implicit-twice (D f) (detach ((D (D f)) x)) x)))

(define (%inner u v) (if (scalar? u) (* u v) (dot u v)))
(define (%unit x) (if (scalar? x) 1 (eye (vlen x))))
(define (%largest A) (if (scalar? A) (abs A) (fold (lambda (m row) (max m (fold (lambda (m e) (max m (abs e))) 0 row))) 0 A)))

; Whether no second derivative by one variable is negative.
(define (%convex H)
  (if (scalar? H) (>= H 0) (loop ((i 0)) (if (= i (vlen H)) 1 (if (< (ref H i i) 0) 0 (recur (+ i 1)))))))

; Newton's method with a multiple of the unit matrix added to the second derivatives until steps lead down (K. Levenberg 1944,
; S. M. Goldfeld, R. E. Quandt and H. F. Trotter 1966). Where differences of f are lost in its rounding, steps that make the gradient
; smaller are taken. At most 500 steps.
(define (%lowest f x0)
  (define df (D f))
  (define ddf (D df))
  (loop ((k 0) (x x0) (shift 0) (before +inf.0))
    (let* ((y (f x))
           (g (df x))
           (H (ddf x))
           (size (%size g))
           (step (%solve (+ H (* shift (%unit x))) g))
           (length (%size step))
           (down (%inner step g))
           (t (- x step))
           (ft (f t))
           (place (%size x))
           (more (max (* 8 shift) (* 1e-3 (+ (%largest H) (/ size (+ place 1)))))))
      (cond ((or (nan? (+ y size place)) (> k 500)) (* x +nan.0))
            ((= size 0) (if (%convex H) x (recur (+ k 1) (+ x (* 0.1 (+ place 1))) 0 length)))
            ((and (= shift 0) (> down 0) (<= length (* 2 %epsilon place))) t)
            ((and (= shift 0) (<= length (* %noise place)) (>= length (* 0.9 before))) x)
            ((and (> down 0)
                  (or (< ft y)
                      (and (<= (- ft y) (* 64 %epsilon (abs y))) (< (%size (df t)) size))))
             (recur (+ k 1) t (if (< shift (* 1e-2 (%largest H))) 0 (/ shift 16)) length))
            ((and (> down 0) (= shift 0) (<= length (* %noise place)))
             (recur (+ k 1) t 0 length))
            (else (recur (+ k 1) x more before))))))
