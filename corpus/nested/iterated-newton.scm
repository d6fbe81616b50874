; iterated-newton
; inputs:
;   x in [0.9, 1.1]
;   a in [0.8, 1.3]
(define (f x a)
  (iterate (lambda (u) (- u (/ (- (* u u u) a) (* 3 u u)))) 8 x))
