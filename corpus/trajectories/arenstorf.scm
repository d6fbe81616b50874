; A satellite in the plane of earth and moon, in the coordinates that turn with them.
(define moon 0.012277471)
(define earth (- 1 moon))
(define d1 (pow (+ (square (+ x moon)) (square y)) 1.5))
(define d2 (pow (+ (square (- x earth)) (square y)) 1.5))
(values (x u) (y v)
  (u (+ x (* 2 v) (- (/ (* earth (+ x moon)) d1)) (- (/ (* moon (- x earth)) d2))))
  (v (+ y (* -2 u) (- (/ (* earth y) d1)) (- (/ (* moon y) d2)))))
