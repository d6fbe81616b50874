; Arrays by functions, sums and repetitions. Short loops over a counter called %each are carried out where they stand.

; (build n f): the vector of f(0) … f(n − 1), for a constant n; of vectors, the matrix with those rows
(define (build n f)
  (loop ((%each 0) (all (repeat n (zeros-like (f 0)))))
    (if (= %each n) all (recur (+ %each 1) (replace all %each (f %each))))))

; (map f v …): f of each element (or row) of vectors of one length; of vectors, the matrix with those rows
(define (map f v) (build (vlen v) (lambda (k) (f (ref v k)))))
(define (map/3 f u v) (build (common-length u v) (lambda (k) (f (ref u k) (ref v k)))))
(define (map/4 f u v w) (build (common-length u v w) (lambda (k) (f (ref u k) (ref v k) (ref w k)))))
(define (map/5 f u v w x) (build (common-length u v w x) (lambda (k) (f (ref u k) (ref v k) (ref w k) (ref x k)))))

; (fold f first v …): (f state element …) for each element (or row) from the left, where the first state is given
(define (fold f first v)
  (let ((n (vlen v)))
    (loop ((k 0) (state first)) (if (= k n) state (recur (+ k 1) (f state (ref v k)))))))
(define (fold/4 f first u v)
  (let ((n (common-length u v)))
    (loop ((k 0) (state first)) (if (= k n) state (recur (+ k 1) (f state (ref u k) (ref v k)))))))
(define (fold/5 f first u v w)
  (let ((n (common-length u v w)))
    (loop ((k 0) (state first))
      (if (= k n) state (recur (+ k 1) (f state (ref u k) (ref v k) (ref w k)))))))

; (sum n f): f(0) + f(1) + … + f(n − 1) from the left; n may be computed
(define (sum n f)
  (let ((n (check-count n)))
    (loop ((k 0) (s (zeros-like (f 0)))) (if (= k n) s (recur (+ k 1) (+ s (f k)))))))

; (product n f): f(0) · f(1) · … · f(n − 1) from the left; n may be computed
(define (product n f)
  (let ((n (check-count n)))
    (loop ((k 0) (p (+ 1 (zeros-like (f 0))))) (if (= k n) p (recur (+ k 1) (* p (f k)))))))

; (iterate f n x): f applied n times to x; n may be computed
(define (iterate f n x)
  (let ((n (check-count n)))
    (loop ((k 0) (state x)) (if (= k n) state (recur (+ k 1) (f state))))))

; (scan f n x): x, f(x), f(f(x)), … up to f applied n times, for a constant n: a vector, or a matrix with those rows
(define (scan f n x)
  (let ((n (check-count n)))
    (loop ((k 0) (state x) (all (repeat (+ n 1) (zeros-like x))))
      (if (= k n)
          (replace all k state)
          (recur (+ k 1) (f state) (replace all k state))))))

; (argmin v): the index of the smallest element, the first of equal ones
(define (argmin v)
  (let ((n (vlen v)))
    (loop ((%each 1) (best 0) (least (ref v 0)))
      (if (>= %each n)
          best
          (if (< (ref v %each) least)
              (recur (+ %each 1) %each (ref v %each))
              (recur (+ %each 1) best least))))))

; (argmax v): the index of the largest element, the first of equal ones
(define (argmax v)
  (let ((n (vlen v)))
    (loop ((%each 1) (best 0) (most (ref v 0)))
      (if (>= %each n)
          best
          (if (> (ref v %each) most)
              (recur (+ %each 1) %each (ref v %each))
              (recur (+ %each 1) best most))))))

; (vmin v): the smallest element, by min from the left
(define (vmin v)
  (let ((n (vlen v)))
    (loop ((%each 1) (least (ref v 0))) (if (>= %each n) least (recur (+ %each 1) (min least (ref v %each)))))))

; (vmax v): the largest element, by max from the left
(define (vmax v)
  (let ((n (vlen v)))
    (loop ((%each 1) (most (ref v 0))) (if (>= %each n) most (recur (+ %each 1) (max most (ref v %each)))))))

; (mean v): the sum of the elements divided by their number
(define (mean v) (/ (vsum v) (vlen v)))

; (variance v): the mean square of what the elements are away from their mean
(define (variance v)
  (let ((d (- v (mean v)))) (/ (vsum (* d d)) (vlen v))))

; (sample-variance v): the variance with the number of elements less 1 as divisor
(define (sample-variance v)
  (let ((d (- v (mean v)))) (/ (vsum (* d d)) (- (vlen v) 1))))
