;; More iterations than the header allows.
; nc: --max-iterations 5
(do ((i 0 (+ i 1)) (s x (* s 2))) ((>= i n) s))
; run: n=5 x=1 => 32
; run: n=6 x=1 => fails: the loop takes more than 5 iterations
; run: n=nan x=1 => fails: the loop takes more than 5 iterations
; grad: n=5 x=1 => x=32 n=0
; grad: n=6 x=1 => fails: the loop takes more than 5 iterations
; stage graph:
;   limits 5 iterations, 10000 calls, 1000000000 steps
;   input x: scalar
;   input n: scalar
;   %0 = loop do where true, from [0, x], with [n]
;     state i: scalar
;     state s: scalar
;     capture capture0: scalar
;     %0 = le capture0, i : bool
;     %1 = not %0 : bool
;     %2 = add i, 1
;     %3 = mul s, 2
;     value while = %1
;     value next 0 = %2
;     value next 1 = %3
;   fail if %0: more than 5 iterations
;   value = %0.1

;; More calls under way than the header allows.
; nc: --max-depth 4
(define (down n) (if (< n 0.5) x (+ 1 (down (- n 1)))))
(down n)
; run: n=3 x=1 => 4
; run: n=4 x=1 => fails: more than 4 calls are under way
; run: n=5 x=1 => fails: more than 4 calls are under way
; grad: n=3 x=1 => x=1 n=0
; grad: n=5 x=1 => fails: more than 4 calls are under way

;; More iterations and calls together than the header allows.
; nc: --max-steps 20
(do ((i 0 (+ i 1)) (s 0 (do ((j 0 (+ j 1)) (t s (+ t (* x j)))) ((= j i) t)))) ((= i n) s))
; run: n=3 x=1 => 1
; run: n=5 x=1 => 10
; run: n=6 x=1 => fails: the row takes more than 20 iterations and calls
; grad: n=5 x=1 => x=10 n=0
; grad: n=6 x=1 => fails: the row takes more than 20 iterations and calls

;; Work on vectors and matrices counts where it is repeated: 2·16³ operations as 128 steps.
; nc: --max-steps 1000
(loop ((i 0) (M (* x (eye 16)))) (if (< i n) (recur (+ i 1) (matmul M M)) (trace M)))
; run: n=7 x=1 => 16
; run: n=8 x=1 => fails: the row takes more than 1000 iterations and calls
; run f32: n=7 x=1 => 16
; run f32: n=8 x=1 => fails: the row takes more than 1000 iterations and calls

;; So it does in recursive functions, on the path that is taken.
; nc: --max-steps 100
(define (f n v) (if (< n 1) (vsum v) (+ (f (- n 1) (if (< x 0) (* v v v) (+ v 1))) 0)))
(f n (* x (ones 64)))
; run: n=10 x=1 => 704
; run: n=30 x=1 => 1984
; run: n=60 x=1 => fails: the row takes more than 100 iterations and calls
; run: n=30 x=-1 => fails: the row takes more than 100 iterations and calls
; run f32: n=10 x=1 => 704
; run f32: n=60 x=1 => fails: the row takes more than 100 iterations and calls
; grad: n=10 x=1 => x=64 n=0

;; Where nothing repeats it does not.
; nc: --max-steps 1
(vsum (* x (ones 1000)))
; run: x=1 => 1000
