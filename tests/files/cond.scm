;; The first test that holds.
(cond ((< x 0) -1) ((= x 0) 0) (else 1))
; run: x=-2
; run: x=0
; run: x=-0
; run: x=3
; run: x=nan
; stage ast:
; stage graph:

;; Tests are numbers.
(cond (x 1) (y 2) (else 3))
; run: x=1 y=0
; run: x=0 y=1
; run: x=0 y=0
