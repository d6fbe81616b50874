;; Straight lines between knots: at a knot the slope of the right segment, outside the value at the end.
(interpolate [0 1 2.5 4] [a 1 b 0] x)
; run: a=0.7 b=1.3 x=-1 => 0.7
; run: a=0.7 b=1.3 x=0 => 0.7
; run: a=0.7 b=1.3 x=2.5 => 1.3
; run: a=0.7 b=1.3 x=3 => 0x1.bbbbbbbbbbbbdp-1
; run: a=0.7 b=1.3 x=4 => 0
; run: a=0.7 b=1.3 x=5 => 0
; run: a=0.7 b=1.3 x=nan => nan
; grad: a=0.7 b=1.3 x=2.5 => a=0 b=1 x=-0x1.bbbbbbbbbbbbcp-1
; grad: a=0.7 b=1.3 x=-1 => a=1 b=0 x=0

;; The natural cubic spline, which goes on in straight lines.
(spline [0 1 2.5 4] [a 1 b 0] x)
; run: a=0.7 b=1.3 x=-1 => 0x1.be803b0a9be7fp-2
; run: a=0.7 b=1.3 x=0.5 => 0x1.ac47f4ee02c48p-1
; run: a=0.7 b=1.3 x=1 => 1
; run: a=0.7 b=1.3 x=4 => 0
; run: a=0.7 b=1.3 x=5 => -0x1.2597c144ba598p+0
; grad: a=0.7 b=1.3 x=2.7 => a=0x1.add25a8495becp-6 b=0x1.00315518747ep+0 x=-0x1.07f0999b2ca81p-1
; grad: a=0.7 b=1.3 x=5 => a=-0x1.4c1bacf914c1cp-4 b=-0x1.14c1bacf914c2p+0 x=-0x1.2597c144ba598p+0

;; Splines through two and three points.
(values (line (spline [0 2] [a 1] x)) (three (spline [0 1 3] [a 1 0] x)))
; run: a=3 x=0.5 => line=2.5 three=1.90625
; grad: a=3 x=0.5 => 0:a=0.75 0:x=-1 1:a=0.4375 1:x=-2.0625

;; Sums of exponentials without overflow.
(values (log (log-sum-exp [a b 0])) (shares (softmax [a b 0])))
; run: a=1 b=2 => log=0x1.342c6ea778b94p+1 shares=[0x1.f534335ca4bcfp-3 0x1.549a766a0679p-1 0x1.70c3e5f682bdap-4]
; run: a=1000 b=999 => log=0x1.f42818f57f7d8p+9 shares=[0x1.764d4f5d5a2bdp-1 0x1.136561454ba86p-2 0]
; run: a=-inf b=-inf => log=0 shares=[0 0 1]
; run: a=inf b=1 => log=inf shares=[nan nan nan]
; grad: a=1 b=2 => 0:a=0x1.f534335ca4bcep-3 0:b=0x1.549a766a0679p-1 1:a=0x1.7a8b87e6f4256p-3 1:b=-0x1.4d6bdeb9ca3e1p-3 2:a=-0x1.4d6bdeb9ca3e1p-3 2:b=0x1.c8148a2f7ad5cp-3 3:a=-0x1.68fd49694f3ap-6 3:b=-0x1.eaa2add6c25e4p-5

;; Statistics.
(values (deviation (standard-deviation [a b 3])) (together (covariance [a b 3] [1 2 4])) (alike (correlation [a b 3] [1 2 4])))
; run: a=1 b=5 => deviation=0x1.a20bd700c2c3ep+0 together=0x1.5555555555555p-1 alike=0x1.4f2ec413cb52bp-2
; grad: a=1 b=5 => 0:a=-0x1.a20bd700c2c3dp-2 0:b=0x1.a20bd700c2c3dp-2 1:a=-0x1.c71c71c71c71cp-2 1:b=-0x1.c71c71c71c71dp-4 2:a=-0x1.1751a365d41a3p-3 2:b=-0x1.1751a365d41a4p-3

;; The normal density.
(normal-pdf x)
; run: x=0 => 0x1.9884533d43651p-2
; run: x=1 => 0x1.ef8e58e331737p-3
; run: x=-37 => 0x1.1bf35e596c74p-989
; run: x=inf => 0
; grad: x=1 => x=-0x1.ef8e58e331737p-3
; hessian: x=1 => 0:x=0

;; Knots that do not grow fail the row: straight lines look at those around the place, a spline at all.
(values (straight (interpolate xs [1 2 3 4] x)) (smooth (spline xs [1 2 3 4] x)))
; run: xs=[1 2 3 4] x=2.5 => straight=2.5 smooth=2.5
; run: xs=[4 3 2 1] x=2.5 => fails: the knots do not grow
; run: xs=[1 3 2 4] x=1.5 => fails: the knots do not grow
; run: xs=[1 2 2 4] x=2 => fails: the knots do not grow

;; Where a value is no number, its derivatives are none either.
(interpolate [1 2 3] ys x)
; grad: x=nan ys=[1 2 3] => ys=[0 nan nan] x=nan
; grad: x=1.5 ys=[1 nan 3] => ys=[nan nan 0] x=nan
; grad: x=1.5 ys=[1 2 3] => ys=[0.5 0.5 0] x=1
