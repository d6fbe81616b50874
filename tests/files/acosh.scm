;; From 1 on; the slope is infinite at 1, and does not overflow on the way.
(acosh x)
; run: x=1 => 0
; run: x=0.9999999999999999 => nan
; run: x=inf => inf
; run: x=nan => nan
; run: x=-2 => nan
; run: x=1.5430806348152437 => 0
; run: x=0x1.0000000000001p+0 => 0
; run: x=1e300 => 0
; run f32: x=2 => 0
; both: x=2 => x=0
; both: x=1 => x=0
; both: x=1e300 => x=0
; hessian: x=2 => 0:x=0
