; C.34  ladder
; law: impedance of n sections of R and C
; magnitude of the impedance of an RC ladder, section by section from the far end; complex numbers as pairs
; inputs:
;   R in [10, 1000] log
;   C in [1e-7, 1e-5] log
;   w in [100, 10000] log
;   n in [0, 40] integer
; trainable: R C
(define (section re im)
  (let* ((b (+ (* w C) (- (/ im (+ (* re re) (* im im))))))
         (g (/ re (+ (* re re) (* im im))))
         (d (+ (* g g) (* b b))))
    [(+ R (/ g d)) (- (/ b d))]))
(define (ladder k)
  (if (= k 0)
      [R 0]
      (let ((z (ladder (- k 1))))
        (section (ref z 0) (ref z 1)))))
(norm (ladder n))
