; C.19  pendulum
; law: theta''=-g_l*sin(theta)-damping*theta'
; angle of a damped pendulum after 5 seconds: 1,000 steps of Runge and Kutta, state in two numbers
; inputs:
;   theta0 in [-2.5, 2.5]
;   omega0 in [-2, 2]
;   g_l in [0.5, 2]
;   damping in [0, 0.5]
; trainable: g_l damping
; points: 16
(define dt 0.005)
(define (acceleration theta omega)
  (- (* (- g_l) (sin theta)) (* damping omega)))
(do ((n 0 (+ n 1))
     (state [theta0 omega0]
            (let* ((theta (ref state 0))
                   (omega (ref state 1))
                   (a1 (acceleration theta omega))
                   (w2 (+ omega (* 1/2 dt a1)))
                   (a2 (acceleration (+ theta (* 1/2 dt omega)) w2))
                   (w3 (+ omega (* 1/2 dt a2)))
                   (a3 (acceleration (+ theta (* 1/2 dt w2)) w3))
                   (w4 (+ omega (* dt a3)))
                   (a4 (acceleration (+ theta (* dt w3)) w4)))
              [(+ theta (* (/ dt 6) (+ omega (* 2 w2) (* 2 w3) w4)))
               (+ omega (* (/ dt 6) (+ a1 (* 2 a2) (* 2 a3) a4)))])))
    ((= n 1000) (ref state 0)))
