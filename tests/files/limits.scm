;; More iterations than the header allows.
; nc: --max-iterations 5
(do ((i 0 (+ i 1)) (s x (* s 2))) ((>= i n) s))
; run: n=5 x=1
; run: n=6 x=1
; run: n=nan x=1
; grad: n=5 x=1
; grad: n=6 x=1
; stage graph:

;; More calls under way than the header allows.
; nc: --max-depth 4
(define (down n) (if (< n 0.5) x (+ 1 (down (- n 1)))))
(down n)
; run: n=3 x=1
; run: n=4 x=1
; run: n=5 x=1
; grad: n=3 x=1
; grad: n=5 x=1

;; More iterations and calls together than the header allows.
; nc: --max-steps 20
(do ((i 0 (+ i 1)) (s 0 (do ((j 0 (+ j 1)) (t s (+ t (* x j)))) ((= j i) t)))) ((= i n) s))
; run: n=3 x=1
; run: n=5 x=1
; run: n=6 x=1
; grad: n=5 x=1
; grad: n=6 x=1
