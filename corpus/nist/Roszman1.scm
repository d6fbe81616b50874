(- b1 (* b2 x) (/ (atan (/ b3 (- x b4))) pi))
