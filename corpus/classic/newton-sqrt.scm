; C.4  newton-sqrt
; law: sqrt(a)
; square root by Newton's iteration from 1 + a, until a step changes little, and one more
; inputs:
;   a in [0.0001, 10000] log
(define (step x) (* 1/2 (+ x (/ a x))))
(loop ((x (+ 1 a)))
  (let ((next (step x)))
    (if (< (abs (- next x)) (* 1e-6 next))
        (step next)
        (recur next))))
