; L.13  mass-action-ph
; law: -log10((-K+sqrt(K**2+4*K*C))/2)
; pH of a weak acid, by the formula that cancels
; inputs:
;   K in [1e-6, 1e-2] log
;   C in [1e-4, 1] log
; trainable: K
(let ((x (/ (- (sqrt (+ (square K) (* 4 K C))) K) 2)))
  (- (log10 x)))
