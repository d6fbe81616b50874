; A block on a slope of sand and ice: it is slowed down where x < 1.
(values (x v) (v (if (< x 1) (- g mu) g)))
