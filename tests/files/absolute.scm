;; Absolute values; the slope at the kink is 0.
(abs x)
; run: x=0 => 0
; run: x=-0 => 0
; run: x=1 => 1
; run: x=-1 => 1
; run: x=0.5 => 0.5
; run: x=2 => 2
; run: x=inf => inf
; run: x=-inf => inf
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => 0x1.7e43c8800759cp+996
; run: x=-1e-310 => 0x0.012688b70e62bp-1022
; both: x=0 => x=0
; both: x=-0 => x=0
; both: x=-2 => x=-1
; both: x=3 => x=1
; hessian: x=0 => 0:x=0
; hessian: x=2 => 0:x=0

;; Signs keep those of zeros.
(sign x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 1
; run: x=-1 => -1
; run: x=0.5 => 1
; run: x=2 => 1
; run: x=inf => 1
; run: x=-inf => -1
; run: x=nan => nan
; run: x=5e-324 => 1
; run: x=1e300 => 1
; run: x=-1e-310 => -1
; both: x=0 => x=0
; both: x=3 => x=0
