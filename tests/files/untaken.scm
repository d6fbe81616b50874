;; What is not taken contributes nothing.
(let ((l (log x))) (if (> x 0) (* x l) 0))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(if x (/ 1 x) 0)
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(if (not x) 3 (/ (exp (/ 1 x)) x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(if (and (> x 0) (> (/ 1 x) 2)) (/ 1 x) 7)
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(if (or (<= x 0) (> (/ 1 x) 2)) 7 (/ 1 x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(cond ((< x 0) (sqrt (- x))) ((= x 0) 5) (else (log x)))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(cond ((> x 1) (pow x 1/3)) ((> x 0) (/ 1 (sqrt x))) (else 2))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(define (f t) (if (> t 0) (/ (sin t) t) 1)) (f (f x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(* 0 (if (> x 0) (/ 1 x) 1))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(let* ((a (/ 1 x)) (b (sqrt a)) (c (log b))) (if (> x 0) (if (> x 1) c b) 4))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(let ((a (if (= x 0) 0 (/ 1 x)))) (* a a))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(exp (if (= x 0) 0 (* x (log (abs x)))))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(min 1 (/ 1 x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(min (/ 1 x) 1)
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(max 0 (log x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(min 2 (max 1 (sqrt x)))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(if (> x 0) (max 1 (sqrt x)) (min -1 (- (sqrt x))))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(abs (sqrt x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(floor (/ 1 (+ x 1)))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(if (= x 0) (sign x) (/ 1 x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0

;; What is not taken contributes nothing.
(if (= x 0) 1 (/ (sin x) x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0
; both: x=-0 => x=0

;; What is not taken contributes nothing.
(let ((s (sqrt x))) (if (> x 0) s 0))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0
; both: x=-0 => x=0

;; What is not taken contributes nothing.
(max 1 (sqrt x))
; both: x=0 => x=0
; hessian: x=0 => 0:x=0
; both: x=-0 => x=0
