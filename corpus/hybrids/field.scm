; The field of the same pendulum, for trajectories.
(network friction (omega) (layers 4) (activation tanh) (results 1))
(values (theta omega) (omega (+ (* (- k) (sin theta)) (friction omega))))
