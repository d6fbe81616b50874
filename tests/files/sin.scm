;; Sines, of large arguments too.
(sin x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.aed548f090ceep-1
; run: x=-1 => -0x1.aed548f090ceep-1
; run: x=0.5 => 0x1.eaee8744b05fp-2
; run: x=2 => 0x1.d18f6ead1b446p-1
; run: x=inf => nan
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => -0x1.a2c16b010e385p-1
; run: x=-1e-310 => -0x0.012688b70e62bp-1022
; run: x=3.141592653589793 => 0x1.1a62633145c07p-53
; run: x=1e22 => -0x1.b453ab76bf397p-1
; run: x=0x1.fffffffffffffp+1023 => 0x1.452fc98b34e97p-8
; run f32: x=0.5 => 0x1.eaee88p-2
; run f32: x=16777216 => -0x1.8f22f8p-1
; run f32: x=3e38 => 0x1.bff388p-1
; grad: x=0 => x=1
; grad: x=-0 => x=1
; grad: x=1e22 => x=0x1.0be2cef01c8f4p-1
; both: x=0 => x=1
; both: x=1 => x=0x1.14a280fb5068cp-1
