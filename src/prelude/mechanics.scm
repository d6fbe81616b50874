; Equations of motion, and steps of motion that keep areas.

; (lagrangian->acceleration L): the function of t, q, v that gives the accelerations of the Lagrangian (L t q v); q and v are vectors or numbers
(define (lagrangian->acceleration L)
  (lambda (t q v)
    (let ((mass ((D (lambda (w) (((partial 2) L) t q w))) v))
          ; how the momenta change as time goes on and q moves on, v being held
          (drift ((D (lambda (s) (((partial 2) L) (+ t s) (+ q (* s v)) v))) 0)))
      (%solve mass (- (((partial 1) L) t q v) drift)))))

; (hamiltonian->field H): the function of t and y = [q p] that gives [dq/dt dp/dt] of the Hamiltonian (H t q p)
(define (hamiltonian->field H)
  (lambda (t y)
    (let* ((n (quotient (vlen y) 2)) (q (slice y 0 n)) (p (slice y n)))
      (vappend (((partial 2) H) t q p) (- (((partial 1) H) t q p))))))

; (leapfrog H t h y): y = [q p] after a step h of the separable Hamiltonian (H t q p), of second order and symplectic
(define (leapfrog H t h y)
  (let* ((n (quotient (vlen y) 2))
         (q (slice y 0 n))
         (half (- (slice y n) (* (/ h 2) (((partial 1) H) t q (slice y n)))))
         (moved (+ q (* h (((partial 2) H) t q half)))))
    (vappend moved (- half (* (/ h 2) (((partial 1) H) (+ t h) moved half))))))

; (yoshida4 H t h y): three steps of leapfrog that make one of fourth order, symplectic as they are
(define (yoshida4 H t h y)
  (let* ((outer (/ (- 2 (cbrt 2)))) (inner (- 1 outer outer))
         (one (leapfrog H t (* outer h) y))
         (two (leapfrog H (+ t (* outer h)) (* inner h) one)))
    (leapfrog H (+ t (* (+ outer inner) h)) (* outer h) two)))
