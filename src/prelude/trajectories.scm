; Whole trajectories of differential equations: values at given times by dense output, events, stiff systems.
;
; A method is four functions. Its attempt (f t h y slope) is a step with what its other functions need: the first row is y at t + h, the
; second to fourth a state near t + h, the slope there, and the slope at t + h. Its measure is the error of such a step, 1 of which is
; allowed. Its dense output is the rows c₀, c₁, … of coefficients and the value
; y + θ (c₀ + (1 − θ) (c₁ + θ (c₂ + (1 − θ) (c₃ + …)))) at t + θ h.

; (dop853-trajectory f y0 ts rtol atol): the vector y at each of the growing or falling times ts, of which y0 belongs to the first, by
; `dop853` with the steps that the tolerances need, and its dense output of order 7 between them. Rows of y, the numbers of steps, of
; rejected ones and of evaluations of f so far, whether the equation is stiff (1) or seems not to be (0), and the time; behind them such a
; row of where it ends. Where steps get too short for numbers, it ends before the last time, and rows of later times are NaN
(define (dop853-trajectory f y0 ts rtol atol)
  (%dop853-run f y0 ts rtol atol (lambda (t y) 1) (lambda (t y) y) 0 0 +inf.0 0))

; (tsit5-trajectory f y0 ts rtol atol): as `dop853-trajectory`, by `tsit5` and its dense output of order 4
(define (tsit5-trajectory f y0 ts rtol atol)
  (%tsit5-run f y0 ts rtol atol (lambda (t y) 1) (lambda (t y) y) 0 0 +inf.0 0))

; (rodas5p-trajectory f y0 ts rtol atol): as `dop853-trajectory`, by `rodas5p`, for stiff equations, and its dense output of order 4
(define (rodas5p-trajectory f y0 ts rtol atol)
  (%rodas5p-run f y0 ts rtol atol (lambda (t y) 1) (lambda (t y) y) 0 0 +inf.0 0))

; (dop853-events f y0 ts rtol atol g jump last most longest): as `dop853-trajectory` where y becomes jump(t, y) whenever g(t, y) changes its sign.
; Steps are no longer than `longest`, and g is looked at eight times in each. Event number `last` is the end, none if that is 0. g may give a vector: each element
; has events of its own; jump may then give a row for each, and `last` be a vector, of whose events so many of an element are the end; -1 stands for none,
; of an element whose jumps do not lead back. Further rows at the end are
; those of the first `most` events, with y before it jumps and the number of the element of g, from 0, in front of the time; NaN where there are fewer.
; It ends, too, where y jumps to what is no number, where there are more than 1000 + 10 most events, and where those of an element of g pile up, so that
; two are within rounding of the time. The row of the end then has 2, 4, or 6 and twice the number of the element more than 1 or 0 for a stiff equation
(define (dop853-events f y0 ts rtol atol g jump last most longest)
  (%dop853-run f y0 ts rtol atol g jump last most longest 0))

; (tsit5-events f y0 ts rtol atol g jump last most longest): as `dop853-events`, by `tsit5`
(define (tsit5-events f y0 ts rtol atol g jump last most longest)
  (%tsit5-run f y0 ts rtol atol g jump last most longest 0))

; (rodas5p-events f y0 ts rtol atol g jump last most longest): as `dop853-events`, by `rodas5p`
(define (rodas5p-events f y0 ts rtol atol g jump last most longest)
  (%rodas5p-run f y0 ts rtol atol g jump last most longest 0))

; (dop853-until-stiff f y0 ts rtol atol g jump last most longest): as `dop853-events`, which ends where the equation turns out to be stiff
(define (dop853-until-stiff f y0 ts rtol atol g jump last most longest)
  (%dop853-run f y0 ts rtol atol g jump last most longest 1))

(define (%dop853-run f y0 ts rtol atol g jump last most longest halt)
  (%trajectory %dop853-attempt %dop853-measure %dop853-dense %dense-7 7 8 0.117 0.04 12 3 6.1 f y0 ts rtol atol g jump last most longest halt))
(define (%tsit5-run f y0 ts rtol atol g jump last most longest halt)
  (%trajectory %tsit5-attempt %tsit5-measure %tsit5-dense %dense-4 4 5 0.17 0.04 6 0 3.5 f y0 ts rtol atol g jump last most longest halt))
(define (%rodas5p-run f y0 ts rtol atol g jump last most longest halt)
  (%trajectory %rodas5p-attempt %rodas5p-measure %rodas5p-dense %dense-4 4 5 0.2 0 8 0 +inf.0 f y0 ts rtol atol g jump last most longest halt))

