; C.26  heat-stencil
; law: u'=alpha*u_xx
; 50 explicit steps of the heat equation on ten points with fixed ends, the neighbours taken by `ref`
; inputs:
;   u0[10] in [-2, 2]
;   alpha in [0.005, 0.02]
; trainable: alpha
; points: 8
(define dt 0.05)
(define dx 1/9)
(define (heat-step u)
  (let* ((r (/ (* dt alpha) (square dx)))
         (at (lambda (i)
               (+ (ref u i)
                  (* r (+ (- (ref u (- i 1)) (* 2 (ref u i)))
                          (ref u (+ i 1))))))))
    [(ref u 0) (at 1) (at 2) (at 3) (at 4) (at 5) (at 6) (at 7) (at 8) (ref u 9)]))
(do ((n 0 (+ n 1))
     (u u0 (heat-step u)))
    ((= n 50) u))
