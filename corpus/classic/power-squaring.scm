; C.12  power-squaring
; law: x^n
; power by repeated squaring, one call of depth log2(n)
; inputs:
;   x in [0.5, 1.5]
;   n in [0, 200] integer
(define (power x n)
  (cond ((= n 0) 1)
        ((= (remainder n 2) 1) (* x (power x (- n 1))))
        (else (square (power x (quotient n 2))))))
(power x n)
