; equation-of-motion
; inputs:
;   x in [0.2, 2]
;   a in [0.5, 2]
(define (f x a)
  (ref ((lagrangian->acceleration (lambda (t q v) (- (* 1/2 a (dot v v)) (* a 9.81 (- 1 (cos (ref q 0))))))) 0 [x] [0]) 0))
