;; The logistic function, whose slope does not vanish before it does.
(sigmoid x)
; run: x=0 => 0.5
; run: x=inf => 1
; run: x=-inf => 0
; run: x=nan => nan
; run: x=1 => 0
; run: x=-40 => 0
; run: x=800 => 1
; run: x=-800 => 0
; run f32: x=-2 => 0
; both: x=0 => x=0.25
; both: x=40 => x=0
; both: x=-40 => x=0
; hessian: x=1 => 0:x=0

;; Its integral.
(softplus x)
; run: x=0 => 0x1.62e42fefa39efp-1
; run: x=inf => inf
; run: x=-inf => 0
; run: x=800 => 800
; run: x=-40 => 0
; run: x=-740 => 0
; run f32: x=-20 => 0
; both: x=0 => x=0.5
; both: x=-40 => x=0
; hessian: x=0 => 0:x=0.25
