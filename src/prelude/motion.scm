; Differential equations y′ = f(t, y), y a number or a vector.

; (rk4 f t h y): y at t + h by the classical method of Runge and Kutta of order 4, where f(t, y) is the derivative of y, a number or a vector
(define (rk4 f t h y)
  (let* ((half (* 0.5 h))
         (k1 (f t y))
         (k2 (f (+ t half) (+ y (* half k1))))
         (k3 (f (+ t half) (+ y (* half k2))))
         (k4 (f (+ t h) (+ y (* h k3)))))
    (+ y (* (/ h 6) (+ k1 (* 2 (+ k2 k3)) k4)))))

; (tsit5 f t h y): y at t + h by the method of Tsitouras of order 5
(define (tsit5 f t h y) (ref (tsit5-with-error f t h y) 0))

; (tsit5-with-error f t h y): what `tsit5` gives and, in a second row (or element), an estimate of its error
(define (tsit5-with-error f t h y)
  ; C. Tsitouras, Runge–Kutta pairs of order 5(4) satisfying only the first column simplifying assumption, 2011
  (let* ((k1 (f t y))
         (k2 (f (+ t (* 0.161 h)) (+ y (* h (* 0.161 k1)))))
         (k3 (f (+ t (* 0.327 h)) (+ y (* h (+ (* -0.008480655492356989 k1) (* 0.335480655492357 k2))))))
         (k4 (f (+ t (* 0.9 h)) (+ y (* h (+ (* 2.8971530571054935 k1) (* -6.359448489975075 k2) (* 4.3622954328695815
             k3))))))
         (k5 (f (+ t (* 0.9800255409045097 h)) (+ y (* h (+ (* 5.325864828439257 k1) (* -11.748883564062828 k2) (*
             7.4955393428898365 k3) (* -0.09249506636175525 k4))))))
         (k6 (f (+ t h) (+ y (* h (+ (* 5.86145544294642 k1) (* -12.92096931784711 k2) (* 8.159367898576159 k3) (*
             -0.071584973281401 k4) (* -0.028269050394068383 k5))))))
         (next (+ y (* h (+ (* 0.09646076681806523 k1) (* 0.01 k2) (* 0.4798896504144996 k3) (* 1.379008574103742 k4)
             (* -3.290069515436081 k5) (* 2.324710524099774 k6)))))
         (k7 (f (+ t h) next)))
    [next (* h (+ (* -0.001780011052225777 k1) (* -0.0008164344596567469 k2) (* 0.007880878010261995 k3) (*
        -0.1447110071732629 k4) (* 0.5823571654525552 k5) (* -0.45808210592918697 k6) (* 0.015151515151515152 k7)))]))

; (dop853 f t h y): y at t + h by the method of Dormand and Prince of order 8
(define (dop853 f t h y) (ref (%dop853 f t h y) 0))

; (dop853-with-error f t h y): what `dop853` gives and, in a second row (or element), an estimate of its error
(define (dop853-with-error f t h y)
  (let* ((z (%dop853 f t h y)) (fifth (ref z 1)) (third (ref z 2)) (both (hypot fifth (* 0.1 third))))
    [(ref z 0) (* h fifth (/ (abs fifth) (max both 1e-300)))]))

