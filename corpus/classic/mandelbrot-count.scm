; C.5  mandelbrot-count
; law: escape time of z*z+c
; iterations until |z| exceeds 2, at most 100; a count, so the gradient is 0
; inputs:
;   cr in [-2, 0.6]
;   ci in [-1.2, 1.2]
(let escape ((zr 0) (zi 0) (n 0))
  (if (or (> (+ (* zr zr) (* zi zi)) 4) (= n 100))
      n
      (escape (+ (- (* zr zr) (* zi zi)) cr)
              (+ (* 2 zr zi) ci)
              (+ n 1))))
