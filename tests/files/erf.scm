;; The error function saturates.
(erf x)
; run: x=0 => 0
; run: x=-0 => -0
; run: x=1 => 0x1.af767a741088bp-1
; run: x=-1 => -0x1.af767a741088bp-1
; run: x=0.5 => 0x1.0a7ef5c18edd2p-1
; run: x=2 => 0x1.fd9ae142795e3p-1
; run: x=inf => 1
; run: x=-inf => -1
; run: x=nan => nan
; run: x=5e-324 => 0x0.0000000000001p-1022
; run: x=1e300 => 1
; run: x=-1e-310 => -0x0.014c5898977c4p-1022
; run: x=5.9 => 0x1.fffffffffffffp-1
; run: x=6 => 1
; run: x=1e-9 => 0x1.362a9ffc610ddp-30
; run f32: x=0.5 => 0x1.0a7ef6p-1
; run f32: x=2 => 0x1.fd9ae2p-1
; run f32: x=-0 => -0
; run f32: x=3e38 => 1
; run f32: x=1e-40 => 0x1.3a8bp-133
; grad: x=0 => x=0x1.20dd750429b6dp+0
; grad: x=1 => x=0x1.a911f096fbc26p-2
; grad: x=6 => x=0x1.2dc119095729fp-52
; grad: x=inf => x=0
; both: x=0 => x=0x1.20dd750429b6dp+0
; both: x=1 => x=0x1.a911f096fbc26p-2
