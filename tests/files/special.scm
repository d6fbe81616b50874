;; The complementary error function does not cancel.
(erfc x)
; run: x=0 => 1
; run: x=-0 => 1
; run: x=0.5 => 0x1.eb02147ce245cp-2
; run: x=-3 => 0x1.fffe8d6209afdp+0
; run: x=10 => 0x1.7d8a7f2a8a2dp-149
; run: x=27 => 0x0.0000000019e0fp-1022
; run: x=inf => 0
; run: x=-inf => 2
; run: x=nan => nan
; run f32: x=0.5 => 0x1.eb0214p-2
; run f32: x=10 => 0x1p-149
; both: x=0 => x=-0x1.20dd750429b6dp+0
; both: x=10 => x=-0x1.df49a10ccc568p-145

;; The normal distribution.
(values (distribution (normal-cdf x)) (density (normal-pdf x)))
; run: x=0 => distribution=0.5 density=0x1.9884533d43651p-2
; run: x=-38 => distribution=0x0.00000037b23b8p-1022 density=0x0.00000845eb885p-1022
; run: x=1.96 => distribution=0x1.f33379d3bd367p-1 density=0x1.debf8b151adfdp-5
; run: x=-inf => distribution=0 density=0
; run: x=nan => distribution=nan density=nan
; run f32: x=-10 => distribution=0x1.26c75ep-77 density=0x1.741684p-74
; both: x=0 => 0:x=0x1.9884533d43651p-2 1:x=-0
; both: x=2 => 0:x=0x1.ba4b436e83ad4p-5 1:x=-0x1.ba4b436e83ad4p-4

;; The quotient of a sine, with slopes that do not cancel at 0.
(sinc x)
; run: x=0 => 1
; run: x=-0 => 1
; run: x=1e-8 => 1
; run: x=0.5 => 0x1.eaee8744b05fp-1
; run: x=3.141592653589793 => 0x1.678afae35cdd1p-55
; run: x=1e22 => -0x1.9c195af7d2c1p-74
; run: x=inf => 0
; run: x=nan => nan
; run f32: x=0.5 => 0x1.eaee88p-1
; both: x=0 => x=-0
; both: x=1e-5 => x=-0x1.bf647612e0324p-19
; both: x=2 => x=-0x1.bdd8ea1129326p-2
; both: x=1e9 => x=0x1.cca2232998ab7p-31

;; The gamma function.
(gamma x)
; run: x=0 => inf
; run: x=-0 => -inf
; run: x=1 => 1
; run: x=5 => 24
; run: x=0.5 => 0x1.c5bf891b4ef6bp+0
; run: x=-0.5 => -0x1.c5bf891b4ef6bp+1
; run: x=-1 => nan
; run: x=171 => 0x1.4ab7864418639p+1019
; run: x=172 => inf
; run: x=-170.5 => -0x1.7d2374dfcda7ap-1022
; run: x=1e-310 => inf
; run: x=inf => inf
; run: x=-inf => nan
; run: x=nan => nan
; run f32: x=5 => 24
; run f32: x=-2.5 => -0x1.e3ff82p-1
; run f32: x=36 => inf
; both: x=3 => x=0x1.d8773039049e7p+0
; both: x=-1.5 => x=0x1.a968770fb0ebcp+0

;; Its logarithm, and the derivatives of that.
(values (log (lgamma x)) (first (digamma x)) (second (polygamma 1 x)) (last (polygamma 10 x)))
; run: x=1 => log=0 first=-0x1.2788cfc6fb619p-1 second=0x1.a51a6625307d3p+0 last=-0x1.bb300a7e2b9dcp+21
; run: x=2 => log=0 first=0x1.b0ee6072093cep-2 second=0x1.4a34cc4a60fa6p-1 last=-0x1.c053f15cede28p+10
; run: x=0.5 => log=0x1.250d048e7a1bdp-1 first=-0x1.f6a897d3214fcp+0 second=0x1.3bd3cc9be45dep+2 last=-0x1.baf8a47cdbd85p+32
; run: x=1e10 => log=0x1.9a43710f467c1p+37 first=0x1.7069e2aa27361p+4 second=0x1.b7cdfd9dda4e3p-34 last=-0x1.360af44faa934p-314
; run: x=1e306 => log=inf first=0x1.604ba725ebfb4p+9 second=0x1.6789e3750f791p-1017 last=-0
; run: x=-2.5 => log=-0x1.ccbf9f5ed0f15p-5 first=0x1.1a68793defc15p+0 second=0x1.3141822e1697ap+3 last=-0x1.01b556bac81ap+2
; run: x=-3 => log=inf first=nan second=nan last=nan
; run: x=0 => log=inf first=-inf second=inf last=-inf
; run: x=inf => log=inf first=inf second=0 last=0
; run: x=nan => log=nan first=nan second=nan last=nan
; run f32: x=0.5 => log=0x1.250d04p-1 first=-0x1.f6a898p+0 second=0x1.3bd3ccp+2 last=-0x1.baf8a4p+32
; run f32: x=-2.5 => log=-0x1.ccbfap-5 first=0x1.1a687ap+0 second=0x1.314182p+3 last=-0x1.01b58p+2
; both: x=3 => 0:x=0x1.d8773039049e7p-1 1:x=0x1.94699894c1f4dp-2 2:x=-0x1.3ba004f006214p-3 3:x=0x1.36b36fc72a842p+6
; both: x=-1.5 => 0:x=0x1.680425af12b5ep-1 1:x=0x1.2c22c9dc2b128p+3 2:x=-0x1.e3bef327df0e8p-3 3:x=0x1.308aa598cd7d9p+38

