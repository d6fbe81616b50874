; stopped
; inputs:
;   x in [0.1, 1.5]
;   a in [0.2, 2]
(define (f x a)
  ((D (lambda (u) (* (detach (exp u)) u a))) x))
