; A charged particle between two charges, one of which is at height 10 − w, falls to the ground by Euler's method: the square of
; the place where it lands, for w = (1 + u)/(2 + u), from where all particles fall. (The source is that of saddle.scm.)
(define w (/ (+ 1 u) (+ 2 u)))
(define (p x)
  (+ (/ (norm (- x [10 (- 10 w)]))) (/ (norm (- x [10 0])))))
(loop ((x [0 8]) (v [0.75 0]))
  (if (> (ref x 1) 0)
      (recur (+ x (* 0.1 v)) (- v (* 0.1 ((D p) x))))
      (square (- (ref x 0) (* (ref v 0) (/ (ref x 1) (ref v 1)))))))
