; Van der Pol's oscillator.
(values (x v) (v (- (* mu (- 1 (square x)) v) x)))
