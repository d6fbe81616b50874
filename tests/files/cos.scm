;; Cosines, of large arguments too.
(cos x)
; run: x=0 => 1
; run: x=-0 => 1
; run: x=1 => 0x1.14a280fb5068cp-1
; run: x=-1 => 0x1.14a280fb5068cp-1
; run: x=0.5 => 0x1.c1528065b7d5p-1
; run: x=2 => -0x1.aa22657537205p-2
; run: x=inf => nan
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => 1
; run: x=1e300 => -0x1.2699022adc4c1p-1
; run: x=-1e-310 => 1
; run: x=1.5707963267948966 => 0x1.1a62633145c07p-54
; run: x=1e22 => 0x1.0be2cef01c8f4p-1
; run f32: x=0.5 => 0x1.c1528p-1
; run f32: x=16777216 => 0x1.40ad68p-1
; run f32: x=3e38 => -0x1.efeaf8p-2
; grad: x=0 => x=-0
; grad: x=1e22 => x=0x1.b453ab76bf397p-1
; both: x=0 => x=-0
; both: x=1 => x=-0x1.aed548f090ceep-1
