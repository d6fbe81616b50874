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
(define (tsit5 f t h y) (ref (%tsit5-attempt f t h y (f t y)) 0))

; (tsit5-with-error f t h y): what `tsit5` gives and, in a second row (or element), an estimate of its error
(define (tsit5-with-error f t h y)
  (let ((z (%tsit5-attempt f t h y (f t y)))) [(ref z 0) (%tsit5-error z h)]))

; (dop853 f t h y): y at t + h by the method of Dormand and Prince of order 8
(define (dop853 f t h y) (ref (%dop853-attempt f t h y (f t y)) 0))

; (dop853-with-error f t h y): what `dop853` gives and, in a second row (or element), an estimate of its error
(define (dop853-with-error f t h y)
  (let* ((z (%dop853-attempt f t h y (f t y)))
         (fifth (ref z 4)) (third (ref z 5)) (both (hypot fifth (* 0.1 third))))
    [(ref z 0) (* h fifth (/ (abs fifth) (max both 1e-300)))]))

; (rodas5p f t h y): the vector y at t + h by the Rosenbrock method Rodas5P of order 5, for stiff equations
(define (rodas5p f t h y) (ref (%rodas5p-attempt f t h y (f t y)) 0))

; (rodas5p-with-error f t h y): what `rodas5p` gives and, in a second row, an estimate of its error
(define (rodas5p-with-error f t h y)
  (let ((z (%rodas5p-attempt f t h y (f t y)))) [(ref z 0) (ref z 4)]))

; Of each method, the attempt (f t h y slope) is a step with what belongs to it, slope being f(t, y): y at t + h, a state near t + h, the
; slopes there and at t + h, and further rows (or elements).

; C. Tsitouras, Runge–Kutta pairs of order 5(4) satisfying only the first column simplifying assumption, 2011. Further rows: k₂ … k₅,
; and the slope.
(define (%tsit5-attempt f t h y slope)
  (let* ((k2 (f (+ t (* 0.161 h)) (+ y (* h (* 0.161 slope)))))
         (k3 (f (+ t (* 0.327 h)) (+ y (* h (+ (* -0.008480655492356989 slope) (* 0.335480655492357 k2))))))
         (k4 (f (+ t (* 0.9 h)) (+ y (* h (+ (* 2.8971530571054935 slope) (* -6.359448489975075 k2) (* 4.3622954328695815
             k3))))))
         (k5 (f (+ t (* 0.9800255409045097 h)) (+ y (* h (+ (* 5.325864828439257 slope) (* -11.748883564062828 k2) (*
             7.4955393428898365 k3) (* -0.09249506636175525 k4))))))
         (y6 (+ y (* h (+ (* 5.86145544294642 slope) (* -12.92096931784711 k2) (* 8.159367898576159 k3) (*
             -0.071584973281401 k4) (* -0.028269050394068383 k5)))))
         (k6 (f (+ t h) y6))
         (next (+ y (* h (+ (* 0.09646076681806523 slope) (* 0.01 k2) (* 0.4798896504144996 k3) (* 1.379008574103742 k4)
             (* -3.290069515436081 k5) (* 2.324710524099774 k6))))))
    [next y6 k6 (f (+ t h) next) k2 k3 k4 k5 slope]))
; The difference from the method of order 4.
(define (%tsit5-error z h)
  (* h (+ (* -0.001780011052225777 (ref z 8)) (* -0.0008164344596567469 (ref z 4)) (* 0.007880878010261995 (ref z 5))
      (* -0.1447110071732629 (ref z 6)) (* 0.5823571654525552 (ref z 7)) (* -0.45808210592918697 (ref z 2)) (* 0.015151515151515152
          (ref z 3)))))

