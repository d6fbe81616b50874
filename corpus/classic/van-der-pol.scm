; C.27  van-der-pol
; law: x''=mu*(1-x^2)*x'-x
; 400 steps of the midpoint rule
; inputs:
;   x in [-1.5, 1.5]
;   v in [-1, 1]
;   mu in [0.2, 1.5]
; trainable: mu
; points: 16
(define h 0.01)
(define (force x v) (- (* mu (- 1 (* x x)) v) x))
(let step ((x x) (v v) (n 0))
  (if (= n 400)
      x
      (let ((xm (+ x (* 1/2 h v)))
            (vm (+ v (* 1/2 h (force x v)))))
        (step (+ x (* h vm)) (+ v (* h (force xm vm))) (+ n 1)))))
