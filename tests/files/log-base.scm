;; Logarithms to any base: exact for powers of it.
(log x b)
; run: x=8 b=2 => 3
; run: x=1000 b=10 => 3
; run: x=243 b=3 => 5
; run: x=0.04 b=5 => -2
; run: x=1 b=7 => 0
; run: x=0 b=2 => -inf
; run: x=-1 b=2 => nan
; run: x=2 b=1 => inf
; run: x=2 b=0 => -0
; run: x=5e-324 b=2 => -1074
; run f32: x=125 b=5 => 3
; both: x=8 b=2 => x=0x1.71547652b82fep-3 b=-0x1.14ff58be0a23fp+1
; hessian: x=8 b=2 => 0:x=-0x1.71547652b82fep-6 0:b=-0x1.0a6a4c7c29f9ap-3 1:x=-0x1.0a6a4c7c29f9ap-3 1:b=0x1.0d0f8f8ca2044p+2

;; A constant base changes no bit.
(- (log x 10) (log x b))
; run: x=7 b=10 => 0
; run: x=1e-310 b=10 => 0
