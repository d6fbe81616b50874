;; exp(x) − ln(y).
(eml x y)
; run: x=0 y=1 => 1
; run: x=1 y=0 => inf
; run: x=-inf y=inf => -inf
; run: x=1 y=-1 => nan
; both: x=0 y=1 => x=1 y=-1
; both: x=1 y=2 => x=0x1.5bf0a8b145769p+1 y=-0.5
; stage graph:
;   input x: scalar
;   input y: scalar
;   %0 = exp x
;   %1 = log y
;   %2 = sub %0, %1
;   value = %2
; stage adjoint:
;   input x: scalar
;   input y: scalar
;   %0 = exp x
;   %1 = log y
;   %2 = sub %0, %1
;   %3 = add y, 0
;   %4 = div -1, %3
;   value = %2
;   gradient x = %0
;   gradient y = %4
