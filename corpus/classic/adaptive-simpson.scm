; C.31  adaptive-simpson
; law: integral of exp(-k*x)*sin(w*x) over [0, 2]
; adaptive Simpson rule: two calls where two halves disagree with the whole, at most 12 deep
; inputs:
;   k in [0.1, 3]
;   w in [0.5, 8]
; points: 16
(define (f x) (* (exp (- (* k x))) (sin (* w x))))
(define (simpson a b) (* (/ (- b a) 6) (+ (f a) (* 4 (f (* 1/2 (+ a b)))) (f b))))
(define (integral a b whole depth)
  (let* ((m (* 1/2 (+ a b)))
         (left (simpson a m))
         (right (simpson m b))
         (delta (- (+ left right) whole)))
    (if (or (= depth 0) (< (abs delta) 1e-7))
        (+ left right (/ delta 15))
        (+ (integral a m left (- depth 1))
           (integral m b right (- depth 1))))))
(integral 0 2 (simpson 0 2) 12)
