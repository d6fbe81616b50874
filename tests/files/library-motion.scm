;; Steps of the three methods for numbers.
(values (classical (rk4 (lambda (t y) (* t t)) 1 h y))
        (fifth (tsit5 (lambda (t y) (* k t y)) 0 h y))
        (eighth (dop853 (lambda (t y) (* k t y)) 0 h y)))
; run: h=0.1 y=1.3 k=0.7 => classical=0x1.690b9af72015ep+0 fifth=0x1.4df782e0af5f4p+0 eighth=0x1.4df782e09b773p+0
; grad: h=0.1 y=1.3 k=0.7 => 0:h=1.21 0:y=1 0:k=0 1:h=0x1.760af946f1965p-4 1:y=0x1.00e5c722fd0e3p+0 1:k=0x1.ab7a4175a6632p-8 2:h=0x1.760af8fb8f7b2p-4 2:y=0x1.00e5c722edbe2p+0 2:k=0x1.ab7a411f7f687p-8

;; Steps with estimates of their errors, for vectors.
(define (swing t y) [(ref y 1) (- (sin (ref y 0)))])
(values (fifth (tsit5-with-error swing 0 h [y 0])) (eighth (dop853-with-error swing 0 h [y 0])))
; run: h=0.1 y=1.3 => fifth=[[0x1.4b9121c2a4156p+0 -0x1.8a7f2010ab205p-4] [0x1.1ef567f4p-33 -0x1.ef24c9399999ap-31]] eighth=[[0x1.4b9121c28c204p+0 -0x1.8a7f2010ef096p-4] [-0x1.1838878bb0c9bp-47 0x1.e0f18351a1febp-52]]

;; Adaptive steps: the end is live, steps are data.
(odeint (lambda (t y) (- (cos t) (* k y))) y 0 t 1e-9 1e-9)
; run: k=0.7 y=1.3 t=2 => 0x1.3d2d5a2847246p-1
; run: k=0.7 y=1.3 t=0 => 1.3
; run: k=0.7 y=1.3 t=-1 => 0x1.5c647550b04d6p+0
; run: k=0.7 y=1.3 t=nan => nan
; grad: k=0.7 y=1.3 t=2 => k=-0x1.2295ef8cec13fp+0 y=0x1.f907d43b627dp-3 t=-0x1.b317583d57895p-1

;; A solution that ends before the time is no number.
(odeint (lambda (t y) (* y y)) 1 0 t 1e-6 1e-6)
; run: t=0.5 => 0x1.ffffffe5e0cc2p+0
; run: t=1.5 => nan

;; Rows at given times.
(values (exact (odeint-at (lambda (t y) (* (- k) y)) 1 [0 1 t] 1e-9 1e-9))
        (steps (rk4-at (lambda (t y) (* (- k) y)) 1 [0 1 t] 4)))
; run: k=0.7 t=2 => exact=[1 0x1.fc80db9dd602bp-2 0x1.f907d43b63e4ep-3] steps=[1 0x1.fc81aea124457p-2 0x1.f90977607ebcbp-3]
; grad: k=0.7 t=2 => 0:k=0 0:t=0 1:k=-0x1.fc80db9dcd30cp-2 1:t=0 2:k=-0x1.f907d43b4d81cp-2 2:t=-0x1.61857af65f098p-3 3:k=0 3:t=0 4:k=-0x1.fc7b9f3fc282fp-2 4:t=0 5:k=-0x1.f9037294ee924p-2 5:t=-0x1.618269cea7p-3

;; Rows that are vectors.
(odeint-at (lambda (t y) [(ref y 1) (- (ref y 0))]) [a 0] [0 1 2] 1e-8 1e-8)
; run: a=1 => [[1 0] [0x1.14a280fb5ae72p-1 -0x1.aed548f088408p-1] [-0x1.aa226574d034ap-2 -0x1.d18f6ead2b287p-1]]

;; A solution that is no number has derivatives that are none.
(odeint (lambda (t y) (- y)) y0 0 t1 1e-6 1e-6)
; grad: y0=nan t1=1 => y0=nan t1=nan
