; derivative-of-a-derivative-parameter
; inputs:
;   x in [1.1, 2]
;   a in [1.2, 3]
(define (f x a)
  ((D (lambda (k) ((D (lambda (u) (pow u k))) x))) a))
