; HIRES: how light makes plants grow, after Schäfer; eight concentrations (E. Hairer and G. Wanner, Solving Ordinary Differential Equations II,
; section IV.10).
(define a (ref y 0)) (define b (ref y 1)) (define c (ref y 2)) (define d (ref y 3))
(define e (ref y 4)) (define f (ref y 5)) (define g (ref y 6)) (define h (ref y 7))
(define bound (* 280 f h))
(define released (* 1.81 g))
(values (y
  [(+ (* -1.71 a) (* 0.43 b) (* 8.32 c) 0.0007)
   (- (* 1.71 a) (* 8.75 b))
   (+ (* -10.03 c) (* 0.43 d) (* 0.035 e))
   (+ (* 8.32 b) (* 1.71 c) (* -1.12 d))
   (+ (* -1.745 e) (* 0.43 f) (* 0.43 g))
   (+ (- bound) (* 0.69 d) (* 1.71 e) (* -0.43 f) (* 0.69 g))
   (- bound released)
   (- released bound)]))