; E. Hairer, S. P. Nørsett and G. Wanner, Solving Ordinary Differential Equations I, section II.10. Further rows: the differences of the
; slope from those of the embedded methods of orders 5 and 3, and k₆ … k₁₁.
(define (%dop853-attempt f t h y slope)
  (let* ((k2 (f (+ t (* 0.05260015195876773 h)) (+ y (* h (* 0.05260015195876773 slope)))))
         (k3 (f (+ t (* 0.0789002279381516 h)) (+ y (* h (+ (* 0.0197250569845379 slope) (* 0.0591751709536137 k2))))))
         (k4 (f (+ t (* 0.1183503419072274 h)) (+ y (* h (+ (* 0.02958758547680685 slope) (* 0.08876275643042054 k3))))))
         (k5 (f (+ t (* 0.2816496580927726 h)) (+ y (* h (+ (* 0.2413651341592667 slope) (* -0.8845494793282861 k3) (*
             0.924834003261792 k4))))))
         (k6 (f (+ t (* 0.3333333333333333 h)) (+ y (* h (+ (* 0.037037037037037035 slope) (* 0.17082860872947386 k4) (*
             0.12546768756682242 k5))))))
         (k7 (f (+ t (* 0.25 h)) (+ y (* h (+ (* 0.037109375 slope) (* 0.17025221101954405 k4) (* 0.06021653898045596 k5)
             (* -0.017578125 k6))))))
         (k8 (f (+ t (* 0.3076923076923077 h)) (+ y (* h (+ (* 0.03709200011850479 slope) (* 0.17038392571223998 k4) (*
             0.10726203044637328 k5) (* -0.015319437748624402 k6) (* 0.008273789163814023 k7))))))
         (k9 (f (+ t (* 0.6512820512820513 h)) (+ y (* h (+ (* 0.6241109587160757 slope) (* -3.3608926294469414 k4) (*
             -0.868219346841726 k5) (* 27.59209969944671 k6) (* 20.154067550477894 k7) (* -43.48988418106996 k8))))))
         (k10 (f (+ t (* 0.6 h)) (+ y (* h (+ (* 0.47766253643826434 slope) (* -2.4881146199716677 k4) (*
             -0.590290826836843 k5) (* 21.230051448181193 k6) (* 15.279233632882423 k7) (* -33.28821096898486 k8) (*
             -0.020331201708508627 k9))))))
         (k11 (f (+ t (* 0.8571428571428571 h)) (+ y (* h (+ (* -0.9371424300859873 slope) (* 5.186372428844064 k4) (*
             1.0914373489967295 k5) (* -8.149787010746927 k6) (* -18.52006565999696 k7) (* 22.739487099350505 k8) (*
             2.4936055526796523 k9) (* -3.0467644718982196 k10))))))
         (y12 (+ y (* h (+ (* 2.273310147516538 slope) (* -10.53449546673725 k4) (* -2.0008720582248625 k5) (*
             -17.9589318631188 k6) (* 27.94888452941996 k7) (* -2.8589982771350235 k8) (* -8.87285693353063 k9) (*
             12.360567175794303 k10) (* 0.6433927460157636 k11)))))
         (k12 (f (+ t h) y12))
         (mean (+ (* 0.054293734116568765 slope) (* 4.450312892752409 k6) (* 1.8915178993145003 k7) (*
             -5.801203960010585 k8) (* 0.3111643669578199 k9) (* -0.1521609496625161 k10) (* 0.20136540080403034 k11)
             (* 0.04471061572777259 k12)))
         (fifth (+ (* 0.01312004499419488 slope) (* -1.2251564463762044 k6) (* -0.4957589496572502 k7) (*
             1.6643771824549864 k8) (* -0.35032884874997366 k9) (* 0.3341791187130175 k10) (* 0.08192320648511571 k11)
             (* -0.022355307863886294 k12)))
         (third (- mean (+ (* 0.2440944881889764 slope) (* 0.7338466882816118 k9) (* 0.022058823529411766 k12)))))
    (let ((next (+ y (* h mean))))
      [next y12 k12 (f (+ t h) next) fifth third k6 k7 k8 k9 k10 k11])))
