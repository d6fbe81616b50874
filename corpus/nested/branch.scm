; branch
; inputs:
;   x in [0.2, 0.9]
;   a in [0.2, 2]
(define (f x a)
  ((D (lambda (u) (if (> u 1) (* a u u) (* u u u)))) x))
