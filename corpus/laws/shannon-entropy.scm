; L.8  shannon-entropy
; law: -sum(p_i*log(p_i)), p_i = w_i/sum(w)
; entropy of four outcomes with weights; a weight of 0 contributes 0
; inputs:
;   w1 in [0.01, 5]
;   w2 in [0.01, 5]
;   w3 in [0.01, 5]
;   w4 in [0.01, 5]
(define (surprise p) (if (> p 0) (* p (log p)) 0))
(let ((total (+ w1 w2 w3 w4)))
  (- (+ (surprise (/ w1 total)) (surprise (/ w2 total)) (surprise (/ w3 total)) (surprise (/ w4 total)))))
