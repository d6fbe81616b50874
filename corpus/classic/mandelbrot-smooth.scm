; C.6  mandelbrot-smooth
; law: n-log2(log|z|)
; escape time with the potential at the exit in place of its fraction; points inside give 100
; inputs:
;   cr in [-2, 0.6]
;   ci in [-1.2, 1.2]
(loop ((zr 0) (zi 0) (n 0))
  (let ((r2 (+ (* zr zr) (* zi zi))))
    (cond ((> r2 1e4) (- n (log2 (* 1/2 (log r2)))))
          ((>= n 100) 100)
          (else (recur (+ (- (* zr zr) (* zi zi)) cr)
                       (+ (* 2 zr zi) ci)
                       (+ n 1))))))
