;; Sums and products of computed length, from the left.
[(sum n (lambda (i) (* i x))) (product n (lambda (i) (+ i x))) (sum 0 exp) (product 0 exp)]
; run: n=4 x=2 => [12 120 0 1]
; run: n=0 x=2 => [0 1 0 1]
; grad: n=3 x=2 => 0:n=0 0:x=3 1:n=0 1:x=26 2:n=0 2:x=0 3:n=0 3:x=0

;; A count that is no integer fails the row.
; nc: --max-iterations 20
(sum n (lambda (i) i))
; run: n=2.5 => fails: the count is negative or no integer
; run: n=-1 => fails: the count is negative or no integer

;; Sums of vectors.
(sum 3 (lambda (i) [i (* i x)]))
; run: x=2 => [3 6]
; grad: x=2 => 0:x=0 1:x=3

;; Folds of one, two and three vectors, and over rows.
[(fold (lambda (s c) (+ (* s x) c)) 0 [a 1 2])
 (fold (lambda (s p q) (+ s (* p q))) 0 [1 a 3] [x 5 6])
 (fold (lambda (s p q r) (+ s (* p q r))) 1 [1 2] [x 4] [5 a])
 (vsum (fold + [0 0] [[1 2] [3 a]]))]
; run: a=2 x=3 => [23 31 32 8]
; grad: a=2 x=3 => 0:x=13 0:a=9 1:x=1 1:a=5 2:x=5 2:a=8 3:x=0 3:a=1

;; Maps: elements, several vectors, rows, results that are rows.
[(vsum (map square [1 x 3]))
 (dot (map * [1 2 x] [x 1 1]) [1 1 1])
 (vsum (map vsum [[1 x] [3 4]]))
 (ref (map (lambda (t) [t (* t t)]) [1 x]) 1 1)]
; run: x=5 => [35 12 13 25]
; grad: x=5 => 0:x=10 1:x=2 2:x=1 3:x=10

;; A vector and a matrix by their indices.
[(vsum (build 4 (lambda (i) (* i x)))) (ref (build 3 (lambda (i) [i (* i x)])) 2 1)]
; run: x=5 => [30 10]
; grad: x=5 => 0:x=6 1:x=2

;; Iteration and the path that it takes.
[(iterate (lambda (s) (+ (* s x) 1)) n 1)
 (ref (scan (lambda (s) (* s x)) 4 a) 3)
 (ref (scan (lambda (s) [(ref s 1) (+ (ref s 0) (ref s 1))]) 5 [1 x]) 5 0)]
; run: n=3 x=2 a=5 => [15 40 13]
; grad: n=3 x=2 a=5 => 0:x=17 0:n=0 0:a=0 1:x=60 1:n=0 1:a=8 2:x=5 2:n=0 2:a=0

;; Extremes: the first of equal ones.
[(argmin [x y 3]) (argmax [x y 3]) (vmin [x y 3]) (vmax [x y 3])]
; run: x=1 y=1 => [0 2 1 3]
; run: x=3 y=3 => [0 0 3 3]
; run: x=5 y=4 => [2 0 3 5]
; grad: x=5 y=4 => 0:x=0 0:y=0 1:x=0 1:y=0 2:x=0 2:y=0 3:x=1 3:y=0

;; Statistics.
[(mean [1 2 x]) (variance [1 2 x]) (sample-variance [1 2 x])]
; run: x=6 => [3 0x1.2aaaaaaaaaaabp+2 7]
; grad: x=6 => 0:x=0x1.5555555555555p-2 1:x=2 2:x=3

;; Elements and rows are replaced at indices that a row of data decides.
(vappend (replace [1 2 3] i x) (ref (replace [[1 2] [3 4]] 1 [x x]) 1) (repeat 2 x) (zeros-like [x x]) [(common-length [1 x] [2 3])])
; run: i=1 x=7 => [1 7 3 7 7 7 7 0 0 2]
; run: i=3 x=7 => fails: the index is not an integer from 0 to 2
; grad: i=1 x=7 => 0:i=0 0:x=0 1:i=0 1:x=1 2:i=0 2:x=0 3:i=0 3:x=1 4:i=0 4:x=1 5:i=0 5:x=1 6:i=0 6:x=1 7:i=0 7:x=0 8:i=0 8:x=0 9:i=0 9:x=0

;; Sums and products of no terms are 0 and 1 in the shape of a term, whatever becomes of the term of index 0.
(values (s (sum n (lambda (k) (ref v (+ k m))))) (p (product n (lambda (k) [(ref v (+ k m)) 1]))))
; run: n=0 m=3 v=[1 2 3] => s=0 p=[1 1]
; run: n=2 m=1 v=[1 2 3] => s=5 p=[6 1]
; run: n=1 m=3 v=[1 2 3] => fails: the index is not an integer from 0 to 2

;; A count that is negative or no integer fails the row at once.
(+ (sum n (lambda (k) k)) (iterate (lambda (x) (+ x 1)) m 0))
; run: n=4 m=2 => 8
; run: n=-1 m=2 => fails: the count is negative or no integer
; run: n=1.5 m=2 => fails: the count is negative or no integer
; run: n=4 m=inf => fails: the count is negative or no integer
; run: n=4 m=nan => fails: the count is negative or no integer
; grad: n=4 m=2 => n=0 m=0

;; What has to be a count passes as it is, and so does what has to grow.
(check-count (* 2 (ref (check-increasing [a b 3]) 0)))
; run: a=1 b=2 => 2
; run: a=1 b=1 => fails: the knots do not grow
; run: a=0.2 b=1 => fails: the count is negative or no integer
; grad: a=1 b=2 => a=2 b=0

;; Where only the shape of what a loop or a recursion gives is wanted, no limit is exceeded.
; nc: --max-iterations 10
(sum n (lambda (i) (let again ((k 1) (v x)) (if (> k 1e9) v (again (* 2 k) (* v v))))))
; run: n=0 x=1 => 0
; run: n=1 x=1 => fails: the loop takes more than 10 iterations

;; The same of calls under way.
; nc: --max-depth 3
(define (deep k) (if (> k 100) x (+ 1 (deep (+ k 1)))))
(product n (lambda (i) (deep i)))
; run: n=0 x=1 => 1
; run: n=1 x=1 => fails: more than 3 calls are under way

;; A loop that never ends has its limit of iterations also where steps are counted.
; nc: --max-iterations 30 --max-steps 1000
(let ((u (let go ((a x)) (if -0.0 a (go x)))))
  (letrec ((r (lambda (i a) (if (< i 1) x (+ a (r (- i 1) x)))))) (r 3 x)))
; run: x=1 => fails: the loop takes more than 30 iterations
