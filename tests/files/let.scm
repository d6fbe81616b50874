;; Bindings of `let` do not see each other.
(let ((x y) (y x)) (- x y))
; run: x=1 y=5
; both: x=1 y=5

;; Those of `let*` do.
(let* ((x (+ x 1)) (x (* x x))) x)
; run: x=2
; both: x=2

;; A name of an operation may be bound.
(let ((+ x)) (* + +))
; run: x=3
; stage graph:
