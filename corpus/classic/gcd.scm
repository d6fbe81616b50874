; C.3  gcd
; law: gcd(a,b)
; greatest common divisor of two integers by Euclid; the derivatives are the Bezout coefficients of the trip taken
; inputs:
;   a in [1, 1000000] integer
;   b in [1, 1000000] integer
(let next ((a a) (b b))
  (if (= b 0) a (next b (remainder a b))))