; G. Steinebach, Construction of Rosenbrock–Wanner method Rodas5P and numerical benchmarks within the Julia Differential Equations
; package, 2023. Further rows: the estimate of the error, and the sums of the dense output.
(define (%rodas5p-attempt f t h y slope)
  (let* ((gamma 0.21193756319429014)
         (jacobian (((partial 1) f) t y))
         (drift (* h (((partial 0) f) t y)))
         (w (- (* (/ 1 (* gamma h)) (eye (vlen y))) jacobian))
         (k1 (solve w (+ slope (* 0.21193756319429014 drift))))
         (k2 (solve w (+ (f (+ t (* 0.6358126895828704 h)) (+ y (* 3 k1))) (* -0.42387512638858027 drift)
             (/ (* -14.155112264123755 k1) h))))
         (k3 (solve w (+ (f (+ t (* 0.4095798393397535 h)) (+ y (* 2.849394379747939 k1) (* 0.45842242204463923 k2)))
             (* -0.3384627126235924 drift) (/ (+ (* -17.97296035885952 k1) (* -2.859693295451294 k2)) h))))
         (k4 (solve w (+ (f (+ t (* 0.9769306725060716 h))
                 (+ y (* -6.954028509809101 k1) (* 2.489845061869568 k2) (* -10.358996098473584 k3)))
             (* 1.8046452872882734 drift)
             (/ (+ (* 147.12150275711716 k1) (* -1.41221402718213 k2) (* 71.68940251302358 k3)) h))))
         (k5 (solve w (+ (f (+ t (* 0.4288403609558664 h))
                 (+ y (* 2.8029986275628964 k1) (* 0.5072464736228206 k2) (* -0.3988312541770524 k3) (* -0.04721187230404641 k4)))
             (* 2.325825639765069 drift)
             (/ (+ (* 165.43517024871676 k1) (* -0.4592823456491126 k2) (* 42.90938336958603 k3) (* -5.961986721573306 k4)) h))))
         (y6 (+ y (* -7.502846399306121 k1) (* 2.561846144803919 k2) (* -11.627539656261098 k3) (* -0.18268767659942256 k4)
             (* 0.030198172008377946 k5)))
         (k6 (solve w (+ (f (+ t h) y6)
             (/ (+ (* 24.854864614690072 k1) (* -3.0009227002832186 k2) (* 47.4931110020768 k3) (* 5.5814197821558125 k4)
                 (* -0.6610691825249471 k5)) h))))
         (y7 (+ y6 k6))
         (k7 (solve w (+ (f (+ t h) y7)
             (/ (+ (* 30.91273214028599 k1) (* -3.1208243349937974 k2) (* 77.79954646070892 k3) (* 34.28646028294783 k4)
                 (* -19.097331116725623 k5) (* -28.087943162872662 k6)) h))))
         (y8 (+ y7 k7))
         (k8 (solve w (+ (f (+ t h) y8)
             (/ (+ (* 37.80277123390563 k1) (* -3.2571969029072276 k2) (* 112.26918849496327 k3) (* 66.9347231244047 k4)
                 (* -40.06618937091002 k5) (* -54.66780262877968 k6) (* -9.48861652309627 k7)) h))))
         (next (+ y8 k8)))
    [next y8 (f (+ t h) y8) (f (+ t h) next) k8
     (+ (* 25.948786856663858 k1) (* -2.5579724845846235 k2) (* 10.433815404888879 k3) (* -2.3679251022685204 k4)
         (* 0.524948541321073 k5) (* 1.1241088310450404 k6) (* 0.4272876194431874 k7) (* -0.17202221070155493 k8))
     (+ (* -9.91568850695171 k1) (* -0.9689944594115154 k2) (* 3.0438037242978453 k3) (* -24.495224566215796 k4)
         (* 20.176138334709044 k5) (* 15.98066361424651 k6) (* -6.789040303419874 k7) (* -6.710236069923372 k8))
     (+ (* 11.419903575922262 k1) (* 2.8879645146136994 k2) (* 72.92137995996029 k3) (* 80.12511834622643 k4)
         (* -52.072871366152654 k5) (* -59.78993625266729 k6) (* -0.15582684282751913 k7) (* 4.883087185713722 k8))]))
