; fourth-derivative
; inputs:
;   x in [0.1, 2]
;   a in [0.5, 2]
(define (f x a)
  ((D (D (D (D (lambda (u) (sqrt (+ a u))))))) x))
