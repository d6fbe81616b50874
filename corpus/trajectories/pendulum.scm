; A pendulum, k = g/l, damped by b.
(values (theta omega) (omega (- 0 (* k (sin theta)) (* b omega))))