;; Bessel functions.
(values (zero (bessel-j0 x)) (one (bessel-j1 x)))
; run: x=0 => zero=1 one=0
; run: x=-0 => zero=1 one=-0
; run: x=2.404825557695773 => zero=-0x1.12c80781cbfb4p-54 one=0x1.09cdb3655128p-1
; run: x=3.831705970207512 => zero=-0x1.9c6cf582cbf7fp-2 one=0x1.0e993e26405e4p-53
; run: x=8 => zero=0x1.5f8a7557e7025p-3 one=0x1.e089056186183p-3
; run: x=-20 => zero=0x1.561106f7bed64p-3 one=-0x1.11bf9c29ff1c6p-4
; run: x=1e9 => zero=0x1.9e2fe2663b8b7p-16 one=-0x1.5daa611ebc784p-18
; run: x=1e-310 => zero=1 one=0x0.0093445b87316p-1022
; run: x=inf => zero=0 one=0
; run: x=-inf => zero=0 one=-0
; run: x=nan => zero=nan one=nan
; run f32: x=2 => zero=0x1.ca874p-3 one=0x1.27487ap-1
; run f32: x=100 => zero=0x1.4772bcp-6 one=-0x1.3bfcc4p-4
; both: x=0 => 0:x=-0 1:x=0.5
; both: x=2 => 0:x=-0x1.27487958371fp-1 1:x=-0x1.081365fc429dp-4
; both: x=-20 => 0:x=0x1.11bf9c29ff1c6p-4 1:x=0x1.4f390976b20f2p-3

;; Both branches of Lambert's function.
(values (above (lambert-w x)) (below (lambert-wm1 x)))
; run: x=0 => above=0 below=-inf
; run: x=-0 => above=-0 below=-inf
; run: x=1 => above=0x1.22609af8e9657p-1 below=nan
; run: x=-0.1 => above=-0x1.ca10f00373a29p-4 below=-0x1.c9e01e6bc1fbap+1
; run: x=-0.3678794411714423 => above=-0x1.ffffff7c8996ep-1 below=-0x1.00000041bb34ap+0
; run: x=-0.36787944117144233 => above=nan below=nan
; run: x=2.718281828459045 => above=1 below=nan
; run: x=1e300 => above=0x1.561fa4884a0e5p+9 below=nan
; run: x=-1e-300 => above=-0x1.56e1fc2f8f359p-997 below=-0x1.5ca950bbd0767p+9
; run: x=inf => above=inf below=nan
; run: x=nan => above=nan below=nan
; run f32: x=1 => above=0x1.22609ap-1 below=nan
; run f32: x=-0.1 => above=-0x1.ca10fp-4 below=-0x1.c9e01ep+1
; both: x=-0.1 => 0:x=0x1.4256e249eb4afp+0 1:x=-0x1.bc2b06b081b68p+3
; both: x=-0.3 => 0:x=0x1.98f488530bd65p+1 1:x=-0x1.e65e9d387efa5p+2

;; Far out, the slope of sinc is that of its wave.
(sinc x)
; run: x=1e160 => 0x1.1639d0fe4b56fp-533
; grad: x=1e160 => x=0x1.4bf0fa0bfdd88p-532
; grad: x=1e300 => x=-0x1.8a94779582ffep-998
; grad: x=-1e9 => x=-0x1.cca2232998ab7p-31
; grad: x=inf => x=nan
; run f32: x=1e22 => -0x1.62fae4p-74
; hessian: x=1e40 => 0:x=-0x1.68982e5fe9692p-134

;; Quotients by the largest numbers, whose low parts are below the normal numbers.
(values (wave (sinc x)) (zero (bessel-j0 x)) (one (bessel-j1 x)))
; run f32: x=0x1.716ca6p+123 => wave=-0x1.e13862p-125 zero=0x1.34d95p-67 one=-0x1.e08af8p-63
; run f32: x=0x1.9651d2p+123 => wave=0x1.ba574ep-125 zero=0x1.ca5ecap-63 one=-0x1.b747fp-68
; run f32: x=0x1.6cbd36p+123 => wave=0x1.e4e99ap-125 zero=0x1.e385d2p-63 one=-0x1.5b362p-67
; run f32: x=0x1.fa11cep+123 => wave=0x1.011cfcp-124 zero=0x1.fadbb6p-64 one=0x1.43716cp-63
; run f32: x=0x1.ee9fb6p+124 => wave=0x1.f390eap-126 zero=0x1.f9f922p-65 one=0x1.0947dap-63
; run f32: x=0x1.fecacp+126 => wave=0x1.e5ebbp-128 zero=0x1.ff4f66p-66 one=0x1.036c62p-64
; run f32: x=0x1.f6fa66p+127 => wave=0x1.458acp-131 zero=-0x1.e4b788p-66 one=0x1.4d6124p-65
; run f32: x=0x1.d34a5p+126 => wave=-0x1.ee2ap-130 zero=0x1.42f24ep-65 one=-0x1.ff4902p-65
; run f32: x=0x1.f7ef06p+127 => wave=0x1.462acp-131 zero=0x1.4d35a4p-65 one=-0x1.e3dab8p-66
; run: x=0x1.f1043a92a6198p+1019 => wave=-0x1.5a68121fd6171p-1021 zero=0x1.c87bad6b0b612p-515 one=-0x1.9da56cab8ac1bp-511
