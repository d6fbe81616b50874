;; Straight lines between knots: at a knot the slope of the right segment, outside the value at the end.
(interpolate [0 1 2.5 4] [a 1 b 0] x)
; run: a=0.7 b=1.3 x=-1 => 0
; run: a=0.7 b=1.3 x=0 => 0
; run: a=0.7 b=1.3 x=2.5 => 0
; run: a=0.7 b=1.3 x=3 => 0
; run: a=0.7 b=1.3 x=4 => 0
; run: a=0.7 b=1.3 x=5 => 0
; run: a=0.7 b=1.3 x=nan => 0
; grad: a=0.7 b=1.3 x=2.5 => 0
; grad: a=0.7 b=1.3 x=-1 => 0

;; The natural cubic spline, which goes on in straight lines.
(spline [0 1 2.5 4] [a 1 b 0] x)
; run: a=0.7 b=1.3 x=-1 => 0
; run: a=0.7 b=1.3 x=0.5 => 0
; run: a=0.7 b=1.3 x=1 => 0
; run: a=0.7 b=1.3 x=4 => 0
; run: a=0.7 b=1.3 x=5 => 0
; grad: a=0.7 b=1.3 x=2.7 => 0
; grad: a=0.7 b=1.3 x=5 => 0

;; Splines through two and three points.
(values (line (spline [0 2] [a 1] x)) (three (spline [0 1 3] [a 1 0] x)))
; run: a=3 x=0.5 => 0
; grad: a=3 x=0.5 => 0

;; Sums of exponentials without overflow.
(values (log (log-sum-exp [a b 0])) (shares (softmax [a b 0])))
; run: a=1 b=2 => 0
; run: a=1000 b=999 => 0
; run: a=-inf b=-inf => 0
; run: a=inf b=1 => 0
; grad: a=1 b=2 => 0

;; Statistics.
(values (deviation (standard-deviation [a b 3])) (together (covariance [a b 3] [1 2 4])) (alike (correlation [a b 3] [1 2 4])))
; run: a=1 b=5 => 0
; grad: a=1 b=5 => 0

;; The normal density.
(normal-pdf x)
; run: x=0 => 0
; run: x=1 => 0
; run: x=-37 => 0
; run: x=inf => 0
; grad: x=1 => 0
; hessian: x=1 => 0
