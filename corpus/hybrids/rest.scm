; The field of a pendulum: gravity as a law, and whatever else acts on it as a network of all that there is.
(network rest (theta omega) (layers 8) (activation tanh) (results 1))
(values (theta omega) (omega (+ (* (- k) (sin theta)) (rest theta omega))))
