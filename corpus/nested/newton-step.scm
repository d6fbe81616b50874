; newton-step
; inputs:
;   x in [0.5, 2]
;   a in [0.2, 2]
(define (f x a)
  (let ((g (lambda (u) (- (* u u) a)))) (- x (/ (g x) ((D g) x)))))
