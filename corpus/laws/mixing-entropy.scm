; L.10  mixing-entropy
; law: -n*R*(x*log(x)+(1-x)*log(1-x))
; entropy of mixing of two ideal gases
; inputs:
;   n in [0.1, 10]
;   x in [0.001, 0.999]
; trainable: n
(define R 8.314462618)
(define (xlogx x) (cond ((> x 0) (* x (log x))) (else 0)))
(* -1 n R (+ (xlogx x) (xlogx (- 1 x))))
