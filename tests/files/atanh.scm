;; Between −1 and 1; a zero keeps its sign, and small numbers their digits.
(atanh x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => inf
; run: x=-1 => -inf
; run: x=1.5 => nan
; run: x=nan => nan
; run: x=0.5 => 0
; run: x=1e-300 => 1e-300
; run: x=5e-324 => 5e-324
; run: x=0x1.fffffffffffffp-1 => 0
; run f32: x=0.5 => 0
; both: x=0.5 => x=0
; both: x=0 => x=0
; hessian: x=0.5 => 0:x=0
