; C.22  kepler-leapfrog
; law: r''=-mu*r/|r|^3
; place of a body in orbit after 1,000 leapfrog steps of 0.004: kick, drift, kick on vectors
; inputs:
;   x in [0.9, 1.1]
;   v in [0.9, 1.1]
;   mu in [0.9, 1.1]
; trainable: mu
; points: 8
(define dt 0.004)
(define (gravity r) (scale (- (/ mu (* (dot r r) (norm r)))) r))
(loop ((n 0) (r [x 0]) (v [0 v]))
  (if (= n 1000)
      r
      (let* ((half (+ v (* 1/2 dt (gravity r))))
             (r (+ r (* dt half)))
             (v (+ half (* 1/2 dt (gravity r)))))
        (recur (+ n 1) r v))))