; The step of order 8 with the differences of the slope from that of the embedded methods of orders 5 and 3. E. Hairer, S. P. Nørsett
; and G. Wanner, Solving Ordinary Differential Equations I, section II.10.
(define (%dop853 f t h y)
  (let* ((k1 (f t y))
         (k2 (f (+ t (* 0.05260015195876773 h)) (+ y (* h (* 0.05260015195876773 k1)))))
         (k3 (f (+ t (* 0.0789002279381516 h)) (+ y (* h (+ (* 0.0197250569845379 k1) (* 0.0591751709536137 k2))))))
         (k4 (f (+ t (* 0.1183503419072274 h)) (+ y (* h (+ (* 0.02958758547680685 k1) (* 0.08876275643042054 k3))))))
         (k5 (f (+ t (* 0.2816496580927726 h)) (+ y (* h (+ (* 0.2413651341592667 k1) (* -0.8845494793282861 k3) (*
             0.924834003261792 k4))))))
         (k6 (f (+ t (* 0.3333333333333333 h)) (+ y (* h (+ (* 0.037037037037037035 k1) (* 0.17082860872947386 k4) (*
             0.12546768756682242 k5))))))
         (k7 (f (+ t (* 0.25 h)) (+ y (* h (+ (* 0.037109375 k1) (* 0.17025221101954405 k4) (* 0.06021653898045596 k5)
             (* -0.017578125 k6))))))
         (k8 (f (+ t (* 0.3076923076923077 h)) (+ y (* h (+ (* 0.03709200011850479 k1) (* 0.17038392571223998 k4) (*
             0.10726203044637328 k5) (* -0.015319437748624402 k6) (* 0.008273789163814023 k7))))))
         (k9 (f (+ t (* 0.6512820512820513 h)) (+ y (* h (+ (* 0.6241109587160757 k1) (* -3.3608926294469414 k4) (*
             -0.868219346841726 k5) (* 27.59209969944671 k6) (* 20.154067550477894 k7) (* -43.48988418106996 k8))))))
         (k10 (f (+ t (* 0.6 h)) (+ y (* h (+ (* 0.47766253643826434 k1) (* -2.4881146199716677 k4) (*
             -0.590290826836843 k5) (* 21.230051448181193 k6) (* 15.279233632882423 k7) (* -33.28821096898486 k8) (*
             -0.020331201708508627 k9))))))
         (k11 (f (+ t (* 0.8571428571428571 h)) (+ y (* h (+ (* -0.9371424300859873 k1) (* 5.186372428844064 k4) (*
             1.0914373489967295 k5) (* -8.149787010746927 k6) (* -18.52006565999696 k7) (* 22.739487099350505 k8) (*
             2.4936055526796523 k9) (* -3.0467644718982196 k10))))))
         (k12 (f (+ t h) (+ y (* h (+ (* 2.273310147516538 k1) (* -10.53449546673725 k4) (* -2.0008720582248625 k5) (*
             -17.9589318631188 k6) (* 27.94888452941996 k7) (* -2.8589982771350235 k8) (* -8.87285693353063 k9) (*
             12.360567175794303 k10) (* 0.6433927460157636 k11))))))
         (slope (+ (* 0.054293734116568765 k1) (* 4.450312892752409 k6) (* 1.8915178993145003 k7) (*
             -5.801203960010585 k8) (* 0.3111643669578199 k9) (* -0.1521609496625161 k10) (* 0.20136540080403034 k11)
             (* 0.04471061572777259 k12)))
         (fifth (+ (* 0.01312004499419488 k1) (* -1.2251564463762044 k6) (* -0.4957589496572502 k7) (*
             1.6643771824549864 k8) (* -0.35032884874997366 k9) (* 0.3341791187130175 k10) (* 0.08192320648511571 k11)
             (* -0.022355307863886294 k12)))
         (third (- slope (+ (* 0.2440944881889764 k1) (* 0.7338466882816118 k9) (* 0.022058823529411766 k12)))))
    [(+ y (* h slope)) fifth third]))

; (odeint f y0 t0 t1 rtol atol): y at t1 if it is y0 at t0, where f(t, y) is the derivative of y, a number or a vector: `dop853` with steps
; of which each is estimated to be right to a ninth of rtol |y| + atol, so that derivatives are right to about as much. A row that needs more
; steps than loops may take fails; y is NaN where steps get too short for numbers. In derivatives the lengths of steps are data but for the
; last, which ends at t1
(define (odeint f y0 t0 t1 rtol atol)
  (%nan-state (%state y0 (%odeint f (%joined y0 (%first-step f y0 t0 t1 rtol atol)) y0 t0 t1 rtol atol)) (+ t0 t1)))

; (odeint-at f y0 ts rtol atol): what `odeint` gives at each of the times ts, of which y0 belongs to the first: a vector, or a matrix with
; such rows
(define (odeint-at f y0 ts rtol atol)
  (let ((n (vlen ts)))
    (loop ((k 1)
           (z (%joined y0 (if (= n 1) 0 (%first-step f y0 (ref ts 0) (ref ts 1) rtol atol))))
           (rows (repeat n y0)))
      (if (= k n) rows
          (let ((next (%odeint f z y0 (ref ts (- k 1)) (ref ts k) rtol atol)))
            (recur (+ k 1) next (replace rows k (%nan-state (%state y0 next) (ref ts k)))))))))