; y + θ (c₀ + (1 − θ) (c₁ + …)) with four or seven coefficients.
(define (%dense-4 y c theta)
  (let ((other (- 1 theta)) (at (lambda (k) (%part y c k))))
    (+ y (* theta (+ (at 0) (* other (+ (at 1) (* theta (+ (at 2) (* other (at 3)))))))))))
(define (%dense-7 y c theta)
  (let ((other (- 1 theta)) (at (lambda (k) (%part y c k))))
    (+ y (* theta (+ (at 0) (* other (+ (at 1) (* theta (+ (at 2) (* other (+ (at 3) (* theta (+ (at 4)
        (* other (+ (at 5) (* theta (at 6)))))))))))))))))
(define (%part y c k) (slice c (* k (vlen y)) (* (+ k 1) (vlen y))))

(define (%scaled x y next rtol atol)
  (/ x (max 1e-300 (+ atol (* (%relative rtol) (max (abs y) (abs next)))))))

(define (%dop853-measure z y h rtol atol) (%step-error y (ref z 0) (ref z 4) (ref z 5) h rtol atol))
(define (%dop853-dense f t h y slope z)
  (let* ((next (ref z 0)) (after (ref z 3))
         (k6 (ref z 6)) (k7 (ref z 7)) (k8 (ref z 8)) (k9 (ref z 9)) (k10 (ref z 10)) (k11 (ref z 11)) (k12 (ref z 2))
         (k14 (f (+ t (* 0.1 h)) (+ y (* h (+ (* 0.056167502283047954 slope) (* 0.25350021021662483 k7) (* -0.2462390374708025 k8)
             (* -0.12419142326381637 k9) (* 0.15329179827876568 k10) (* 0.00820105229563469 k11) (* 0.007567897660545699 k12)
                 (* -0.008298 after))))))
         (k15 (f (+ t (* 0.2 h)) (+ y (* h (+ (* 0.03183464816350214 slope) (* 0.028300909672366776 k6) (* 0.053541988307438566 k7)
             (* -0.05492374857139099 k8) (* -0.00010834732869724932 k11) (* 0.0003825710908356584 k12)
                 (* -0.00034046500868740456 after) (* 0.1413124436746325 k14))))))
         (k16 (f (+ t (* 0.7777777777777778 h)) (+ y (* h (+ (* -0.42889630158379194 slope) (* -4.697621415361164 k6)
             (* 7.683421196062599 k7) (* 4.06898981839711 k8) (* 0.3567271874552811 k9) (* -0.0013990241651590145 after)
                 (* 2.9475147891527724 k14) (* -9.15095847217987 k15))))))
         (whole (- next y))
         (bend (- (* h slope) whole)))
    (vappend whole bend (- whole (* h after) bend)
     (* h (+ (* -8.428938276109013 slope) (* 0.5667149535193777 k6) (* -3.0689499459498917 k7) (* 2.38466765651207 k8)
         (* 2.117034582445028 k9) (* -0.871391583777973 k10) (* 2.2404374302607883 k11) (* 0.6315787787694688 k12)
             (* -0.08899033645133331 after) (* 18.148505520854727 k14) (* -9.194632392478356 k15) (* -4.436036387594894 k16)))
     (* h (+ (* 10.427508642579134 slope) (* 242.28349177525817 k6) (* 165.20045171727028 k7) (* -374.5467547226902 k8)
         (* -22.113666853125306 k9) (* 7.733432668472264 k10) (* -30.674084731089398 k11) (* -9.332130526430229 k12)
             (* 15.697238121770845 after) (* -31.139403219565178 k14) (* -9.35292435884448 k15) (* 35.81684148639408 k16)))
     (* h (+ (* 19.985053242002433 slope) (* -387.0373087493518 k6) (* -189.17813819516758 k7) (* 527.8081592054236 k8)
         (* -11.57390253995963 k9) (* 6.8812326946963 k10) (* -1.0006050966910838 k11) (* 0.7777137798053443 k12)
             (* -2.778205752353508 after) (* -60.19669523126412 k14) (* 84.32040550667716 k15) (* 11.99229113618279 k16)))
     (* h (+ (* -25.69393346270375 slope) (* -154.18974869023643 k6) (* -231.5293791760455 k7) (* 357.6391179106141 k8)
         (* 93.40532418362432 k9) (* -37.45832313645163 k10) (* 104.0996495089623 k11) (* 29.8402934266605 k12)
             (* -43.53345659001114 after) (* 96.32455395918828 k14) (* -39.17726167561544 k15) (* -149.72683625798564 k16))))))