; (odeint f y0 t0 t1 rtol atol): y at t1 if it is y0 at t0, where f(t, y) is the derivative of y, a number or a vector: `dop853` with steps
; of which each is estimated to be right to rtol |y| + atol. A row that needs more steps than loops may take fails; y is NaN where steps get
; too short for numbers. In derivatives the lengths of steps are data but for the last, which ends at t1
(define (odeint f y0 t0 t1 rtol atol)
  (%nan-state (%state y0 (%odeint f (%joined y0 (%first-length 8 f y0 t0 t1 rtol atol)) y0 t0 t1 rtol atol)) (+ t0 t1)))

; (odeint-at f y0 ts rtol atol): what `odeint` gives at each of the times ts, of which y0 belongs to the first: a vector, or a matrix with
; such rows
(define (odeint-at f y0 ts rtol atol)
  (let ((n (vlen ts)))
    (loop ((k 1)
           (z (%joined y0 (if (= n 1) 0 (%first-length 8 f y0 (ref ts 0) (ref ts 1) rtol atol))))
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
(define (%relative rtol) (max rtol (* 10 %epsilon)))

; The length of the first step (Hairer, Nørsett and Wanner, section II.4), with the derivative at t0 and that behind a step of Euler's method.
(define (%first-length order f y0 t0 t1 rtol atol)
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
          (h1 (if (<= steepest 1e-15) (max 1e-6 (* 1e-3 h0)) (pow (/ 0.01 steepest) (/ 1 order))))
          (least (min (* 100 h0) h1)))
     (if (%finite? least) (min whole least) (* 1e-3 whole)))))

; y at t1 with the length of the next step, from z, y at t0 with that of the first. The controller is proportional and integral, with
; Hairer's constants 0.9, 1/3, 6 and β = 0.04; where a step did not satisfy it, the next one does not grow.
(define (%odeint f z y0 t0 t1 rtol atol)
  (loop ((t t0) (y (%state y0 z)) (length (detach (%step-length y0 z))) (before 1e-4) (rejected 0))
    (let* ((left (- t1 t))
           (last (<= (abs left) (* 1.01 length)))
           (h (if last left (detach (copysign length left))))
           (step (%dop853-attempt f t h y (f t y)))
           (next (ref step 0))
           (error (detach (%step-error y next (ref step 4) (ref step 5) h rtol atol)))
           (raw (pow error 0.117))
           (wanted (* (abs (detach h)) (max 1/3 (min 6 (/ (* 0.9 (pow before 0.04)) raw)))))
           (grown (if (= rejected 1) (min wanted (abs (detach h))) wanted))
           (shrunk (* (abs (detach h)) (if (nan? raw) 0.1 (max 1/3 (/ 0.9 raw))))))
      (cond ((and (<= error 1) last) (%joined next (max length grown)))
            ((<= error 1) (recur (+ t h) next grown (max error 1e-4) 0))
            ((and (%finite? shrunk) (> shrunk (max 1e-300 (* 4 %epsilon (abs t)))))
             (recur t y shrunk before 1))
            (else (%joined (* next +nan.0) +nan.0))))))

; Nine times the error of a step, of which 1 is allowed, from the slopes' differences: that error is as the ninth power of the rates of an
; equation, so its derivative by the logarithm of a rate is nine times as large.
(define (%step-error y next fifth third h rtol atol)
  (let* ((scale (max 1e-300 (+ (/ atol 9) (* (%relative (/ rtol 9)) (max (abs y) (abs next))))))
         (square (%mean-square (/ fifth scale)))
         (all (+ square (* 0.01 (%mean-square (/ third scale))))))
    (if (= all 0) 0 (/ (* (abs h) square) (sqrt all)))))
