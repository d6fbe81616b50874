; C.35  lennard-jones-chain
; law: sum over pairs of 4*eps*((s/r)^12-(s/r)^6)
; energy of a chain of n atoms at equal distances: recursion over the first atom, a loop over the second
; inputs:
;   n in [1, 15] integer
;   d in [0.9, 2]
;   eps in [0.5, 2]
;   s in [0.8, 1.2]
; trainable: eps s
(define (pair r)
  (let ((q (pow (/ s r) 6)))
    (* 4 eps (- (* q q) q))))
(define (energy i)
  (define (with j sum)
    (if (= j n) sum (with (+ j 1) (+ sum (pair (* d (- j i)))))))
  (if (>= i n)
      0
      (+ (with (+ i 1) 0) (energy (+ i 1)))))
(energy 0)
