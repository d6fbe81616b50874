; C.21  lotka-volterra
; law: x'=x*(a-b*y), y'=y*(d*x-c)
; prey and predators after 2 time units: 100,000 steps of Runge and Kutta
; inputs:
;   x0 in [0.5, 2]
;   y0 in [0.5, 2]
;   a in [0.5, 1.5]
;   b in [0.5, 1.5]
;   c in [0.5, 1.5]
;   d in [0.5, 1.5]
; trainable: a b c d
; points: 4
; digits: 40
; nc: --max-iterations 100000
(define dt 2e-5)
(define (rate s)
  (let ((x (ref s 0)) (y (ref s 1)))
    [(* x (- a (* b y))) (* y (- (* d x) c))]))
(define (rk4 s)
  (let* ((k1 (rate s))
         (k2 (rate (+ s (* 1/2 dt k1))))
         (k3 (rate (+ s (* 1/2 dt k2))))
         (k4 (rate (+ s (* dt k3)))))
    (+ s (* (/ dt 6) (+ k1 (* 2 k2) (* 2 k3) k4)))))
(let step ((s [x0 y0]) (n 0))
  (if (< n 100000) (step (rk4 s) (+ n 1)) s))
