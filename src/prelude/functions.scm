; Functions of functions.

; (compose f g): the function that gives f of what g gives
(define (compose f g) (lambda (x) (f (g x))))
