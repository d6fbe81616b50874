;; Absolute values; the slope at the kink is 0.
(abs x)
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
; both: x=-0
; both: x=-2
; both: x=3
; hessian: x=0
; hessian: x=2

;; Signs keep those of zeros.
(sign x)
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
; both: x=3
