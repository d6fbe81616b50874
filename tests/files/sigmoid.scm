;; The logistic function, whose slope does not vanish before it does.
(sigmoid x)
; run: x=0 => 0.5
; run: x=inf => 1
; run: x=-inf => 0
; run: x=nan => nan
; run: x=1 => 0x1.764d4f5d5a2bdp-1
; run: x=-40 => 0x1.39792499b1a24p-58
; run: x=800 => 1
; run: x=-800 => 0
; run f32: x=-2 => 0x1.e84152p-4
; both: x=0 => x=0.25
; both: x=40 => x=0x1.39792499b1a24p-58
; both: x=-40 => x=0x1.39792499b1a24p-58
; hessian: x=1 => 0:x=-0x1.742740ed7f1dp-4

;; Its integral.
(softplus x)
; run: x=0 => 0x1.62e42fefa39efp-1
; run: x=inf => inf
; run: x=-inf => 0
; run: x=800 => 800
; run: x=-40 => 0x1.39792499b1a24p-58
; run: x=-740 => 0x0.0000000000055p-1022
; run f32: x=-20 => 0x1.1b4866p-29
; both: x=0 => x=0.5
; both: x=-40 => x=0x1.39792499b1a24p-58
; hessian: x=0 => 0:x=0.25
