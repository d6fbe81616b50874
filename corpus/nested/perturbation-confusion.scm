; perturbation-confusion
; inputs:
;   x in [0.1, 2]
;   a in [0.2, 2]
(define (f x a)
  ((D (lambda (u) (* u ((D (lambda (v) (+ u (* a v v)))) 1)))) x))
