; C.2  factorial-recursive
; law: n!
; product of n, n - 1, ...; each factor depends on n, so the gradient is that of the polynomial n(n-1)(n-2)...
; inputs:
;   n in [0, 25] integer
(define (factorial n)
  (if (< n 2) 1 (* n (factorial (- n 1)))))
(define (main n) (factorial n))
