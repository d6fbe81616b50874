;; Definitions and constants.
(define (f a b) (* a (+ b x)))
(define k 2)
(+ (f k y) (f y k) k)
; run: x=3 y=5 => 43
; both: x=3 y=5 => x=7 y=7
; stage anf:
;   (define (f a b x)
;     (let* ((%0 (+ b x))
;         (%1 (* a %0)))
;     %1))
;   ; inputs: x y
;   (let* ((k 2)
;         (%2 (f k y x))
;         (%3 (f y k x))
;         (%4 (+ %2 %3 k)))
;     %4)
; stage graph:
;   input x: scalar
;   input y: scalar
;   %0 = add x, y
;   %1 = mul %0, 2
;   %2 = add x, 2
;   %3 = mul y, %2
;   %4 = add %1, %3
;   %5 = add %4, 2
;   value = %5
; stage adjoint:
;   input x: scalar
;   input y: scalar
;   %0 = add x, y
;   %1 = mul %0, 2
;   %2 = add x, 2
;   %3 = mul y, %2
;   %4 = add %1, %3
;   %5 = add %4, 2
;   %6 = add %2, 2
;   %7 = add y, 2
;   value = %5
;   gradient x = %7
;   gradient y = %6

;; A function in a function sees what is around it where it is written.
(define (f a) (let ((g (lambda (b) (* a b)))) (+ (g 2) (let ((a 10)) (g a)))))
(f x)
; run: x=3 => 36
; both: x=3 => x=12

;; A function without a use is the program.
(define (gauss x mu sigma) (exp (- (/ (square (- x mu)) (* 2 (square sigma))))))
; run: x=1 mu=0 sigma=1 => 0x1.368b2fc6f960ap-1
; run: x=0 mu=0 sigma=0 => nan
; both: x=1 mu=0 sigma=2 => x=-0x1.c3d6a24ed8222p-3 mu=0x1.c3d6a24ed8222p-3 sigma=0x1.c3d6a24ed8222p-4
; stage adjoint:
;   input x: scalar
;   input mu: scalar
;   input sigma: scalar
;   %0 = sub x, mu
;   %1 = mul %0, %0
;   %2 = mul sigma, sigma
;   %3 = mul %2, 2
;   %4 = div %1, %3
;   %5 = neg %4
;   %6 = exp %5
;   %7 = neg %6
;   %8 = abs %3
;   %9 = lt %8, 7.888609052210118e-31 : bool
;   %10 = select %9, 1.2676506002282294e30, 1
;   %11 = mul %3, %10
;   %12 = div %7, %11
;   %13 = mul %10, %12
;   %14 = mul %4, %12
;   %15 = mul %10, %14
;   %16 = neg %15
;   %17 = mul %16, 2
;   %18 = mul sigma, %17
;   %19 = mul %0, %13
;   %20 = add %19, %19
;   %21 = neg %20
;   %22 = add %18, %18
;   value = %6
;   gradient x = %20
;   gradient mu = %21
;   gradient sigma = %22

;; A function is an operand of a call only.
((lambda (a b) (/ a b)) x (+ y 1))
; run: x=6 y=2 => 2
; both: x=6 y=2 => x=0x1.5555555555555p-2 y=-0x1.5555555555555p-1
