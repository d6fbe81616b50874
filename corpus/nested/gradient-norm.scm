; gradient-norm
; inputs:
;   x in [0.1, 2]
;   a in [0.2, 1.5]
(define (f x a)
  (let ((g ((D (lambda (r) (* (ref r 0) (exp (ref r 1))))) [x a]))) (dot g g)))
