; V.3  shannon-vector
; law: -sum(p_i*log(p_i)), p = w/sum(w)
; entropy of six outcomes with weights
; inputs:
;   w[6] in [0.01, 5]
(let ((p (/ w (vsum w))))
  (- (dot p (log p))))
