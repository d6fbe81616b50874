;; exp(x) − ln(y).
(eml x y)
; run: x=0 y=1
; run: x=1 y=0
; run: x=-inf y=inf
; run: x=1 y=-1
; both: x=0 y=1
; both: x=1 y=2
; stage graph:
; stage adjoint:
