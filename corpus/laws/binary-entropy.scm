; L.9  binary-entropy
; law: -(p*log2(p)+(1-p)*log2(1-p))
; entropy of a coin in bits
; inputs:
;   p in [0.001, 0.999]
(let ((q (- 1 p)))
  (- (+ (* p (log2 p)) (* q (log2 q)))))
