; The Oregonator, a model of the reaction of Belousov and Zhabotinskii.
(values (x (* 77.27 (+ y (* x (- 1 (* 8.375e-6 x) y)))))
        (y (/ (- z (* (+ 1 x) y)) 77.27))
        (z (* 0.161 (- x z))))