(define (%tsit5-measure z y h rtol atol)
  (sqrt (%mean-square (%scaled (%tsit5-error z h) y (ref z 0) rtol atol))))
(define (%tsit5-dense f t h y slope z)
  (let ((next (ref z 0)) (after (ref z 3)) (k2 (ref z 4)) (k3 (ref z 5)) (k4 (ref z 6)) (k5 (ref z 7)) (k6 (ref z 2)))
    (vappend (- next y)
     (* h (+ (* 0.903539233181935 slope) (* -0.00999999999999998 k2) (* -0.4798896504144996 k3) (* -1.379008574103742 k4)
         (* 3.29006951543608 k5) (* -2.324710524099764 k6)))
     (* h (+ (* -0.8070784663638694 slope) (* 0.02 k2) (* 0.959779300828999 k3) (* 2.758017148207484 k4) (* -6.58013903087216 k5)
         (* 4.64942104819956 k6) (* -1.0 after)))
     (* h (+ (* -1.0530884977290216 slope) (* 0.1017 k2) (* 2.490627285651253 k3) (* -16.548102889244902 k4) (* 47.37952196281928 k5)
         (* -34.87065786149661 k6) (* 2.5 after))))))

(define (%rodas5p-measure z y h rtol atol) (sqrt (%mean-square (%scaled (ref z 4) y (ref z 0) rtol atol))))
(define (%rodas5p-dense f t h y slope z)
  (vappend (- (ref z 0) y) (ref z 5) (+ (ref z 6) (ref z 7)) (- (ref z 7))))

; A trajectory by a method of an order, with the exponents of its controller, the evaluations of an attempt and of its dense
; output, and the product of step and slope's slope above which it is not stable. Each pass of the outer loop goes to the next time
; or event. The lengths of steps are data in derivatives; the time of an event is not, and what comes behind it moves with it. Each element of g has
; a side, the sign that it had last; 0 where it begins with 0, until a step tells. An event leads to the side of which g is then, or where it is 0 but for
; rounding, goes to; where it stays at 0, to half a side, which is left where g is on the other one. Others keep theirs, unless y jumps.
(define (%trajectory attempt measure dense value parts order gain memory cost denser stable f y0 ts rtol atol g jump last most longest halt)
  (let* ((n (vlen ts)) (d (vlen y0))
         (gs (lambda (t y) (vappend (g t y))))
         (t0 (ref ts 0)) (t1 (ref ts (- n 1)))
         (span (- t1 t0)) (sign (copysign 1 span))
         (slope0 (f t0 y0))
         (g0 (gs t0 y0))
         (m (vlen g0))
         (sides0 (build m (lambda (j) (if (> most 0) (%side (ref g0 j)) 0))))
         (length0 (min longest (%first-length order f y0 t0 t1 rtol atol)))
         (tell (lambda (y z t) (vappend y (slice z 6 10) t)))
         (nowhere (+ +nan.0 (zeros-like (vappend y0 0 0 0 0 0))))
         (first (vappend y0 0 0 2 0 t0)))
    (loop ((k 1) (events 0) (counts (zeros-like sides0)) (ended 0)
           (z (vappend t0 length0 1e-4 0 t0 0 0 0 2 0 0 0 0 1 y0 slope0 y0 (zeros-like (%coefficients-like parts y0))
                       sides0 (+ t0 (zeros-like sides0))))
           (rows (replace (repeat (+ n 1 most) nowhere) 0 first)))
      (if (or (= k n) (> ended 0))
          (replace rows n (tell (slice z 14 (+ 14 d)) (replace z 9 (+ (ref z 9) (* 2 (max 0 (- ended 1))))) (ref z 0)))
          (let* ((target (ref ts k))
                 (z (%advance attempt measure dense value gain memory cost denser stable f t1 sign target rtol atol gs most longest halt d m z))
                 (status (ref z 12))
                 (from (ref z 4)) (h (ref z 5))
                 (start (slice z (+ 14 d d) (+ 14 d d d)))
                 (end (- (vlen z) m m))
                 (c (slice z (+ 14 d d d) end)))
            (cond ((= status 0)
                   (recur (+ k 1) events counts 0 z
                          (replace rows k (tell (value start c (if (= h 0) 0 (/ (- target from) h))) z target))))
                  ((and (> most 0) (= status 1))
                   (let* ((until (detach (ref z 13)))
                          (sides (slice z end (+ end m))) (last-times (slice z (+ end m)))
                          (along (lambda (j) (lambda (theta) (ref (gs (+ from (* theta h)) (value start c theta)) j))))
                          (find (lambda (j) (%crossing (along j) (ref sides j) (max 0 (- until 1/8)) until)))
                          (there (gs (+ from (* until h)) (value start c until)))
                          (which (if (= m 1) 0
                                     (detach (argmin (build m (lambda (j)
                                       (if (%crosses? sides there j) (detach (find j)) 2)))))))
                          (theta (find which))
                          (when (+ from (* theta h)))
                          (what (value start c theta))
                          (counts (replace counts which (+ 1 (ref counts which))))
                          (shortest (+ (* 1e-12 (abs (- when t0))) (* 64 %epsilon (abs when))))
                          (jumped (%after (jump when what) which))
                          (over (cond ((%ends? last events counts which) 1)
                                      ((not (%finite? (%mean-square jumped))) 2)
                                      ((> events (+ 1000 (* 10 most))) 3)
                                      ((and (> (ref counts which) 1) (<= (abs (- when (ref last-times which))) shortest)) (+ 4 which))
                                      (else 0)))
                          (then (if (= over 0) jumped what))
                          (slope (f when then))
                          (length (detach (min (ref z 1) (abs h))))
                          (before (detach (gs when what)))
                          (after (detach (gs when then)))
                          (passes (< (if (scalar? last) last (ref last which)) 0))
                          (rate (* sign (ref (detach ((D (lambda (s) (gs (+ when s) (+ then (* s slope))))) 0)) which)))
                          (side (lambda (j)
                            (let ((old (ref sides j)))
                              (cond ((not (= j which))
                                     (if (or (= old 0) (> (* old (ref before j)) 0) (not (= (ref before j) (ref after j)))) (%side (ref after j)) old))
                                    ((> (abs (ref after j)) (* 4 (abs (ref before j)))) (%side (ref after j)))
                                    ((> (abs rate) 0) (%side rate))
                                    (else (* 1/2 (if (or passes (= (vsum (abs (- then what))) 0)) (- old) old))))))))
                     (recur k (+ events 1) counts over
                            (vappend when length 1e-4 0 from h (slice z 6 12) 0 1 then slope start c
                                     (detach (build m side))
                                     (detach (replace last-times which when)))
                            (replace rows (if (< events most) (+ n 1 events) n) (vappend what (slice z 6 9) which when)))))
                  (else (recur k events counts 1 z rows))))))))

