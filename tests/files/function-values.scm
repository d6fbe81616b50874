;; A function is passed, returned and called.
(define ((add a) x) (+ a x))
(define ((then f g) x) (g (f x)))
(define (thrice f) (lambda (x) (f (f (f x)))))
[((add a) x) ((thrice (then (add 2) sqrt)) x) ((compose exp log) x)]
; run: x=7 a=1 => [8 0x1.077225f1da572p+1 7]
; grad: x=7 a=1 => 0:a=1 0:x=1 1:a=0 1:x=0x1.28ab46677438bp-7 2:a=0 2:x=1
; stage first-order:
;   ; inputs: a x
;   (define (lambda x.5 | a) (+ a x.5))
;   (define (lambda.4 x.6) (+ 2 x.6))
;   (define (lambda.3 x.3) (sqrt (lambda.4 x.3)))
;   (define (lambda.2 x.2) (lambda.3 (lambda.3 (lambda.3 x.2))))
;   (define (lambda.5 x.4) (exp (log x.4)))
;   (vec (lambda x) (lambda.2 x) (lambda.5 x))

;; Functions that are specialised to equal operands are one.
(define (twice f x) (f (f x)))
(define (inc x) (+ x 1))
(+ (twice inc x) (twice inc y) (twice (lambda (t) (* k t)) x))
; run: x=1 y=2 k=3 => 16
; both: x=1 y=2 k=3 => x=10 y=1 k=6
; stage first-order:
;   ; inputs: x y k
;   (define (inc x.4) (+ x.4 1))
;   (define (twice x.2) (inc (inc x.2)))
;   (define (lambda t | k) (* k t))
;   (define (twice.2 x.3 | k) (lambda (lambda x.3)))
;   (+ (twice x) (twice y) (twice.2 x))

;; A primitive's name is the function where the callee calls that parameter, and an input elsewhere.
(define (at f x) (f x))
(define (twice g) (* 2 g))
(+ (at sqrt 4) (twice sqrt) (let ((s sin)) (s 0)))
; run: sqrt=5 => 12

;; Operands that change places make as many specialisations as there are orders.
(define (turn f g n x) (if (= n 0) x (turn g f (- n 1) (f x))))
(turn (lambda (x) (+ x 1)) (lambda (x) (* 2 x)) n x)
; run: n=3 x=1 => 5
; run: n=0 x=1 => 1
; stage first-order:
;   ; inputs: n x
;   (define (lambda.2 x.5) (* 2 x.5))
;   (define (lambda x.4) (+ x.4 1))
;   (define (turn n.2 x.2) (if (= n.2 0) x.2 (turn.2 (- n.2 1) (lambda x.2))))
;   (define (turn.2 n.3 x.3) (if (= n.3 0) x.3 (turn (- n.3 1) (lambda.2 x.3))))
;   (turn n x)

;; A recursion that gives functions ends where its conditions are known.
(define (power f n) (if (= n 0) (lambda (x) x) (compose f (power f (- n 1)))))
((power (lambda (x) (* x y)) 3) x)
; run: x=2 y=3 => 54
; both: x=2 y=3 => y=54 x=27
; stage first-order:
;   ; inputs: y x
;   (define (lambda.5 x.6 | y) (* x.6 y))
;   (define (lambda.4 x.5) x.5)
;   (define (lambda.3 x.4 | y) (lambda.5 (lambda.4 x.4)))
;   (define (lambda.2 x.3 | y) (lambda.5 (lambda.3 x.3)))
;   (define (lambda x.2 | y) (lambda.5 (lambda.2 x.2)))
;   (lambda x)

;; Loops pass functions on, and a captured variable keeps its value.
(define (iterated f n x) (loop ((k 0) (x x)) (if (= k n) x (recur (+ k 1) (f x)))))
(let ((c (* 2 a)))
  (+ (iterated (lambda (s) (+ (* c s) 1)) 3 x)
     (do ((k 0 (+ k 1)) (g (lambda (t) (- t a)) g) (t x (g t))) ((= k 2) t))))
; run: a=1 x=1 => 14
; both: a=1 x=1 => a=32 x=9

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
; run: k=3 b=2 => 8.25
; both: k=3 b=2 => k=2.75 b=12.375

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

;; The free name of a function that is handed on to what calls it.
(define (twice f x) (f (f x)))
(+ (((compose D D) sin) x) (* 10 ((twice D cos) x)) (* 100 (((compose (partial 0) D) exp) x)))
; run: x=0 => 90

;; The free name of a function as what a known condition chooses.
(define (at f x) ((if 1 f 3) x))
(+ ((if 1 sin 3) x) (* 10 ((if 0 sin (if 1 exp cos)) x)) (* 100 (at cos x)) (* 1000 ((D (if 0 sin exp)) x)))
; run: x=0 => 1110
