;; Arc tangents of one operand.
(atan x)
; run: x=0
; run: x=-0
; run: x=1
; run: x=-1
; run: x=0.5
; run: x=2
; run: x=inf
; run: x=-inf
; run: x=nan
; run: x=5e-324
; run: x=1e300
; run: x=-1e-310
; both: x=0
; both: x=1
; both: x=inf

;; Of two operands: the quadrant, signed zeros and infinities.
(atan y x)
; run: y=0 x=0
; run: y=0 x=-0
; run: y=0 x=1
; run: y=0 x=-1
; run: y=0 x=-inf
; run: y=-0 x=0
; run: y=-0 x=-0
; run: y=-0 x=1
; run: y=-0 x=-1
; run: y=-0 x=-inf
; run: y=1 x=0
; run: y=1 x=-0
; run: y=1 x=1
; run: y=1 x=-1
; run: y=1 x=-inf
; run: y=-1 x=0
; run: y=-1 x=-0
; run: y=-1 x=1
; run: y=-1 x=-1
; run: y=-1 x=-inf
; run: y=inf x=0
; run: y=inf x=-0
; run: y=inf x=1
; run: y=inf x=-1
; run: y=inf x=-inf
; grad: y=0 x=1
; grad: y=0 x=0
; grad: y=3 x=4
; both: y=3 x=4
; both: y=0 x=-1
