; oscillator
; inputs:
;   x in [0.2, 0.9]
;   a in [0.3, 1.2]
(define (f x a)
  (ref (odeint (lambda (t y) [(ref y 1) (* -1 a a (ref y 0))]) [1 0] 0 x 1e-12 1e-14) 0))
