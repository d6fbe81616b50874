;; A sum by a named `let`.
(let step ((k 0) (s 0)) (if (>= k n) s (step (+ k 1) (+ s (* x k)))))
; run: n=4 x=2
; run: n=0 x=2
; run: n=-1 x=2
; run: n=2.5 x=1
; run: n=inf x=0
; run: n=nan x=1
; both: n=4 x=2
; both: n=0 x=2
; stage tco:
; stage graph:
; stage adjoint:

;; `do` with a state that never changes.
(do ((i 0 (+ i 1)) (p 1 (* p base)) (base b)) ((= i n) p))
; run: b=2 n=10
; run: b=3 n=0
; run: b=0.5 n=3
; run: b=1 n=0.5
; run f32: b=3 n=20
; both: b=2 n=3
; stage tco:

;; Newton's method until nothing changes.
(loop ((x (+ 1 a))) (let ((next (* 1/2 (+ x (/ a x))))) (if (= next x) x (recur next))))
; run: a=2
; run: a=0
; run: a=1e-300
; run: a=inf
; both: a=2

;; An inner loop goes on with the outer one.
(let outer ((i 0) (sum 0))
  (if (= i n) sum
      (let ((k (* 10 i)))
        (let inner ((j 0) (s sum)) (if (= j i) (outer (+ i 1) s) (inner (+ j 1) (+ s k)))))))
; run: n=0
; run: n=1
; run: n=4
; stage tco:
