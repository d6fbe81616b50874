; folded-horner
; inputs:
;   x in [0.2, 2]
;   a in [0.2, 2]
(define (f x a)
  (fold (lambda (s c) (+ (* s x) c)) 0 [1 a 3 a]))
