;; From 1 on; the slope is infinite at 1, and does not overflow on the way.
(acosh x)
; run: x=1 => 0
; run: x=0.9999999999999999 => nan
; run: x=inf => inf
; run: x=nan => nan
; run: x=-2 => nan
; run: x=1.5430806348152437 => 1
; run: x=0x1.0000000000001p+0 => 0x1.6a09e667f3bccp-26
; run: x=1e300 => 0x1.59bbfd8b83e44p+9
; run f32: x=2 => 0x1.512428p+0
; both: x=2 => x=0x1.279a74590331dp-1
; both: x=1 => x=inf
; both: x=1e300 => x=0x1.56e1fc2f8f359p-997
; hessian: x=2 => 0:x=-0x1.8a2345cc04427p-2
