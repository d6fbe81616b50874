;; A power is differentiated by its exponent also where that is 0: ln 2, and 1/2 off the diagonal.
(pow x y)
; grad: x=2 y=0 => x=0 y=0x1.62e42fefa39efp-1
; hessian: x=2 y=0 => 0:x=-0 0:y=0.5 1:x=0.5 1:y=0x1.ebfbdff82c58ep-2
; hessian: x=2 y=-0 => 0:x=0 0:y=0.5 1:x=0.5 1:y=0x1.ebfbdff82c58ep-2
; hessian: x=2 y=3 => 0:x=12 0:y=0x1.8a2b23f3bab73p+3 1:x=0x1.8a2b23f3bab73p+3 1:y=0x1.ebfbdff82c58ep+1
; grad: x=0 y=0 => x=0 y=-inf

;; A power of which both operands vary: (ln 2)^2 + 1 at 0.
(pow (+ x 2) x)
; hessian: x=0 => 0:x=0x1.7afef7fe0b164p+0

;; The same by its relatives.
(depl x y)
; hessian: x=0 y=2 => 0:x=0x1.ebfbdff82c58ep-2 0:y=-0.5 1:x=-0.5 1:y=0

;; Half the square of a length is smooth at 0: the Hessian is the identity.
(* 1/2 (square (norm [x y])))
; grad: x=0 y=0 => x=0 y=0
; hessian: x=0 y=0 => 0:x=1 0:y=0 1:x=0 1:y=1
; hessian: x=3 y=4 => 0:x=1 0:y=0 1:x=0 1:y=1

;; So is the square of a hypotenuse.
(square (hypot x y))
; run: x=1 y=2 => 0x1.4000000000001p+2
; grad: x=0 y=0 => x=0 y=0
; hessian: x=0 y=0 => 0:x=2 0:y=0 1:x=0 1:y=2
; hessian: x=-0 y=5 => 0:x=2 0:y=0 1:x=0 1:y=2

;; And that of an absolute value.
(square (abs x))
; grad: x=0 => x=0
; hessian: x=0 => 0:x=2
; hessian: x=-2 => 0:x=2

;; Even powers of it.
(pow (abs x) 4)
; run: x=-0.3 => 0.0081
; hessian: x=-2 => 0:x=48

;; A magnitude is a hypotenuse.
(square (magnitude (make-rectangular x y)))
; hessian: x=0 y=0 => 0:x=2 0:y=0 1:x=0 1:y=2

;; A root that falls towards 0 from the left has slope -inf there, whatever the sign of the zero.
(sqrt (- x))
; grad: x=0 => x=-inf
; grad: x=-0 => x=-inf
; grad: x=-4 => x=-0.25

;; The root of a negative zero is one of a zero.
(sqrt x)
; grad: x=-0 => x=inf

;; Logarithms alike.
(log (- (expm1 x)))
; grad: x=0 => x=-inf
; grad: x=-0 => x=-inf

;; To other bases.
(+ (log2 (- x)) (log10 (- x)))
; grad: x=0 => x=-inf

;; Inverse functions of complex numbers on the axes: 1/(1 + z^2), 1/2 at 1.
(atan z)
; grad: z={1 0} => z={0.5 0}
; grad: z={-1 0} => z={0.5 0}
; grad: z={2 -0} => z={0.2 0}
; grad: z={0 0.5} => z={0x1.5555555555555p+0 0}

;; Times i.
(* +i (atan z))
; grad: z={1 0} => z={0 0.5}

;; 1/sqrt(1 - z^2).
(asin z)
; grad: z={0.6 0} => z={1.25 0}
; grad: z={0.6 -0} => z={1.25 0}
; grad: z={0 0} => z={1 0}

;; 1/sqrt(1 + z^2).
(asinh z)
; grad: z={0 0.6} => z={1.25 0}
; grad: z={0.75 0} => z={0.8 0}

;; The third derivative of an odd function, by its second at a point beside an axis: asin''(iy) = iy/(1 + y^2)^(3/2).
(imag-part (asin (make-rectangular x y)))
; hessian: x=0 y=0.75 => 0:x=0x1.89374bc6a7efcp-2 0:y=0 1:x=0 1:y=-0x1.89374bc6a7ef9p-2

;; A complex power at exponent 0: log z by the exponent, and nothing by the base.
(real-part (expt (make-rectangular x y) w))
; grad: x=3 y=4 w=0 => x=0 y=0 w=0x1.9c041f7ed8d33p+0
; hessian: x=3 y=4 w=0 => 0:x=0 0:y=-0 0:w=0.12 1:x=-0 1:y=-0 1:w=0.16 2:x=0x1.eb851eb851ebap-4 2:y=0.16 2:w=0x1.bafc68fd14786p+0
