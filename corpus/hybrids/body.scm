; The temperature of a body over time, as a network.
(network temperature (t) (layers 8) (activation tanh) (results 1))
