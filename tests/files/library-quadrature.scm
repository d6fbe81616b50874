;; An integral with derivatives by its bounds and by what the function uses.
(integrate (lambda (t) (/ a (+ 1 (square t)))) c b)
; run: a=2 b=1.3 c=0 => 0x1.d488143ad8c44p+0
; run: a=2 b=0 c=0 => 0
; run: a=2 b=-1 c=1 => -0x1.921fb54442d18p+1
; run: a=2 b=inf c=0 => nan
; run f32: a=2 b=1.3 c=0 => 0x1.d48812p+0
; grad: a=2 b=1.3 c=0.5 => a=0x1.ce49b81f95d39p-2 c=-1.6 b=0x1.7cab4d15e3731p-1
; hessian: a=2 b=1.3 c=0.5 => 0:a=0 0:c=-0.8 0:b=0x1.7cab4d15e3731p-2 1:a=-0.8 1:c=1.28 1:b=0 2:a=0x1.7cab4d15e3732p-2 2:c=0 2:b=-0x1.6feed941e2805p-1

;; Ends at which the function is infinite, kinks and jumps.
(values (root (integrate (lambda (t) (/ a (sqrt t))) 0 1))
        (kink (integrate (lambda (t) (abs (- t a))) 0 1))
        (jump (integrate (lambda (t) (if (< t a) 1 2)) 0 1)))
; run: a=0.37 => root=0x1.7ae147ae147acp-1 kink=0x1.114e3bcd35a84p-2 jump=0x1.a147ae147ae16p+0
; grad: a=0.37 => 0:a=0x1.fffffffffffffp+0 1:a=-0x1.0a3d70a3d7602p-2 2:a=0

;; A pole has no integral.
(integrate (lambda (t) (/ a t)) -1 2)
; run: a=1 => nan

;; The period of a pendulum.
(define (period amplitude)
  (let ((k (sin (/ amplitude 2))))
    (integrate (lambda (p) (/ 4 (sqrt (- 1 (square (* k (sin p))))))) 0 1.5707963267948966)))
; run: amplitude=0.1 => 0x1.926015b3dfa26p+2
; run: amplitude=2 => 0x1.0b312d0cd9726p+3
; grad: amplitude=2 => amplitude=0x1.614ea42a16b25p+1

;; Gauss's rule is exact for polynomials, and as good as it is for others.
(values (quintic (gauss-legendre 3 (lambda (t) (* a (pow t 5))) 0 b))
        (middle (gauss-legendre 1 (lambda (t) (cos (* a t))) 0 b))
        (wave (gauss-legendre 20 (lambda (t) (cos (* a t))) 0 b)))
; run: a=2 b=1.5 => quintic=0x1.e5ffffffffffdp+1 middle=0x1.b29bff7a8f67ap-4 wave=0x1.210386db6d556p-4
; grad: a=2 b=1.5 => 0:a=0x1.e5ffffffffffdp+0 0:b=0x1.e5ffffffffffep+3 1:a=-0x1.1f474f748fd9ep+0 1:b=-0x1.6cede9f64f28ep+0 2:a=-0x1.8e38715bfd9b6p-1 2:b=-0x1.fae04be85e5d7p-1

;; Derivatives of higher order by a bound.
((D (D (D (lambda (x) (integrate (lambda (t) (sin t)) 0 x))))) x)
; run: x=0.5 => -0x1.eaee8744b05fp-2
; grad: x=0.5 => x=-0x1.c1528065b7d5p-1
