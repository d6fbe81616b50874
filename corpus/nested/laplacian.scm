; laplacian
; inputs:
;   x in [1.1, 1.6]
;   a in [0.9, 1.5]
(define (f x a)
  (let ((g (lambda (r) (exp (* -1 (dot r r)))))) (let ((H ((D (D g)) [x a]))) (+ (ref H 0 0) (ref H 1 1)))))
