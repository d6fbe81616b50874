;; Elements of a large array that count on one path only: another path must neither add 0 times infinity nor take away what counts.
(let ((w (sqrt (vappend v (ones 70)))))
  (+ (if (> s 0) (ref w 0) 0)
     (if (< s 0) (ref w 0) 0)
     (if (< s -1) (ref w 1) 0)))
; grad: v=[4 0] s=1 => v=[0.25 0] s=0
; grad: v=[4 0] s=-1 => v=[0.25 0] s=0
; grad: v=[4 1] s=-2 => v=[0.25 0.5] s=0

;; The same by ranges that overlap.
(let ((w (sqrt (vappend v (ones 70)))))
  (+ (if (> s 0) (vsum (slice w 0 2)) 0)
     (if (< s 0) (vsum (slice w 1 3)) 0)
     (if (> s 1) (vsum (slice w 0 4)) 0)))
; grad: v=[1 4 0 0] s=1 => v=[0.5 0.25 0 0] s=0
; grad: v=[0 4 1 0] s=-1 => v=[0 0.25 0.5 0] s=0
; grad: v=[1 4 1 4] s=2 => v=[1 0.5 0.5 0.25] s=0

;; A call gives an array of which one element counts.
(define (roots n v) (if (< n 1) (sqrt v) (* 2 (roots (- n 1) v))))
(+ (ref (roots n v) 0) (if (> s 0) (ref (roots 1 v) 1) 0))
; grad: v=[4 0] n=2 s=0 => n=0 v=[1 0] s=0
; grad: v=[4 1] n=0 s=1 => n=0 v=[0.25 1] s=0

;; A call uses one element of its operand.
(define (pick n w) (if (< n 1) (ref w 0) (* 2 (pick (- n 1) w))))
(pick n (sqrt v))
; grad: v=[4 0] n=2 => n=0 v=[1 0]

;; Or another one, by its path.
(define (either n w) (cond ((< n 0) (ref w 0)) ((= n 0) (ref w 1)) (else (* 2 (either (- n 2) w)))))
(either n (sqrt v))
; grad: v=[4 0] n=1 => n=0 v=[0.5 0]
; grad: v=[0 4] n=2 => n=0 v=[0 0.5]

;; A loop without iterations uses nothing of what stands around it.
(let ((c (sqrt y)))
  (let again ((i 0) (a x)) (if (< i n) (again (+ i 1) (+ a c)) a)))
; grad: x=1 y=0 n=0 => y=0 x=1 n=0
; grad: x=1 y=4 n=2 => y=0.5 x=1 n=0
; grad: x=1 y=0 n=1 => y=inf x=1 n=0

;; What only the first iteration uses counts, and what only the last one does.
(let ((c (sqrt y)) (d (sqrt z)))
  (let again ((i 0) (a x))
    (if (< i 3) (again (+ i 1) (cond ((= i 0) (+ a c)) ((= i k) (+ a d)) (else a))) a)))
; grad: x=1 y=4 z=0 k=5 => y=0.25 z=0 x=1 k=0
; grad: x=1 y=4 z=1 k=2 => y=0.25 z=0.5 x=1 k=0
; grad: x=1 y=4 z=1 k=1 => y=0.25 z=0.5 x=1 k=0

;; A call that would fail, on a path that is not taken, by itself and beside one that is.
(define (down n) (if (< n 1) 0 (+ 1 (down (- n 1)))))
(+ (if (< x 0) (down 1e6) (down x)) (if (< x -1) (down 1e6) 1))
; run: x=3 => 4
; grad: x=3 => x=0
; run: x=-1 => fails: more than 10000 calls are under way

;; Where one of two calls has failed the other's value does not count.
(define (deep n m) (if (< n 1) m (deep-sum n m)))
(define (deep-sum n m) (+ (if (> m 1) (deep (- n 1) m) 0) (if (> m 2) (deep 1e6 m) 1)))
(deep x y)
; run: x=2 y=1 => 1
; run: x=2 y=2 => 4
; run: x=2 y=3 => fails: more than 10000 calls are under way
