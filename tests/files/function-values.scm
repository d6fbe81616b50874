;; A function is passed, returned and called.
(define ((add a) x) (+ a x))
(define ((then f g) x) (g (f x)))
(define (thrice f) (lambda (x) (f (f (f x)))))
[((add a) x) ((thrice (then (add 2) sqrt)) x) ((compose exp log) x)]
; run: x=7 a=1 => [8 0 0]
; grad: x=7 a=1 => 0:x=1 0:a=1
; stage first-order:

;; Functions that are specialised to equal operands are one.
(define (twice f x) (f (f x)))
(define (inc x) (+ x 1))
(+ (twice inc x) (twice inc y) (twice (lambda (t) (* k t)) x))
; run: x=1 y=2 k=3 => 0
; both: x=1 y=2 k=3 => x=0
; stage first-order:

;; A primitive's name is the function where the callee calls that parameter, and an input elsewhere.
(define (at f x) (f x))
(define (twice g) (* 2 g))
(+ (at sqrt 4) (twice sqrt) (let ((s sin)) (s 0)))
; run: sqrt=5 => 0

;; Operands that change places make as many specialisations as there are orders.
(define (turn f g n x) (if (= n 0) x (turn g f (- n 1) (f x))))
(turn (lambda (x) (+ x 1)) (lambda (x) (* 2 x)) n x)
; run: n=3 x=1 => 0
; run: n=0 x=1 => 1
; stage first-order:

;; A recursion that gives functions ends where its conditions are known.
(define (power f n) (if (= n 0) (lambda (x) x) (compose f (power f (- n 1)))))
((power (lambda (x) (* x y)) 3) x)
; run: x=2 y=3 => 54
; both: x=2 y=3 => x=0 y=0
; stage first-order:

;; Loops pass functions on, and a captured variable keeps its value.
(define (iterated f n x) (loop ((k 0) (x x)) (if (= k n) x (recur (+ k 1) (f x)))))
(let ((c (* 2 a)))
  (+ (iterated (lambda (s) (+ (* c s) 1)) 3 x)
     (do ((k 0 (+ k 1)) (g (lambda (t) (- t a)) g) (t x (g t))) ((= k 2) t))))
; run: a=1 x=1 => 0
; both: a=1 x=1 => a=0 x=0

;; What a program ends in may be a function that another one gives.
(define (twice f) (lambda (x) (f (f x))))
(define g (twice (lambda (t) (* k t))))
; run: x=3 k=2 => 12

;; Recursion with a function as operand.
(define (halves f a b depth)
  (if (= depth 0)
      (* (/ (- b a) 2) (+ (f a) (f b)))
      (let ((m (/ (+ a b) 2)))
        (+ (halves f a m (- depth 1)) (halves f m b (- depth 1))))))
(halves (lambda (t) (* k t t)) 0 b 2)
; run: k=3 b=2 => 0
; both: k=3 b=2 => k=0 b=0

;; Values at the top may be functions; functions know each other in any order.
(define (use x) (up (* scale x)))
(define scale 3)
(define ((add a) x) (+ a x))
(define up (add offset))
(use x)
; run: x=2 offset=1 => 7

;; Shadowing: a binding hides the library and primitives.
(define (sum a b) (- a b))
(let ((map (lambda (x) (* 10 x))) (D (lambda (x) (+ x 1)))) (+ (sum 5 2) (map x) (D x)))
; run: x=1 => 15

;; pi and tau are numbers where nothing binds them.
[pi tau (let ((pi 3)) (* pi x))]
; run: x=2 => [0x1.921fb54442d18p+1 0x1.921fb54442d18p+2 6]
