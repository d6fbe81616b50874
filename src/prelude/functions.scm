; Functions of functions.

; e; where that is NaN, its derivatives are, by t as well.
(define (%nan-number e t) (if (nan? e) (* +nan.0 (+ e t)) e))
(define (%nan-state y t) (if (scalar? y) (%nan-number y t) (map (lambda (e) (%nan-number e t)) y)))

; (compose f g): the function that gives f of what g gives
(define (compose f g) (lambda (x) (f (g x))))

; (relu x): x above 0, else 0; of vectors and matrices element by element
(define (relu x) (max 0 x))

; (silu x): x times the logistic function of x; of vectors and matrices element by element
(define (silu x) (* x (sigmoid x)))
