;; Hyperbolic tangents saturate.
(tanh x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.85efab514f394p-1
; run: x=-1 => -0x1.85efab514f394p-1
; run: x=0.5 => 0x1.d9353d7568af3p-2
; run: x=2 => 0x1.ed9505e1bc3d4p-1
; run: x=inf => 1
; run: x=-inf => -1
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => 1
; run: x=-1e-310 => -0x0.012688b70e62bp-1022
; run: x=19 => 0x1.fffffffffffffp-1
; run: x=20 => 1
; run: x=-20 => -1
; run f32: x=0.5 => 0x1.d9353ep-2
; run f32: x=2 => 0x1.ed9506p-1
; run f32: x=-0 => -0
; run f32: x=3e38 => 1
; run f32: x=1e-40 => 0x1.16c2p-133
; grad: x=0 => x=1
; grad: x=20 => x=0x1.39792499b1a24p-56
; grad: x=inf => x=0
; both: x=0 => x=1
; both: x=1 => x=0x1.ae0dc0f990c46p-2
