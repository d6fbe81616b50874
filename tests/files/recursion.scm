;; Powers by squaring: one call is in tail position, the other needs a stack.
(define (power x n)
  (cond ((= n 0) 1)
        ((= (remainder n 2) 1) (* x (power x (- n 1))))
        (else (square (power x (/ n 2))))))
(power x n)
; run: x=2 n=10 => 1024
; run: x=3 n=0 => 1
; run: x=-1.5 n=3 => -3.375
; both: x=2 n=10 => x=5120 n=0
; stage graph:
;   limits 1048576 iterations, 10000 calls, 1000000000 steps
;   failure 1: deeper than 10000 calls
;   failure 2: deeper than 10000 calls
;   failure 3: more than 1000000000 steps
;   failure 4: more than 1000000000 steps
;   failure 5: deeper than 10000 calls
;   function0 power -> value: scalar, failure: scalar, steps: scalar
;     state x.2: scalar
;     state n.2: scalar
;     state steps: scalar
;     %0 = eq n.2, 0 : bool
;     %1 = not %0 : bool
;     %2 = remainder n.2, 2
;     %3 = eq %2, 1 : bool
;     %4 = and %1, %3 : bool
;     %5 = sub n.2, 1
;     %6 = le 1000000000, steps : bool
;     %7 = and %4, %6 : bool
;     %8 = not %6 : bool
;     %9 = and %4, %8 : bool
;     %10 = add steps, 1
;     %11 = call function0 where %9, [x.2, %5, %10], failure 1
;     %12 = ne %11.1, 0 : bool
;     %13 = and %4, %12 : bool
;     %14 = select %12, 1000000000, %11.2
;     %15 = select %9, %14, steps
;     %16 = mul x.2, %11.0
;     %17 = not %3 : bool
;     %18 = and %1, %17 : bool
;     %19 = mul n.2, 0.5
;     %20 = and %6, %18 : bool
;     %21 = and %8, %18 : bool
;     %22 = call function0 where %21, [x.2, %19, %10], failure 2
;     %23 = ne %22.1, 0 : bool
;     %24 = and %18, %23 : bool
;     %25 = select %23, 1000000000, %22.2
;     %26 = select %21, %25, steps
;     %27 = mul %22.0, %22.0
;     %28 = select %3, %15, %26
;     %29 = select %3, %16, %27
;     %30 = select %0, steps, %28
;     %31 = select %0, 1, %29
;     %32 = select %24, %22.1, 0
;     %33 = select %20, 3, %32
;     %34 = select %13, %11.1, %33
;     %35 = select %7, 4, %34
;     value = %31
;     value = %35
;     value = %30
;   input x: scalar
;   input n: scalar
;   %0 = call function0 where true, [x, n, 1], failure 5
;   %1 = ne %0.1, 0 : bool
;   %2 = eq %0.1, 1 : bool
;   %3 = and %1, %2 : bool
;   %4 = eq %0.1, 2 : bool
;   %5 = and %1, %4 : bool
;   %6 = eq %0.1, 3 : bool
;   %7 = and %1, %6 : bool
;   %8 = eq %0.1, 4 : bool
;   %9 = and %1, %8 : bool
;   %10 = eq %0.1, 5 : bool
;   %11 = and %1, %10 : bool
;   fail if %3: deeper than 10000 calls
;   fail if %5: deeper than 10000 calls
;   fail if %7: more than 1000000000 steps
;   fail if %9: more than 1000000000 steps
;   fail if %11: deeper than 10000 calls
;   value = %0.0

;; Two functions that call each other in tail position are one loop.
(define (even? n) (if (= n 0) 1 (odd? (- n 1))))
(define (odd? m) (if (= m 0) 0 (even? (- m 1))))
(values (even (even? x)) (odd (odd? x)))
; run: x=4 => even=1 odd=0
; run: x=7 => even=0 odd=1
; stage tco:
;   (define (even? %n)
;     (let* ((%8 (loop ((%tag 0) (n %n) (m _))
;             (let* ((%0 (= %tag 0))
;                   (%7 (if %0
;                       (let* ((%1 (= n 0))
;                             (%3 (if %1
;                                 1
;                                 (let* ((%2 (- n 1)))
;                                   (recur 1 n %2)))))
;                         %3)
;                       (let* ((%4 (= m 0))
;                             (%6 (if %4
;                                 0
;                                 (let* ((%5 (- m 1)))
;                                   (recur 0 %5 m)))))
;                         %6))))
;               %7))))
;     %8))
;   (define (odd? %m)
;     (let* ((%17 (loop ((%tag 1) (n _) (m %m))
;             (let* ((%9 (= %tag 0))
;                   (%16 (if %9
;                       (let* ((%10 (= n 0))
;                             (%12 (if %10
;                                 1
;                                 (let* ((%11 (- n 1)))
;                                   (recur 1 n %11)))))
;                         %12)
;                       (let* ((%13 (= m 0))
;                             (%15 (if %13
;                                 0
;                                 (let* ((%14 (- m 1)))
;                                   (recur 0 %14 m)))))
;                         %15))))
;               %16))))
;     %17))
;   ; inputs: x
;   (let* ((%18 (even? x))
;         (%19 (odd? x)))
;     (values (even %18) (odd %19)))

;; Fibonacci numbers: two calls under way at most once each.
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(* x (fib n))
; run: x=1 n=10 => 55
; run: x=2 n=1 => 2
; both: x=2 n=7 => x=13 n=42
