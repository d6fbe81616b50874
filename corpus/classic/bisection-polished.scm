; C.14  bisection-polished
; law: x with x^3+p*x=q
; root of a cubic by 20 halvings and a step of Newton, through which the gradient flows
; inputs:
;   p in [0.5, 3]
;   q in [1, 8]
(define (f x) (- (* x (+ (* x x) p)) q))
(define (slope x) (+ (* 3 x x) p))
(define (halve low high n)
  (let ((middle (* 1/2 (+ low high))))
    (cond ((= n 20) middle)
          ((< (f middle) 0) (halve middle high (+ n 1)))
          (else (halve low middle (+ n 1))))))
(let ((root (halve 0 4 0)))
  (- root (/ (f root) (slope root))))