; The side of 0 that a number is on; 0 for 0 and what is no number.
(define (%side x) (cond ((> x 0) 1) ((< x 0) -1) (else 0)))

(define (%coefficients-like parts y) (if (= parts 4) (vappend y y y y) (vappend y y y y y y y)))

; The state behind an event: that which its number chooses, if there is one for each.
(define (%after jumped which) (if (scalar? (ref jumped 0)) jumped (ref jumped which)))

; Whether the trajectory ends with an event: with so many of all, or with so many of this one.
(define (%ends? last events counts which)
  (if (scalar? last)
      (and (> last 0) (= (+ events 1) last))
      (and (> (ref last which) 0) (= (ref counts which) (ref last which)))))

; Whether function j is on the other side, or at 0 where it did not begin with it.
(define (%crosses? sides values j)
  (let ((side (ref sides j)))
    (or (< (* side (ref values j)) 0) (and (= (abs side) 1) (= (ref values j) 0)))))

; The sides of functions that are still on none, as the solution leaves 0 in a step.
(define (%resolved gs value t step y c sides)
  (let ((m (vlen sides)))
    (loop ((theta 9.094947017729282e-13) (sides sides))
      (if (or (> theta 1) (= 0 (sum m (lambda (j) (if (= (ref sides j) 0) 1 0)))))
          sides
          (let ((values (gs (+ t (* theta step)) (value y c theta))))
            (recur (* 2 theta)
                   (build m (lambda (j) (if (= (ref sides j) 0) (%side (ref values j)) (ref sides j))))))))))

