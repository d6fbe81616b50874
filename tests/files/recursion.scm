;; Powers by squaring: one call is in tail position, the other needs a stack.
(define (power x n)
  (cond ((= n 0) 1)
        ((= (remainder n 2) 1) (* x (power x (- n 1))))
        (else (square (power x (/ n 2))))))
(power x n)
; run: x=2 n=10
; run: x=3 n=0
; run: x=-1.5 n=3
; both: x=2 n=10
; stage graph:

;; Two functions that call each other in tail position are one loop.
(define (even? n) (if (= n 0) 1 (odd? (- n 1))))
(define (odd? m) (if (= m 0) 0 (even? (- m 1))))
(values (even (even? x)) (odd (odd? x)))
; run: x=4
; run: x=7
; stage tco:

;; Fibonacci numbers: two calls under way at most once each.
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(* x (fib n))
; run: x=1 n=10
; run: x=2 n=1
; both: x=2 n=7
