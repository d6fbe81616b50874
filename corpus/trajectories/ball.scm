; A ball at height h with speed v.
(values (h v) (v (- g)))
