; root-in-a-bracket
; inputs:
;   x in [1.2, 4]
;   a in [1.1, 2]
(define (f x a)
  (root-in (lambda (u) (- (exp u) (* a x))) -5 5))
