; Integrals.

; Nodes of Gauss's rule of 10 points and of Kronrod's of 21 that contains it, with their weights (R. Piessens et al., QUADPACK, 1983).
(define %nodes
  [0.9956571630258081 0.9739065285171717 0.9301574913557082 0.8650633666889845 0.7808177265864169 0.6794095682990244
   0.5627571346686047 0.4333953941292472 0.2943928627014602 0.14887433898163122 0 -0.14887433898163122 -0.2943928627014602
   -0.4333953941292472 -0.5627571346686047 -0.6794095682990244 -0.7808177265864169 -0.8650633666889845 -0.9301574913557082
   -0.9739065285171717 -0.9956571630258081])
(define %kronrod
  [0.011694638867371874 0.032558162307964725 0.054755896574351995 0.07503967481091996 0.0931254545836976 0.10938715880229764
   0.12349197626206584 0.13470921731147334 0.14277593857706009 0.14773910490133849 0.1494455540029169 0.14773910490133849
   0.14277593857706009 0.13470921731147334 0.12349197626206584 0.10938715880229764 0.0931254545836976 0.07503967481091996
   0.054755896574351995 0.032558162307964725 0.011694638867371874])
(define %gauss
  [0 0.06667134430868814 0 0.1494513491505806 0 0.21908636251598204 0 0.26926671930999635 0 0.29552422471475287 0
   0.29552422471475287 0 0.26926671930999635 0 0.21908636251598204 0 0.1494513491505806 0 0.06667134430868814 0])

; (integrate f a b): the integral of f from a to b, by Gauss's and Kronrod's rules on parts that are made as short as they have to be,
; to 1e-12 of it, or as far as the rounding of f lets it; f may be infinite at the bounds and may jump. Derivatives by the bounds are values of f
(define (integrate f a b)
  (let* ((from (detach a))
         (to (detach b))
         (width (abs (- to from)))
         ; what the parts are measured by is known to a hundredth before they are made
         (rough (detach (abs (%march f from to 0 1e-2 (* 1e-6 width)))))
         (value (%march f from to (* (max 1e-13 (* 2 %epsilon)) rough) (* 50 %epsilon) 0)))
    (+ value (- (%edge f b) (%edge f a)))))

; 0, with f as its derivative, and those of f as its further ones: the integral of what the bound moves by, by Gauss's rule of 3 points, which
; is exact up to the sixth derivative.
(define (%edge f b)
  (let* ((end (detach b)) (moved (- b end)) (y (f (+ end (* 0.5 moved)))))
    (if (%finite? y)
        (* (/ moved 18)
           (+ (* 5 (+ (f (+ end (* 0.1127016653792583 moved))) (f (+ end (* 0.8872983346207417 moved))))) (* 8 y)))
        (* (copysign 1 y) (cbrt moved)))))

; The integral of parts one behind the other, each of which is halved until its error is estimated to be below `absolute`, or below
; `relative` times the integral of its magnitude, or until it is as short as `least` or as numbers let it be, and the next of which is tried
; twice as long. For the sake of derivatives, which do not become small with the part where f has a kink, f is to be as exact on a short
; part as on the whole, or the part's error far smaller. A NaN after 5000 parts.
(define (%march f from to absolute relative least)
  (loop ((k 0) (left from) (width (- to from)) (total 0))
    (let* ((right (if (>= (* 1.0001 (abs width)) (abs (- to left))) to (+ left width)))
           (half (* 0.5 (- right left)))
           (middle (+ left half))
           (y (loop ((i 0) (y (zeros 21)))
                (if (= i 21) y (recur (+ i 1) (replace y i (f (+ middle (* half (ref %nodes i)))))))))
           (value (dot %kronrod y))
           (error (detach (%rule-error y value)))
           (magnitude (detach (dot %kronrod (abs y))))
           (size (abs half))
           (part (* size error))
           (enough (or (and (<= part absolute)
                            (or (<= (* (abs (- to from)) error) (* 10 absolute)) (<= part (* 1e-9 absolute))))
                       (<= error (* relative magnitude))
                       (<= (* 2 size) (max least (* 4 %epsilon (max (abs left) (abs right))))))))
      (cond ((= from to) 0)
            ((or (not (%finite? (+ half middle))) (> k 5000)) +nan.0)
            ((not enough) (recur (+ k 1) left half total))
            ((or (= right to) (nan? total)) (+ total (* half value)))
            (else (recur (+ k 1) right (* 4 half) (+ total (* half value))))))))

; QUADPACK's estimate for the rules on [-1, 1]: the difference of the two, and, as the longer is far better, its power 3/2 by what f
; deviates from its mean.
(define (%rule-error y value)
  (let ((difference (abs (- value (dot %gauss y))))
        (deviation (dot %kronrod (abs (- y (* 0.5 value))))))
    (if (or (= deviation 0) (= difference 0))
        difference
        (* deviation (min 1 (pow (/ (* 200 difference) deviation) 1.5))))))

; (gauss-legendre n f a b): the integral of f from a to b by Gauss's rule of n points, for a constant n: exact for polynomials of degree
; 2 n − 1
(define (gauss-legendre n f a b)
  (let ((half (* 0.5 (- b a))) (middle (+ a (* 0.5 (- b a)))))
    (* half (sum n (lambda (i)
      (let ((node (%legendre-node n i)))
        (* (ref node 1) (f (+ middle (* half (ref node 0)))))))))))

; Node i of Gauss's rule and its weight 2 / ((1 − x²) Pₙ′(x)²), by Newton's method from Tricomi's estimate.
(define (%legendre-node n i)
  (let* ((x (loop ((k 0) (x (cos (/ (* 3.141592653589793 (+ i 0.75)) (+ n 0.5)))))
              (let* ((p (%legendre n x)) (next (- x (/ (ref p 0) (ref p 1)))))
                (if (or (= k 8) (= next x)) x (recur (+ k 1) next)))))
         (slope (ref (%legendre n x) 1)))
    (detach [x (/ 2 (* (- 1 x) (+ 1 x) slope slope))])))

; Legendre's polynomial of degree n and its derivative.
(define (%legendre n x)
  (loop ((k 1) (p x) (before 1))
    (if (= k n)
        [p (/ (* n (- before (* x p))) (* (- 1 x) (+ 1 x)))]
        (recur (+ k 1) (/ (- (* (+ k k 1) x p) (* k before)) (+ k 1)) p))))
