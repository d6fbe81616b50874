; directional
; inputs:
;   x in [0.1, 2]
;   a in [0.2, 2]
(define (f x a)
  (jvp (lambda (r) (* (ref r 0) (ref r 0) (ref r 1))) [x a] [1 2]))
