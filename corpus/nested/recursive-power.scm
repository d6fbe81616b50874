; recursive-power
; inputs:
;   x in [0.3, 1.6]
;   a in [0.2, 2]
(define (power u n) (if (< n 1) 1 (* u (power u (- n 1)))))
(define (f x a)
  ((D (lambda (u) (* a (power u 6)))) x))
