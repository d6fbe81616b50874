;; Steps of the three methods for numbers.
(values (classical (rk4 (lambda (t y) (* t t)) 1 h y))
        (fifth (tsit5 (lambda (t y) (* k t y)) 0 h y))
        (eighth (dop853 (lambda (t y) (* k t y)) 0 h y)))
; run: h=0.1 y=1.3 k=0.7 => 0
; grad: h=0.1 y=1.3 k=0.7 => 0

;; Steps with estimates of their errors, for vectors.
(define (swing t y) [(ref y 1) (- (sin (ref y 0)))])
(values (fifth (tsit5-with-error swing 0 h [y 0])) (eighth (dop853-with-error swing 0 h [y 0])))
; run: h=0.1 y=1.3 => 0

;; Adaptive steps: the end is live, steps are data.
(odeint (lambda (t y) (- (cos t) (* k y))) y 0 t 1e-9 1e-9)
; run: k=0.7 y=1.3 t=2 => 0
; run: k=0.7 y=1.3 t=0 => 0
; run: k=0.7 y=1.3 t=-1 => 0
; run: k=0.7 y=1.3 t=nan => 0
; grad: k=0.7 y=1.3 t=2 => 0

;; A solution that ends before the time is no number.
(odeint (lambda (t y) (* y y)) 1 0 t 1e-6 1e-6)
; run: t=0.5 => 0
; run: t=1.5 => 0

;; Rows at given times.
(values (exact (odeint-at (lambda (t y) (* (- k) y)) 1 [0 1 t] 1e-9 1e-9))
        (steps (rk4-at (lambda (t y) (* (- k) y)) 1 [0 1 t] 4)))
; run: k=0.7 t=2 => 0
; grad: k=0.7 t=2 => 0

;; Rows that are vectors.
(odeint-at (lambda (t y) [(ref y 1) (- (ref y 0))]) [a 0] [0 1 2] 1e-8 1e-8)
; run: a=1 => 0
