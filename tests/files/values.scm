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

;; Results behind bindings: values, functions, in parallel and in sequence.
(let ((s (+ x y)) (scale (lambda (v) (* 2 v))))
  (let* ((k 3) (p (* k s)))
    (values (sum s) (product (scale p)) (k k))))
; run: x=1 y=2 => sum=3 product=18 k=3
; grad: x=1 y=2 => 0:x=1 0:y=1 1:x=6 1:y=6 2:x=0 2:y=0

;; What is bound before results hides nothing elsewhere.
(define (twice v) (* 2 v k))
(define k 5)
(let ((k x) (x (* 10 x)))
  (values (outer (twice 1)) (inner k) (x x)))
; run: x=3 => outer=10 inner=3 x=30

;; Results of the function that the program ends in: its parameters are the inputs, in their order, used or not.
(define (shifted v) (+ v z))
(define (f y x unused)
  (define d (- x y))
  (define (square-of v) (* v v))
  (values (d (shifted d)) (area (square-of d))))
; run: y=1 x=4 unused=0 z=10 => d=13 area=9
; grad: y=1 x=4 unused=0 z=10 => 0:y=-1 0:x=1 0:unused=0 0:z=1 1:y=-6 1:x=6 1:unused=0 1:z=0

;; Results of a call: of a function that calls another one with results.
(define (polar x y) (let ((r (hypot x y))) (values (r r) (angle (atan2 y x)))))
(define (shifted x y) (polar (- x 1) y))
(let ((x (* 2 a))) (shifted x b))
; run: a=2 b=4 => r=5 angle=0x1.dac670561bb4fp-1

;; Definitions that know each other before results.
(letrec ((even (lambda (n) (if (= n 0) 1 (odd (- n 1))))) (odd (lambda (n) (if (= n 0) 0 (even (- n 1))))))
  (values (even (even n)) (odd (odd n))))
; run: n=5 => even=0 odd=1
