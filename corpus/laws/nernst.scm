; L.17  nernst
; law: E0-R*T/(z*F)*log(red/ox)
; electrode potential
; inputs:
;   E0 in [-1, 2]
;   z in [1, 4]
;   T in [270, 400]
;   red in [1e-4, 2] log
;   ox in [1e-4, 2] log
; trainable: E0 z
(define R 8.314462618)
(define F 96485.33212)
(- E0 (* (/ (* R T) (* z F)) (log (/ red ox))))
