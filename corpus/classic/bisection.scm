; C.13  bisection
; law: x with x^3+p*x=q
; root of a cubic between 0 and 4 by 20 halvings; p and q only choose halves, so the gradient is 0
; inputs:
;   p in [0.5, 3]
;   q in [1, 8]
(define (f x) (- (* x (+ (* x x) p)) q))
(let halve ((low 0) (high 4) (n 0))
  (let ((middle (* 1/2 (+ low high))))
    (cond ((= n 20) middle)
          ((< (f middle) 0) (halve middle high (+ n 1)))
          (else (halve low middle (+ n 1))))))
