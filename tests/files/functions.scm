;; Definitions and constants.
(define (f a b) (* a (+ b x)))
(define k 2)
(+ (f k y) (f y k) k)
; run: x=3 y=5
; both: x=3 y=5
; stage anf:
; stage graph:
; stage adjoint:

;; A function in a function sees what is around it where it is written.
(define (f a) (let ((g (lambda (b) (* a b)))) (+ (g 2) (let ((a 10)) (g a)))))
(f x)
; run: x=3
; both: x=3

;; A function without a use is the program.
(define (gauss x mu sigma) (exp (- (/ (square (- x mu)) (* 2 (square sigma))))))
; run: x=1 mu=0 sigma=1
; run: x=0 mu=0 sigma=0
; both: x=1 mu=0 sigma=2
; stage adjoint:

;; A function is an operand of a call only.
((lambda (a b) (/ a b)) x (+ y 1))
; run: x=6 y=2
; both: x=6 y=2
