; Seven stars of masses 1 to 7 in a plane (E. Hairer, S. P. Nørsett and G. Wanner, Solving Ordinary Differential Equations I, section II.10).
(define (pull p i)
  (sum 7 (lambda (j)
    (if (= i j) 0
        (/ (* (+ j 1) (- (ref p j) (ref p i)))
           (pow (+ (square (- (ref x j) (ref x i))) (square (- (ref y j) (ref y i)))) 1.5))))))
(values (x u) (y v) (u (build 7 (lambda (i) (pull x i)))) (v (build 7 (lambda (i) (pull y i)))))
