;; Between −1 and 1; a zero keeps its sign, and small numbers their digits.
(atanh x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => inf
; run: x=-1 => -inf
; run: x=1.5 => nan
; run: x=nan => nan
; run: x=0.5 => 0x1.193ea7aad030bp-1
; run: x=1e-300 => 0x1.56e1fc2f8f359p-997
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=0x1.fffffffffffffp-1 => 0x1.2b708872320e2p+4
; run f32: x=0.5 => 0x1.193ea8p-1
; both: x=0.5 => x=0x1.5555555555555p+0
; both: x=0 => x=1
; hessian: x=0.5 => 0:x=0x1.c71c71c71c71cp+0
