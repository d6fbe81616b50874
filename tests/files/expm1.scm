;; Near 0 no digits are lost.
(expm1 x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.b7e151628aed3p+0
; run: x=-1 => -0x1.43a54e4e98864p-1
; run: x=0.5 => 0x1.4c2531c3c0d38p-1
; run: x=2 => 0x1.98e64b8d4ddaep+2
; run: x=inf => inf
; run: x=-inf => -1
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => inf
; run: x=-1e-310 => -0x0.012688b70e62bp-1022
; run: x=1e-20 => 0x1.79ca10c924223p-67
; run: x=-1e-20 => -0x1.79ca10c924223p-67
; run: x=-40 => -1
; run: x=710 => inf
; run f32: x=0.5 => 0x1.4c2532p-1
; run f32: x=2 => 0x1.98e64cp+2
; run f32: x=-0 => -0
; run f32: x=3e38 => inf
; run f32: x=1e-40 => 0x1.16c2p-133
; grad: x=0 => x=1
; grad: x=1e-20 => x=1
; both: x=0 => x=1
; both: x=-1 => x=0x1.78b56362cef38p-2
