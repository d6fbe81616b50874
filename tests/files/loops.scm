;; A sum by a named `let`.
; nc: --max-iterations 10000
(let step ((k 0) (s 0)) (if (>= k n) s (step (+ k 1) (+ s (* x k)))))
; run: n=4 x=2 => 12
; run: n=0 x=2 => 0
; run: n=-1 x=2 => 0
; run: n=2.5 x=1 => 3
; run: n=inf x=0 => fails: the loop takes more than 10000 iterations
; run: n=nan x=1 => fails: the loop takes more than 10000 iterations
; both: n=4 x=2 => n=0 x=6
; both: n=0 x=2 => n=0 x=0
; stage tco:
;   (define (step %k %s n x)
;     (let* ((%5 (loop ((k %k) (s %s))
;             (let* ((%0 (>= k n))
;                   (%4 (if %0
;                       s
;                       (let* ((%1 (+ k 1))
;                             (%2 (* x k))
;                             (%3 (+ s %2)))
;                         (recur %1 %3)))))
;               %4))))
;     %5))
;   ; inputs: n x
;   (let* ((%6 (step 0 0 n x)))
;     %6)
; stage graph:
;   limits 10000 iterations, 10000 calls, 1000000000 steps
;   input n: scalar
;   input x: scalar
;   %0 = loop step where true, from [0, 0], with [n, x]
;     state k: scalar
;     state s: scalar
;     capture capture0: scalar
;     capture capture1: scalar
;     %0 = le capture0, k : bool
;     %1 = not %0 : bool
;     %2 = add k, 1
;     %3 = mul k, capture1
;     %4 = add s, %3
;     value while = %1
;     value next 0 = %2
;     value next 1 = %4
;   fail if %0: more than 10000 iterations
;   value = %0.1
; stage adjoint:
;   limits 10000 iterations, 10000 calls, 1000000000 steps
;   input n: scalar
;   input x: scalar
;   %0 = loop step where true, from [0, 0], with [n, x]
;     state k: scalar
;     state s: scalar
;     capture capture0: scalar
;     capture capture1: scalar
;     %0 = le capture0, k : bool
;     %1 = not %0 : bool
;     %2 = add k, 1
;     %3 = mul k, capture1
;     %4 = add s, %3
;     value while = %1
;     value next 0 = %2
;     value next 1 = %4
;   %1 = reverse step of %0, from [1, 0], with [n, x]
;     tape k: scalar
;     tape s: scalar
;     capture capture0: scalar
;     capture capture1: scalar
;     state ds: scalar
;     state dcapture1: scalar
;     %0 = mul k, ds
;     %1 = add %0, dcapture1
;     value next 0 = ds
;     value next 1 = %1
;   fail if %0: more than 10000 iterations
;   value = %0.1
;   gradient n = 0
;   gradient x = %1.1

;; `do` with a state that never changes.
; nc: --max-iterations 10000
(do ((i 0 (+ i 1)) (p 1 (* p base)) (base b)) ((= i n) p))
; run: b=2 n=10 => 1024
; run: b=3 n=0 => 1
; run: b=0.5 n=3 => 0.125
; run: b=1 n=0.5 => fails: the loop takes more than 10000 iterations
; run f32: b=3 n=20 => 0x1.9fa838p+31
; both: b=2 n=3 => b=12 n=0
; stage tco:
;   (define (do %i %p base n)
;     (let* ((%4 (loop ((i %i) (p %p))
;             (let* ((%0 (= i n))
;                   (%3 (if %0
;                       p
;                       (let* ((%1 (+ i 1))
;                             (%2 (* p base)))
;                         (recur %1 %2)))))
;               %3))))
;     %4))
;   ; inputs: b n
;   (let* ((%5 (do 0 1 b n)))
;     %5)

;; Newton's method until nothing changes.
; nc: --max-iterations 10000
(loop ((x (+ 1 a))) (let ((next (* 1/2 (+ x (/ a x))))) (if (= next x) x (recur next))))
; run: a=2 => 0x1.6a09e667f3bccp+0
; run: a=0 => fails: the loop takes more than 10000 iterations
; run: a=1e-300 => 0x1.a2fe76a3f9475p-499
; run: a=inf => fails: the loop takes more than 10000 iterations
; grad: a=2 => a=0x1.6a09e667f3bcdp-2

;; An inner loop goes on with the outer one.
(let outer ((i 0) (sum 0))
  (if (= i n) sum
      (let ((k (* 10 i)))
        (let inner ((j 0) (s sum)) (if (= j i) (outer (+ i 1) s) (inner (+ j 1) (+ s k)))))))
; run: n=0 => 0
; run: n=1 => 0
; run: n=4 => 140
; stage tco:
;   (define (outer %i %sum n)
;     (let* ((%10 (loop ((%tag 0) (i %i) (sum %sum) (j _) (s _) (k _))
;             (let* ((%0 (= %tag 0))
;                   (%9 (if %0
;                       (let* ((%1 (= i n))
;                             (%3 (if %1
;                                 sum
;                                 (let* ((k (* 10 i)))
;                                   (recur 1 i sum 0 sum k)))))
;                         %3)
;                       (let* ((%4 (= j i))
;                             (%8 (if %4
;                                 (let* ((%5 (+ i 1)))
;                                   (recur 0 %5 s j s k))
;                                 (let* ((%6 (+ j 1))
;                                       (%7 (+ s k)))
;                                   (recur 1 i sum %6 %7 k)))))
;                         %8))))
;               %9))))
;     %10))
;   ; inputs: n
;   (let* ((%11 (outer 0 0 n)))
;     %11)

;; A loop that counts to a constant, and is beyond it from the beginning.
(loop ((i 0) (s x)) (if (>= i 1) (recur (- i 1) (* s s)) (* 2 s)))
; run: x=3 => 6
; both: x=3 => x=2

;; A large vector that the last evaluation of a loop has left, of rows that go on for different times and of those that never enter.
(let ((r (if (> y 0)
             (let again ((i 0))
               (let ((w (build 70 (lambda (j) (* x i j))))) (if (< (vsum w) n) (again (+ i 1)) w)))
             (ones 70))))
  (+ (ref r 3) (* 1000 (ref r 69))))
; run: x=1 y=1 n=10000 => 345015
; run: x=1 y=0 n=10000 => 1001
; run: x=2 y=1 n=-1 => 0
; run: x=2 y=1 n=1 => 138006
; both: x=1 y=1 n=10000 => y=0 x=345015 n=0
; both: x=1 y=-1 n=10000 => y=0 x=0 n=0