; (rk4-at f y0 ts n): y at each of the times ts, of which y0 belongs to the first, by n steps of `rk4` from each to the next: a vector, or a
; matrix with such rows. Derivatives are those of the steps
(define (rk4-at f y0 ts n)
  (let ((m (vlen ts)) (n (check-count n)))
    (loop ((k 1) (y y0) (rows (repeat m y0)))
      (if (= k m) rows
          (let* ((from (ref ts (- k 1)))
                 (h (/ (- (ref ts k) from) n))
                 (next (loop ((i 0) (y y)) (if (= i n) y (recur (+ i 1) (rk4 f (+ from (* i h)) h y))))))
            (recur (+ k 1) next (replace rows k next)))))))

; A state and the length of the next step in one vector.
(define (%joined y h) (vappend y h))
(define (%state y0 z) (if (scalar? y0) (ref z 0) (slice z 0 (vlen y0))))
(define (%step-length y0 z) (if (scalar? y0) (ref z 1) (ref z (vlen y0))))

; The mean square of what is divided by what is allowed.
(define (%mean-square x)
  (if (scalar? x) (* x x) (/ (dot x x) (vlen x))))
(define (%relative rtol) (max rtol (* 90 %epsilon)))

; The length of the first step (Hairer, Nørsett and Wanner, section II.4), with the derivative at t0 and that behind a step of Euler's method.
(define (%first-step f y0 t0 t1 rtol atol)
  (detach
   (let* ((whole (abs (- t1 t0)))
          (scale (max 1e-300 (+ atol (* (%relative rtol) (abs y0)))))
          (k (f t0 y0))
          (d0 (sqrt (%mean-square (/ y0 scale))))
          (d1 (sqrt (%mean-square (/ k scale))))
          (h0 (min whole (if (or (<= d0 1e-5) (<= d1 1e-5)) 1e-6 (* 0.01 (/ d0 d1)))))
          (h (copysign h0 (- t1 t0)))
          (d2 (if (= h0 0) 0 (/ (sqrt (%mean-square (/ (- (f (+ t0 h) (+ y0 (* h k))) k) scale))) h0)))
          (steepest (max d1 d2))
          (h1 (if (<= steepest 1e-15) (max 1e-6 (* 1e-3 h0)) (pow (/ 0.01 steepest) 0.125)))
          (least (min (* 100 h0) h1)))
     (if (%finite? least) (min whole least) (* 1e-3 whole)))))

; y at t1 with the length of the next step, from z, y at t0 with that of the first. The controller is proportional and integral, with
; Hairer's constants 0.9, 1/3, 6 and β = 0.04; where a step did not satisfy it, the next one does not grow.
(define (%odeint f z y0 t0 t1 rtol atol)
  (loop ((t t0) (y (%state y0 z)) (length (detach (%step-length y0 z))) (before 1e-4) (rejected 0))
    (let* ((left (- t1 t))
           (last (<= (abs left) (* 1.01 length)))
           (h (if last left (detach (copysign length left))))
           (step (%dop853 f t h y))
           (next (ref step 0))
           (error (detach (%step-error y next (ref step 1) (ref step 2) h rtol atol)))
           (raw (pow error 0.117))
           (wanted (* (abs (detach h)) (max 1/3 (min 6 (/ (* 0.9 (pow before 0.04)) raw)))))
           (grown (if (= rejected 1) (min wanted (abs (detach h))) wanted))
           (shrunk (* (abs (detach h)) (if (nan? raw) 0.1 (max 1/3 (/ 0.9 raw))))))
      (cond ((and (<= error 1) last) (%joined next (max length grown)))
            ((<= error 1) (recur (+ t h) next grown (max error 1e-4) 0))
            ((and (%finite? shrunk) (> shrunk (* 4 %epsilon (max (abs t) (abs t1)))))
             (recur t y shrunk before 1))
            (else (%joined (* next +nan.0) +nan.0))))))

; The error of a step, of which 1 is allowed, from the slopes' differences. The error of a step of order 8 is as h k to the ninth power for
; a rate k: with h held, its derivative by ln k is nine times the error. That is what is allowed to be as large as the tolerance.
(define (%step-error y next fifth third h rtol atol)
  (let* ((scale (max 1e-300 (+ atol (* (%relative rtol) (max (abs y) (abs next))))))
         (square (%mean-square (/ fifth scale)))
         (all (+ square (* 0.01 (%mean-square (/ third scale))))))
    (if (= all 0) 0 (/ (* 9 (abs h) square) (sqrt all)))))
