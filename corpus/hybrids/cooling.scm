; Newton's law of cooling: the residual is 0 where the network obeys it.
(import "body.scm")
(values (T (temperature t))
        (residual (+ ((D temperature) t) (* k (- (temperature t) 0.2)))))
