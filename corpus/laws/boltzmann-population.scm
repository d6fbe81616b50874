; L.6  boltzmann-population
; law: exp(-e2/kT)/(exp(-e1/kT)+exp(-e2/kT)+exp(-e3/kT))
; occupation of the middle one of three levels
; inputs:
;   e1 in [0, 2]
;   e2 in [0, 2]
;   e3 in [0, 2]
;   kT in [0.1, 2]
; trainable: e1 e2 e3
(define (weight e) (exp (/ (- e) kT)))
(define (share e total) (/ (weight e) total))
(share e2 (+ (weight e1) (weight e2) (weight e3)))
