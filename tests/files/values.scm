;; Several results, of several shapes.
(values (sum (+ x y)) (less (< x y)) (both [x y]))
; run: x=1 y=2 => sum=3 less=1 both=[1 2]
; run: x=nan y=2 => sum=nan less=0 both=[nan 2]
; grad: x=1 y=2 => 0:x=1 0:y=1 1:x=0 1:y=0 2:x=1 2:y=0 3:x=0 3:y=1
; stage graph:
;   input x: scalar
;   input y: scalar
;   %0 = add x, y
;   %1 = lt x, y : bool
;   %2 = pack x, y : vec 2
;   %3 = num %1
;   value sum = %0
;   value less = %3
;   value both = %2 : vec 2
; stage adjoint:
;   input x: scalar
;   input y: scalar
;   %0 = add x, y
;   %1 = lt x, y : bool
;   %2 = pack x, y : vec 2
;   %3 = num %1
;   value sum = %0
;   value less = %3
;   value both = %2 : vec 2
;   gradient sum[0] x = 1
;   gradient sum[0] y = 1
;   gradient less[1] x = 0
;   gradient less[1] y = 0
;   gradient both[2] x = 1
;   gradient both[2] y = 0
;   gradient both[3] x = 0
;   gradient both[3] y = 1
