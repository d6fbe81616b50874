;; Arc tangents of one operand.
(atan x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.921fb54442d18p-1
; run: x=-1 => -0x1.921fb54442d18p-1
; run: x=0.5 => 0x1.dac670561bb4fp-2
; run: x=2 => 0x1.1b6e192ebbe44p+0
; run: x=inf => 0x1.921fb54442d18p+0
; run: x=-inf => -0x1.921fb54442d18p+0
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => 0x1.921fb54442d18p+0
; run: x=-1e-310 => -0x0.012688b70e62bp-1022
; both: x=0 => x=1
; both: x=1 => x=0.5
; both: x=inf => x=0

;; Of two operands: the quadrant, signed zeros and infinities.
(atan y x)
; run: y=0 x=0 => 0
; run: y=0 x=-0 => 0x1.921fb54442d18p+1
; run: y=0 x=1 => 0
; run: y=0 x=-1 => 0x1.921fb54442d18p+1
; run: y=0 x=-inf => 0x1.921fb54442d18p+1
; run: y=-0 x=0 => -0
; run: y=-0 x=-0 => -0x1.921fb54442d18p+1
; run: y=-0 x=1 => -0
; run: y=-0 x=-1 => -0x1.921fb54442d18p+1
; run: y=-0 x=-inf => -0x1.921fb54442d18p+1
; run: y=1 x=0 => 0x1.921fb54442d18p+0
; run: y=1 x=-0 => 0x1.921fb54442d18p+0
; run: y=1 x=1 => 0x1.921fb54442d18p-1
; run: y=1 x=-1 => 0x1.2d97c7f3321d2p+1
; run: y=1 x=-inf => 0x1.921fb54442d18p+1
; run: y=-1 x=0 => -0x1.921fb54442d18p+0
; run: y=-1 x=-0 => -0x1.921fb54442d18p+0
; run: y=-1 x=1 => -0x1.921fb54442d18p-1
; run: y=-1 x=-1 => -0x1.2d97c7f3321d2p+1
; run: y=-1 x=-inf => -0x1.921fb54442d18p+1
; run: y=inf x=0 => 0x1.921fb54442d18p+0
; run: y=inf x=-0 => 0x1.921fb54442d18p+0
; run: y=inf x=1 => 0x1.921fb54442d18p+0
; run: y=inf x=-1 => 0x1.921fb54442d18p+0
; run: y=inf x=-inf => 0x1.2d97c7f3321d2p+1
; grad: y=0 x=1 => y=1 x=-0
; grad: y=0 x=0 => y=nan x=nan
; grad: y=3 x=4 => y=0.16 x=-0.12
; both: y=3 x=4 => y=0.16 x=-0.12
; both: y=0 x=-1 => y=-1 x=-0
