;; Bindings of `let` do not see each other.
(let ((x y) (y x)) (- x y))
; run: x=1 y=5 => 4
; both: x=1 y=5 => y=1 x=-1

;; Those of `let*` do.
(let* ((x (+ x 1)) (x (* x x))) x)
; run: x=2 => 9
; both: x=2 => x=6

;; A name of an operation may be bound.
(let ((+ x)) (* + +))
; run: x=3 => 9
; stage graph:
;   input x: scalar
;   %0 = mul x, x
;   value = %0
