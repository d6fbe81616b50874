; Functions of functions.

; e; where that is NaN, its derivatives are, by t as well.
(define (%nan-number e t) (if (nan? e) (* +nan.0 (+ e t)) e))
(define (%nan-state y t) (if (scalar? y) (%nan-number y t) (map (lambda (e) (%nan-number e t)) y)))

; (compose f g): the function that gives f of what g gives
(define (compose f g) (lambda (x) (f (g x))))
