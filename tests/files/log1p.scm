;; Near 0 no digits are lost; the pole is at -1.
(log1p x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.62e42fefa39efp-1
; run: x=-1 => -inf
; run: x=0.5 => 0x1.9f323ecbf984cp-2
; run: x=2 => 0x1.193ea7aad030bp+0
; run: x=inf => inf
; run: x=-inf => nan
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => 0x1.5963447f87fb5p+9
; run: x=-1e-310 => -0x0.012688b70e62bp-1022
; run: x=1e-20 => 0x1.79ca10c924223p-67
; run: x=-0.5 => -0x1.62e42fefa39efp-1
; run: x=-2 => nan
; run f32: x=0.5 => 0x1.9f323ep-2
; run f32: x=2 => 0x1.193ea8p+0
; run f32: x=-0 => -0
; run f32: x=3e38 => 0x1.62632cp+6
; run f32: x=1e-40 => 0x1.16c2p-133
; grad: x=0 => x=1
; grad: x=-1 => x=inf
; grad: x=1e-20 => x=1
; both: x=0 => x=1
; both: x=1 => x=0.5
