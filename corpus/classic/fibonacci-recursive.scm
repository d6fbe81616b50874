; C.8  fibonacci-recursive
; law: F(n)
; two calls each; F(0) and F(1) are factors, so that the gradient tells how often each is reached
; inputs:
;   n in [0, 18] integer
;   zero in [-2, 2]
;   one in [-2, 2]
; points: 16
(define (fib n)
  (cond ((= n 0) zero)
        ((= n 1) one)
        (else (+ (fib (- n 1)) (fib (- n 2))))))
(fib n)