; From a state towards a time: until that is reached, the sign of an element of g changes, the equation turns out to be stiff where that halts, or steps
; get too short for numbers: 0, 1, 2 or 3 in element 12.
(define (%advance attempt measure dense value gain memory cost denser stable f t1 sign target rtol atol gs most longest halt d m z)
  (loop ((t (ref z 0)) (length (ref z 1)) (before (ref z 2)) (rejected (ref z 3)) (from (ref z 4)) (h (ref z 5))
         (steps (ref z 6)) (rejects (ref z 7)) (evaluations (ref z 8)) (stiff (ref z 9)) (stiffness (ref z 10)) (calm (ref z 11))
         (until (ref z 13)) (status (if (>= (* sign (ref z 0)) (* sign target)) 0 -1))
         (y (slice z 14 (+ 14 d))) (slope (slice z (+ 14 d) (+ 14 d d))) (start (slice z (+ 14 d d) (+ 14 d d d)))
         (c (slice z (+ 14 d d d) (- (vlen z) m m)))
         (sides (slice z (- (vlen z) m m) (- (vlen z) m))) (last-times (slice z (- (vlen z) m))))
    (if (>= status 0)
        (vappend t length before rejected from h steps rejects evaluations stiff stiffness calm status until y slope start c sides last-times)
        (let* ((left (- t1 t))
               (final (<= (abs left) (* 1.01 length)))
               (step (if final left (detach (copysign length left))))
               (z (attempt f t step y slope))
               (next (ref z 0))
               (after (ref z 3))
               (error (detach (measure z y step rtol atol)))
               (raw (pow error gain))
               (wanted (* (abs (detach step)) (max 1/3 (min 6 (/ (* 0.9 (pow before memory)) raw)))))
               (grown (min longest (if (= rejected 1) (min wanted (abs (detach step))) wanted)))
               (shrunk (* (abs (detach step)) (if (nan? raw) 0.1 (max 1/3 (/ 0.9 raw))))))
          (cond ((and (<= error 1) (%finite? (%mean-square next)) (%finite? (%mean-square after)))
                 (let* ((to (if final t1 (+ t step)))
                        (inner (if (> most 0) (dense f t step y slope z) c))
                        (sides (if (> most 0) (detach (%resolved gs value t step y inner sides)) sides))
                        ; The first eighth of the step at whose end an element of g is on the other side. A step that is a rounding of the time goes nowhere.
                        (eighth (if (and (> most 0) (> (abs step) (* 64 %epsilon (abs t))))
                                    (detach (loop ((i 1))
                                      (if (> i 8) 0
                                          (let* ((at (+ t (* i 1/8 step))) (values (gs at (value y inner (* i 1/8)))))
                                            (if (%crosses-any? sides values m) i (recur (+ i 1)))))))
                                    0))
                        (crossed (and (> most 0) (> eighth 0)))
                        (arrived (>= (* sign to) (* sign target)))
                        (steep (detach (* (abs step) (sqrt (/ (%mean-square (- after (ref z 2)))
                                                              (%mean-square (- next (ref z 1))))))))
                        (calmer (if (> steep stable) 0 (+ calm 1)))
                        (stiffer (if (> steep stable) (+ stiffness 1) (if (= calmer 6) 0 stiffness)))
                        (stiff (if (>= stiffer 15) 1 stiff))
                        (status (cond (crossed 1) ((and (= halt 1) (= stiff 1)) 2) (arrived 0) (else -1)))
                        (outer (or crossed arrived)))
                   (recur to (if final (max length grown) grown) (max error 1e-4) 0 t step
                          (+ steps 1) rejects (+ evaluations cost (if (or outer (> most 0)) denser 0)) stiff stiffer calmer
                          (if crossed (/ eighth 8) 1) status
                          next after y (cond ((> most 0) inner) (outer (dense f t step y slope z)) (else c))
                          sides last-times)))
                ((and (%finite? shrunk) (> shrunk (max 1e-300 (* 4 %epsilon (abs t)))))
                 (recur t shrunk before 1 from h steps (+ rejects 1) (+ evaluations cost) stiff stiffness calm until status
                        y slope start c sides last-times))
                (else (recur t length before 1 from h steps rejects evaluations stiff stiffness calm until 3 y slope start c sides last-times)))))))

(define (%crosses-any? sides values m)
  (if (= m 1)
      (%crosses? sides values 0)
      (> (sum m (lambda (j) (if (%crosses? sides values j) 1 0))) 0)))

; Where a function changes from one side of 0 to the other, or to 0, between two places: by bisection. Its derivative is that of the root, if the
; function crosses 0 there.
(define (%crossing along side from to)
  (let* ((found (detach (loop ((a from) (b to) (j 0))
                  (let ((middle (* 0.5 (+ a b))))
                    (if (or (= j 60) (<= middle a) (>= middle b)) b
                        (if (> (* side (along middle)) 0) (recur middle b (+ j 1)) (recur a middle (+ j 1))))))))
         (slope (detach ((D along) found)))
         (here (along found)))
    (if (and (%finite? slope) (> (abs slope) 0)) (- found (/ (- here (detach here)) slope)) found)))
