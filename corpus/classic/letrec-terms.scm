; C.33  letrec-terms
; law: alternating sum of x^k/k!
; three functions bound together, two of them mutually recursive: cos x + sin x by its series
; inputs:
;   x in [-3, 3]
;   n in [0, 25] integer
(letrec ((term (lambda (k) (if (= k 0) 1 (* (/ x k) (term (- k 1))))))
         (plus (lambda (k) (if (> k n) 0 (+ (* (sign-of k) (term k)) (next (+ k 1))))))
         (next (lambda (k) (if (> k n) 0 (+ (* (sign-of k) (term k)) (plus (+ k 1))))))
         (sign-of (lambda (k) (if (< (modulo k 4) 2) 1 -1))))
  (plus 0))
