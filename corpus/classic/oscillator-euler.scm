; C.23  oscillator-euler
; law: theta''=-theta*k
; 200 steps of Euler on the vector of angle and velocity
; inputs:
;   theta in [-1, 1]
;   omega in [-1, 1]
;   k in [0.5, 4]
; trainable: k
(define (rate s) [(ref s 1) (* (- k) (ref s 0))])
(do ((n 0 (+ n 1))
     (s [theta omega] (+ s (scale 0.01 (rate s)))))
    ((= n 200) s))
