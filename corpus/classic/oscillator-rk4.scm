; C.24  oscillator-rk4
; law: theta''=-theta*k
; 100 steps of Runge and Kutta on the vector of angle and velocity, by a recursive definition
; inputs:
;   theta in [-1, 1]
;   omega in [-1, 1]
;   k in [0.5, 4]
; trainable: k
(define h 0.02)
(define (rate s) [(ref s 1) (* (- k) (ref s 0))])
(define (advance s n)
  (define k1 (rate s))
  (define k2 (rate (+ s (scale (* 1/2 h) k1))))
  (define k3 (rate (+ s (scale (* 1/2 h) k2))))
  (define k4 (rate (+ s (scale h k3))))
  (if (= n 0)
      s
      (advance (+ s (scale (/ h 6) (+ k1 (* 2 k2) (* 2 k3) k4))) (- n 1))))
(advance [theta omega] 100)
