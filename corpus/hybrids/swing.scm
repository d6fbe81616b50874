; The acceleration of a pendulum: gravity as a law, friction as a network of the velocity alone.
(network friction (omega) (layers 4) (activation tanh) (results 1))
(+ (* (- k) (sin theta)) (friction omega))
