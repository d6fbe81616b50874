; C.17  horner
; law: c0+c1*x+...+c7*x^7
; polynomial with its coefficients in a vector, from the highest
; inputs:
;   c[8] in [-2, 2]
;   x in [-1.5, 1.5]
(do ((i (- (vlen c) 1) (- i 1))
     (y 0 (+ (* y x) (ref c i))))
    ((< i 0) y))
