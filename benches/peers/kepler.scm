; The eccentric anomaly by Newton's method, for the eccentricity q/(1 + q) and the mean anomaly m.
(define e (/ q (+ 1 q)))
(define (f E) (- E (* e (sin E)) m))
(loop ((E (+ m e)))
  (let ((step (/ (f E) ((D f) E))))
    (if (< (abs step) 1e-13) (- E step) (recur (- E step)))))
