;; The first test that holds.
(cond ((< x 0) -1) ((= x 0) 0) (else 1))
; run: x=-2 => -1
; run: x=0 => 0
; run: x=-0 => 0
; run: x=3 => 1
; run: x=nan => 1
; stage ast:
;   (if (< x 0) -1 (if (= x 0) 0 1))
; stage graph:
;   input x: scalar
;   %0 = lt x, 0 : bool
;   %1 = eq x, 0 : bool
;   %2 = not %1 : bool
;   %3 = num %2
;   %4 = select %0, -1, %3
;   value = %4

;; Tests are numbers.
(cond (x 1) (y 2) (else 3))
; run: x=1 y=0 => 1
; run: x=0 y=1 => 2
; run: x=0 y=0 => 3
