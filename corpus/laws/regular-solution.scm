; L.11  regular-solution
; law: R*T*(x*log(x)+(1-x)*log1p(-x))+W*x*(1-x)
; Gibbs energy of mixing of a regular solution
; inputs:
;   x in [0.001, 0.999]
;   T in [250, 1500]
;   W in [-10000, 20000]
; trainable: W
(define R 8.314462618)
(let ((y (- 1 x)))
  (+ (* R T (+ (* x (log x)) (* y (log1p (- x))))) (* W x y)))
