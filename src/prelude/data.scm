; Tables, statistics and densities.

; Segment i of a table, with knot i ≤ x < knot i + 1: the first one below the knots, the last one above. Bisection.
(define (%segment xs x)
  (loop ((low 0) (high (- (vlen xs) 1)))
    (if (<= (- high low) 1) low
        (let ((middle (floor (* 0.5 (+ low high)))))
          (if (< x (ref xs middle)) (recur low middle) (recur middle high))))))

; Where the knots end is where the domain ends: the square roots say so and have no part in the result.
(define (%inside x first last value)
  (let ((from-first (sqrt (- x first))) (to-last (sqrt (- last x)))) value))

; (interpolate xs ys x): the straight lines between the points (xs, ys) at x, where xs grows: at least 2, up to 10⁵ and more. Outside the knots,
; where it is outside its safe domain, the value at the end; at a knot the derivative is that of the segment on the right
(define (interpolate xs ys x)
  (let* ((n (common-length xs ys)) (first (ref xs 0)) (last (ref xs (- n 1))) (xs (check-increasing xs first last)))
    (%inside x first last
      (cond ((< x first) (ref ys 0))
            ((> x last) (ref ys (- n 1)))
            (else
             (let* ((i (%segment xs x))
                    (from (ref xs i)) (to (ref xs (+ i 1))) (checked (check-increasing xs from to))
                    (t (/ (- x from) (- to from))))
               (%nan-number (+ (* (- 1 t) (ref ys i)) (* t (ref ys (+ i 1)))) x)))))))

; (spline xs ys x): the natural cubic spline through the points (xs, ys) at x, where xs grows, with second derivative 0 at its ends; outside the
; knots, where it is outside its safe domain, it goes on in straight lines
(define (spline xs ys x) (spline-at xs ys (spline-bends xs ys) x))

; (spline-bends xs ys): the second derivatives of the spline at its knots, for `spline-at`
(define (spline-bends xs ys)
  (let ((n (common-length xs ys)) (xs (check-increasing xs)))
    (if (= n 2) (zeros-like xs)
        (let* ((h (- (slice xs 1) (slice xs 0 (- n 1))))
               (slopes (/ (- (slice ys 1) (slice ys 0 (- n 1))) h))
               (jumps (* 6 (- (slice slopes 1) (slice slopes 0 (- n 2)))))
               (diagonal (* 2 (+ (slice h 1) (slice h 0 (- n 2))))))
          (if (= n 3)
              (vappend 0 (/ jumps diagonal) 0)
              (let ((beside (slice h 1 (- n 2))))
                (vappend 0 (solve-tridiagonal beside diagonal beside jumps) 0)))))))

; (spline-at xs ys bends x): the spline at x, where `(spline-bends xs ys)` is known: it is computed once for many x
(define (spline-at xs ys bends x)
  (let* ((n (common-length xs ys bends)) (first (ref xs 0)) (last (ref xs (- n 1))) (xs (check-increasing xs first last)))
    (%inside x first last
      (let* ((i (%segment xs x))
             (from (ref xs i)) (to (ref xs (+ i 1))) (checked (check-increasing xs from to))
             (h (- to from))
             (y (ref ys i)) (z (ref ys (+ i 1)))
             (p (ref bends i)) (q (ref bends (+ i 1)))
             (slope (/ (- z y) h)))
        (%nan-number
          (cond ((< x first) (+ y (* (- x first) (- slope (* (/ h 6) (+ p p q))))))
                ((> x last) (+ z (* (- x last) (+ slope (* (/ h 6) (+ p q q))))))
                (else
                 (let* ((t (/ (- x from) h)) (s (- 1 t)))
                   (- (+ (* s y) (* t z))
                      (* (/ (* h h) 6) s t (+ (* (+ 1 s) p) (* (+ 1 t) q)))))))
          x)))))

; (log-sum-exp v): the logarithm of the sum of the exponentials of the elements, without overflow
(define (log-sum-exp v)
  (let* ((most (detach (vmax v))) (shift (if (= (* 0 most) 0) most 0)))
    (+ shift (log (vsum (exp (- v shift)))))))

; (softmax v): the exponentials of the elements divided by their sum, without overflow
(define (softmax v)
  (let ((e (exp (- v (detach (vmax v)))))) (/ e (vsum e))))

; (standard-deviation v): the square root of the variance
(define (standard-deviation v) (sqrt (variance v)))

; (covariance u v): the mean product of what the elements of two vectors are away from their means
(define (covariance u v)
  (/ (vsum (* (- u (mean u)) (- v (mean v)))) (common-length u v)))

; (correlation u v): the covariance divided by both standard deviations
(define (correlation u v) (/ (covariance u v) (* (standard-deviation u) (standard-deviation v))))
