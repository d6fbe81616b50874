; Robertson's three reactions, of very different rates.
(define slow (* 0.04 y1))
(define back (* 1e4 y2 y3))
(define fast (* 3e7 (square y2)))
(values (y1 (- back slow)) (y2 (- slow back fast)) (y3 fast))
