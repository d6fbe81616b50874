; C.11  even-odd
; law: x if n is even, else -x
; two functions that call each other in tail position
; inputs:
;   n in [0, 2000] integer
;   x in [-3, 3]
(define (even? n) (if (= n 0) x (odd? (- n 1))))
(define (odd? n) (if (= n 0) (- x) (even? (- n 1))))
(even? n)
