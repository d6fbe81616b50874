(+ (* b1 (exp (* (- b2) x))) (* b3 (exp (/ (- (square (- x b4))) (square b5)))) (* b6 (exp (/ (- (square (- x b7))) (square b8)))))
