; Prey x and predators y.
(values (x (- (* alpha x) (* beta x y))) (y (- (* delta x y) (* gamma y))))
