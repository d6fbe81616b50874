; third-derivative
; inputs:
;   x in [0.1, 2]
;   a in [0.2, 2]
(define (f x a)
  ((D (D (D (lambda (u) (log (+ a u)))))) x))
