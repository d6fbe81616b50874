;; Sums and products of computed length, from the left.
[(sum n (lambda (i) (* i x))) (product n (lambda (i) (+ i x))) (sum 0 exp) (product 0 exp)]
; run: n=4 x=2 => [12 120 0 1]
; run: n=0 x=2 => [0 1 0 1]
; grad: n=3 x=2 => 0:x=0

;; A count that is no integer fails the row.
; nc: --max-iterations 20
(sum n (lambda (i) i))
; run: n=2.5 => 0
; run: n=-1 => 0

;; Sums of vectors.
(sum 3 (lambda (i) [i (* i x)]))
; run: x=2 => [3 6]
; grad: x=2 => 0:x=0

;; Folds of one, two and three vectors, and over rows.
[(fold (lambda (s c) (+ (* s x) c)) 0 [a 1 2])
 (fold (lambda (s p q) (+ s (* p q))) 0 [1 a 3] [x 5 6])
 (fold (lambda (s p q r) (+ s (* p q r))) 1 [1 2] [x 4] [5 a])
 (vsum (fold + [0 0] [[1 2] [3 a]]))]
; run: a=2 x=3 => 0
; grad: a=2 x=3 => 0

;; Maps: elements, several vectors, rows, results that are rows.
[(vsum (map square [1 x 3]))
 (dot (map * [1 2 x] [x 1 1]) [1 1 1])
 (vsum (map vsum [[1 x] [3 4]]))
 (ref (map (lambda (t) [t (* t t)]) [1 x]) 1 1)]
; run: x=5 => 0
; grad: x=5 => 0

;; A vector and a matrix by their indices.
[(vsum (build 4 (lambda (i) (* i x)))) (ref (build 3 (lambda (i) [i (* i x)])) 2 1)]
; run: x=5 => [30 10]
; grad: x=5 => 0

;; Iteration and the path that it takes.
[(iterate (lambda (s) (+ (* s x) 1)) n 1)
 (ref (scan (lambda (s) (* s x)) 4 a) 3)
 (ref (scan (lambda (s) [(ref s 1) (+ (ref s 0) (ref s 1))]) 5 [1 x]) 5 0)]
; run: n=3 x=2 a=5 => 0
; grad: n=3 x=2 a=5 => 0

;; Extremes: the first of equal ones.
[(argmin [x y 3]) (argmax [x y 3]) (vmin [x y 3]) (vmax [x y 3])]
; run: x=1 y=1 => [0 2 1 3]
; run: x=3 y=3 => [0 0 3 3]
; run: x=5 y=4 => [2 0 3 5]
; grad: x=5 y=4 => 0

;; Statistics.
[(mean [1 2 x]) (variance [1 2 x]) (sample-variance [1 2 x])]
; run: x=6 => 0
; grad: x=6 => 0

;; Elements and rows are replaced at indices that a row of data decides.
(vappend (replace [1 2 3] i x) (ref (replace [[1 2] [3 4]] 1 [x x]) 1) (repeat 2 x) (zeros-like [x x]) [(vlen [1 x])])
; run: i=1 x=7 => 0
; run: i=3 x=7 => 0
; grad: i=1 x=7 => 0
