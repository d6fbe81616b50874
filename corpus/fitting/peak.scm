; A Gaussian peak.
(* height (exp (* -1/2 (square (/ (- x centre) width)))))
