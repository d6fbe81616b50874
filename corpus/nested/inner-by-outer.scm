; inner-by-outer
; inputs:
;   x in [0.1, 1.5]
;   a in [0.2, 2]
(define (f x a)
  ((D (lambda (u) ((D (lambda (v) (* (exp (* u v)) a))) 1))) x))
