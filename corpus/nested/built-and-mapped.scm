; built-and-mapped
; inputs:
;   x in [0.2, 2]
;   a in [0.2, 2]
(define (f x a)
  (vsum (map (lambda (u) (* u u a)) (build 5 (lambda (k) (+ x k))))))
