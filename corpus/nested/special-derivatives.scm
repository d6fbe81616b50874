; special-derivatives
; inputs:
;   x in [0.8, 2]
;   a in [0.3, 1.5]
(define (f x a)
  (+ ((D gamma) (+ 1 x)) ((D erf) a) ((D lambert-w) (* a x))))
