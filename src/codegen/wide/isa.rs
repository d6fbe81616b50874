//! The instruction sets of the wide tier, and which machine instruction does what in each.

use iced_x86::Code;
use nc_runtime::lanes::Precision;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

use crate::chaos;

/// Where numbers and integers live: vector registers.
pub(super) const VECTOR: RegClass = RegClass::Float;
/// Where addresses and integers that are the same for all rows live.
pub(super) const GENERAL: RegClass = RegClass::Int;
/// Where masks live if the processor has registers for them.
pub(super) const MASK: RegClass = RegClass::Vector;

/// Numbers of the general registers that have a fixed role.
pub(super) const RAX: usize = 0;
pub(super) const RSP: usize = 4;
pub(super) const RSI: usize = 6;
pub(super) const RDI: usize = 7;

/// A vector instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isa {
    /// 256-bit vectors: AVX2, FMA and BMI2.
    Avx2,
    /// 512-bit vectors and mask registers: AVX-512 F, DQ and VL, BMI2.
    Avx512,
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        })
    }
}

impl Isa {
    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let common = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("bmi2");
            match self {
                Isa::Avx2 => common,
                Isa::Avx512 => {
                    common
                        && is_x86_feature_detected!("avx512f")
                        && is_x86_feature_detected!("avx512dq")
                        && is_x86_feature_detected!("avx512vl")
                }
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    }

    /// The widest one that this processor has.
    pub fn best() -> Option<Isa> {
        [Isa::Avx512, Isa::Avx2].into_iter().find(|isa| isa.is_available())
    }

    /// Bytes of a vector.
    pub(super) fn bytes(self) -> usize {
        match self {
            Isa::Avx2 => 32,
            Isa::Avx512 => 64,
        }
    }

    /// Rows of a lane group.
    pub fn lanes(self, precision: Precision) -> usize {
        self.bytes() / precision.bytes()
    }

    /// Whether masks have registers of their own.
    pub(super) fn has_masks(self) -> bool {
        self == Isa::Avx512
    }

    /// Where masks live.
    pub(super) fn mask_class(self) -> RegClass {
        if self.has_masks() { MASK } else { VECTOR }
    }

    /// Vector registers.
    pub(super) fn vectors(self) -> usize {
        match self {
            Isa::Avx2 => 16,
            Isa::Avx512 => 32,
        }
    }

    /// The machine instruction for an operation on vectors of numbers, or of integers of their size.
    pub(super) fn code(self, op: VectorOp, precision: Precision) -> Code {
        let [narrow, wide, narrow_single, wide_single] = op.codes();
        match (self, precision) {
            (Isa::Avx2, Precision::Double) => narrow,
            (Isa::Avx512, Precision::Double) => wide,
            (Isa::Avx2, Precision::Single) => narrow_single,
            (Isa::Avx512, Precision::Single) => wide_single,
        }
    }

    /// The registers that may hold values.
    pub(super) fn environment(self) -> MachineEnv {
        let set = |class: RegClass, numbers: &mut dyn Iterator<Item = usize>| {
            numbers.fold(PRegSet::empty(), |set, k| set.with(PReg::new(k, class)))
        };
        // Those that need no longer encoding come first.
        let general = set(GENERAL, &mut (0..8).filter(|&k| k != RSP));
        let more_general = set(GENERAL, &mut (8..16));
        let vectors = set(VECTOR, &mut (0..chaos::choose("vectors", self.vectors(), &[12])));
        // Mask register 0 as a write mask means none.
        let masks = if self.has_masks() { set(MASK, &mut (1..8)) } else { PRegSet::empty() };
        MachineEnv {
            preferred_regs_by_class: [general, vectors, masks],
            non_preferred_regs_by_class: [more_general, PRegSet::empty(), PRegSet::empty()],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        }
    }
}

/// The signs of a product and a sum in a fused multiplication and addition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signs {
    /// −(a·b) instead of a·b.
    pub product: bool,
    /// − c instead of + c.
    pub addend: bool,
}

/// Which operands of a fused multiplication and addition stand where: the register that is overwritten, the other
/// register, register or memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FmaForm {
    /// First factor, addend, second factor.
    F132,
    /// First factor, second factor, addend.
    F213,
    /// Addend, first factor, second factor.
    F231,
}

/// An operation on vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VectorOp {
    Load,
    Store,
    /// To memory, past the caches.
    Stream,
    /// One number from memory into every lane.
    Broadcast,
    Add,
    Sub,
    Mul,
    Div,
    Sqrt,
    Min,
    Max,
    Fma(Signs, FmaForm),
    And,
    AndNot,
    Or,
    Xor,
    IntAdd,
    IntSub,
    ShiftLeft,
    ShiftRight,
    Compare,
    IntGreater,
    IntEqual,
    Round,
    Blend,
    Gather,
    /// Any function of the bits of three vectors, in 512 bits only.
    Ternary,
    /// Replaces numbers of certain kinds, in 512 bits only.
    FixUp,
}

/// An operation on mask registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaskOp {
    Load,
    Store,
    And,
    Or,
    Not,
    AllOnes,
    AllZeros,
    /// Whether the or of two masks is not zero, as a flag.
    Test,
}

impl MaskOp {
    /// The instruction for masks of eight lanes, or of sixteen.
    pub(super) fn code(self, precision: Precision) -> Code {
        let [eight, sixteen] = match self {
            MaskOp::Load => [Code::VEX_Kmovb_kr_km8, Code::VEX_Kmovw_kr_km16],
            MaskOp::Store => [Code::VEX_Kmovb_m8_kr, Code::VEX_Kmovw_m16_kr],
            MaskOp::And => [Code::VEX_Kandb_kr_kr_kr, Code::VEX_Kandw_kr_kr_kr],
            MaskOp::Or => [Code::VEX_Korb_kr_kr_kr, Code::VEX_Korw_kr_kr_kr],
            MaskOp::Not => [Code::VEX_Knotb_kr_kr, Code::VEX_Knotw_kr_kr],
            MaskOp::AllOnes => [Code::VEX_Kxnorb_kr_kr_kr, Code::VEX_Kxnorw_kr_kr_kr],
            MaskOp::AllZeros => [Code::VEX_Kxorb_kr_kr_kr, Code::VEX_Kxorw_kr_kr_kr],
            MaskOp::Test => [Code::VEX_Kortestb_kr_kr, Code::VEX_Kortestw_kr_kr],
        };
        match precision {
            Precision::Double => eight,
            Precision::Single => sixteen,
        }
    }
}

impl VectorOp {
    /// The instructions for 256 and 512 bits of binary64 numbers, and for those of binary32 numbers.
    fn codes(self) -> [Code; 4] {
        use Code as C;
        match self {
            VectorOp::Load => [
                C::VEX_Vmovupd_ymm_ymmm256,
                C::EVEX_Vmovupd_zmm_k1z_zmmm512,
                C::VEX_Vmovups_ymm_ymmm256,
                C::EVEX_Vmovups_zmm_k1z_zmmm512,
            ],
            VectorOp::Store => [
                C::VEX_Vmovupd_ymmm256_ymm,
                C::EVEX_Vmovupd_zmmm512_k1z_zmm,
                C::VEX_Vmovups_ymmm256_ymm,
                C::EVEX_Vmovups_zmmm512_k1z_zmm,
            ],
            VectorOp::Stream => [
                C::VEX_Vmovntpd_m256_ymm,
                C::EVEX_Vmovntpd_m512_zmm,
                C::VEX_Vmovntps_m256_ymm,
                C::EVEX_Vmovntps_m512_zmm,
            ],
            VectorOp::Broadcast => [
                C::VEX_Vbroadcastsd_ymm_m64,
                C::EVEX_Vbroadcastsd_zmm_k1z_xmmm64,
                C::VEX_Vbroadcastss_ymm_m32,
                C::EVEX_Vbroadcastss_zmm_k1z_xmmm32,
            ],
            VectorOp::Add => [
                C::VEX_Vaddpd_ymm_ymm_ymmm256,
                C::EVEX_Vaddpd_zmm_k1z_zmm_zmmm512b64_er,
                C::VEX_Vaddps_ymm_ymm_ymmm256,
                C::EVEX_Vaddps_zmm_k1z_zmm_zmmm512b32_er,
            ],
            VectorOp::Sub => [
                C::VEX_Vsubpd_ymm_ymm_ymmm256,
                C::EVEX_Vsubpd_zmm_k1z_zmm_zmmm512b64_er,
                C::VEX_Vsubps_ymm_ymm_ymmm256,
                C::EVEX_Vsubps_zmm_k1z_zmm_zmmm512b32_er,
            ],
            VectorOp::Mul => [
                C::VEX_Vmulpd_ymm_ymm_ymmm256,
                C::EVEX_Vmulpd_zmm_k1z_zmm_zmmm512b64_er,
                C::VEX_Vmulps_ymm_ymm_ymmm256,
                C::EVEX_Vmulps_zmm_k1z_zmm_zmmm512b32_er,
            ],
            VectorOp::Div => [
                C::VEX_Vdivpd_ymm_ymm_ymmm256,
                C::EVEX_Vdivpd_zmm_k1z_zmm_zmmm512b64_er,
                C::VEX_Vdivps_ymm_ymm_ymmm256,
                C::EVEX_Vdivps_zmm_k1z_zmm_zmmm512b32_er,
            ],
            VectorOp::Sqrt => [
                C::VEX_Vsqrtpd_ymm_ymmm256,
                C::EVEX_Vsqrtpd_zmm_k1z_zmmm512b64_er,
                C::VEX_Vsqrtps_ymm_ymmm256,
                C::EVEX_Vsqrtps_zmm_k1z_zmmm512b32_er,
            ],
            VectorOp::Min => [
                C::VEX_Vminpd_ymm_ymm_ymmm256,
                C::EVEX_Vminpd_zmm_k1z_zmm_zmmm512b64_sae,
                C::VEX_Vminps_ymm_ymm_ymmm256,
                C::EVEX_Vminps_zmm_k1z_zmm_zmmm512b32_sae,
            ],
            VectorOp::Max => [
                C::VEX_Vmaxpd_ymm_ymm_ymmm256,
                C::EVEX_Vmaxpd_zmm_k1z_zmm_zmmm512b64_sae,
                C::VEX_Vmaxps_ymm_ymm_ymmm256,
                C::EVEX_Vmaxps_zmm_k1z_zmm_zmmm512b32_sae,
            ],
            VectorOp::Fma(signs, form) => fma_codes(signs, form),
            VectorOp::And => [
                C::VEX_Vandpd_ymm_ymm_ymmm256,
                C::EVEX_Vandpd_zmm_k1z_zmm_zmmm512b64,
                C::VEX_Vandps_ymm_ymm_ymmm256,
                C::EVEX_Vandps_zmm_k1z_zmm_zmmm512b32,
            ],
            VectorOp::AndNot => [
                C::VEX_Vandnpd_ymm_ymm_ymmm256,
                C::EVEX_Vandnpd_zmm_k1z_zmm_zmmm512b64,
                C::VEX_Vandnps_ymm_ymm_ymmm256,
                C::EVEX_Vandnps_zmm_k1z_zmm_zmmm512b32,
            ],
            VectorOp::Or => [
                C::VEX_Vorpd_ymm_ymm_ymmm256,
                C::EVEX_Vorpd_zmm_k1z_zmm_zmmm512b64,
                C::VEX_Vorps_ymm_ymm_ymmm256,
                C::EVEX_Vorps_zmm_k1z_zmm_zmmm512b32,
            ],
            VectorOp::Xor => [
                C::VEX_Vxorpd_ymm_ymm_ymmm256,
                C::EVEX_Vxorpd_zmm_k1z_zmm_zmmm512b64,
                C::VEX_Vxorps_ymm_ymm_ymmm256,
                C::EVEX_Vxorps_zmm_k1z_zmm_zmmm512b32,
            ],
            VectorOp::IntAdd => [
                C::VEX_Vpaddq_ymm_ymm_ymmm256,
                C::EVEX_Vpaddq_zmm_k1z_zmm_zmmm512b64,
                C::VEX_Vpaddd_ymm_ymm_ymmm256,
                C::EVEX_Vpaddd_zmm_k1z_zmm_zmmm512b32,
            ],
            VectorOp::IntSub => [
                C::VEX_Vpsubq_ymm_ymm_ymmm256,
                C::EVEX_Vpsubq_zmm_k1z_zmm_zmmm512b64,
                C::VEX_Vpsubd_ymm_ymm_ymmm256,
                C::EVEX_Vpsubd_zmm_k1z_zmm_zmmm512b32,
            ],
            VectorOp::ShiftLeft => [
                C::VEX_Vpsllq_ymm_ymm_imm8,
                C::EVEX_Vpsllq_zmm_k1z_zmmm512b64_imm8,
                C::VEX_Vpslld_ymm_ymm_imm8,
                C::EVEX_Vpslld_zmm_k1z_zmmm512b32_imm8,
            ],
            VectorOp::ShiftRight => [
                C::VEX_Vpsrlq_ymm_ymm_imm8,
                C::EVEX_Vpsrlq_zmm_k1z_zmmm512b64_imm8,
                C::VEX_Vpsrld_ymm_ymm_imm8,
                C::EVEX_Vpsrld_zmm_k1z_zmmm512b32_imm8,
            ],
            VectorOp::Compare => [
                C::VEX_Vcmppd_ymm_ymm_ymmm256_imm8,
                C::EVEX_Vcmppd_kr_k1_zmm_zmmm512b64_imm8_sae,
                C::VEX_Vcmpps_ymm_ymm_ymmm256_imm8,
                C::EVEX_Vcmpps_kr_k1_zmm_zmmm512b32_imm8_sae,
            ],
            VectorOp::IntGreater => [
                C::VEX_Vpcmpgtq_ymm_ymm_ymmm256,
                C::EVEX_Vpcmpgtq_kr_k1_zmm_zmmm512b64,
                C::VEX_Vpcmpgtd_ymm_ymm_ymmm256,
                C::EVEX_Vpcmpgtd_kr_k1_zmm_zmmm512b32,
            ],
            VectorOp::IntEqual => [
                C::VEX_Vpcmpeqq_ymm_ymm_ymmm256,
                C::EVEX_Vpcmpeqq_kr_k1_zmm_zmmm512b64,
                C::VEX_Vpcmpeqd_ymm_ymm_ymmm256,
                C::EVEX_Vpcmpeqd_kr_k1_zmm_zmmm512b32,
            ],
            VectorOp::Round => [
                C::VEX_Vroundpd_ymm_ymmm256_imm8,
                C::EVEX_Vrndscalepd_zmm_k1z_zmmm512b64_imm8_sae,
                C::VEX_Vroundps_ymm_ymmm256_imm8,
                C::EVEX_Vrndscaleps_zmm_k1z_zmmm512b32_imm8_sae,
            ],
            VectorOp::Blend => [
                C::VEX_Vblendvpd_ymm_ymm_ymmm256_ymm,
                C::EVEX_Vblendmpd_zmm_k1z_zmm_zmmm512b64,
                C::VEX_Vblendvps_ymm_ymm_ymmm256_ymm,
                C::EVEX_Vblendmps_zmm_k1z_zmm_zmmm512b32,
            ],
            VectorOp::Gather => [
                C::VEX_Vgatherqpd_ymm_vm64y_ymm,
                C::EVEX_Vgatherqpd_zmm_k1_vm64z,
                C::VEX_Vgatherdps_ymm_vm32y_ymm,
                C::EVEX_Vgatherdps_zmm_k1_vm32z,
            ],
            VectorOp::Ternary => [
                C::INVALID,
                C::EVEX_Vpternlogq_zmm_k1z_zmm_zmmm512b64_imm8,
                C::INVALID,
                C::EVEX_Vpternlogd_zmm_k1z_zmm_zmmm512b32_imm8,
            ],
            VectorOp::FixUp => [
                C::INVALID,
                C::EVEX_Vfixupimmpd_zmm_k1z_zmm_zmmm512b64_imm8_sae,
                C::INVALID,
                C::EVEX_Vfixupimmps_zmm_k1z_zmm_zmmm512b32_imm8_sae,
            ],
        }
    }
}

fn fma_codes(signs: Signs, form: FmaForm) -> [Code; 4] {
    use Code as C;
    match (signs.product, signs.addend, form) {
        (false, false, FmaForm::F132) => [
            C::VEX_Vfmadd132pd_ymm_ymm_ymmm256,
            C::EVEX_Vfmadd132pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfmadd132ps_ymm_ymm_ymmm256,
            C::EVEX_Vfmadd132ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (false, false, FmaForm::F213) => [
            C::VEX_Vfmadd213pd_ymm_ymm_ymmm256,
            C::EVEX_Vfmadd213pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfmadd213ps_ymm_ymm_ymmm256,
            C::EVEX_Vfmadd213ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (false, false, FmaForm::F231) => [
            C::VEX_Vfmadd231pd_ymm_ymm_ymmm256,
            C::EVEX_Vfmadd231pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfmadd231ps_ymm_ymm_ymmm256,
            C::EVEX_Vfmadd231ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (false, true, FmaForm::F132) => [
            C::VEX_Vfmsub132pd_ymm_ymm_ymmm256,
            C::EVEX_Vfmsub132pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfmsub132ps_ymm_ymm_ymmm256,
            C::EVEX_Vfmsub132ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (false, true, FmaForm::F213) => [
            C::VEX_Vfmsub213pd_ymm_ymm_ymmm256,
            C::EVEX_Vfmsub213pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfmsub213ps_ymm_ymm_ymmm256,
            C::EVEX_Vfmsub213ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (false, true, FmaForm::F231) => [
            C::VEX_Vfmsub231pd_ymm_ymm_ymmm256,
            C::EVEX_Vfmsub231pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfmsub231ps_ymm_ymm_ymmm256,
            C::EVEX_Vfmsub231ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (true, false, FmaForm::F132) => [
            C::VEX_Vfnmadd132pd_ymm_ymm_ymmm256,
            C::EVEX_Vfnmadd132pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfnmadd132ps_ymm_ymm_ymmm256,
            C::EVEX_Vfnmadd132ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (true, false, FmaForm::F213) => [
            C::VEX_Vfnmadd213pd_ymm_ymm_ymmm256,
            C::EVEX_Vfnmadd213pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfnmadd213ps_ymm_ymm_ymmm256,
            C::EVEX_Vfnmadd213ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (true, false, FmaForm::F231) => [
            C::VEX_Vfnmadd231pd_ymm_ymm_ymmm256,
            C::EVEX_Vfnmadd231pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfnmadd231ps_ymm_ymm_ymmm256,
            C::EVEX_Vfnmadd231ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (true, true, FmaForm::F132) => [
            C::VEX_Vfnmsub132pd_ymm_ymm_ymmm256,
            C::EVEX_Vfnmsub132pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfnmsub132ps_ymm_ymm_ymmm256,
            C::EVEX_Vfnmsub132ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (true, true, FmaForm::F213) => [
            C::VEX_Vfnmsub213pd_ymm_ymm_ymmm256,
            C::EVEX_Vfnmsub213pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfnmsub213ps_ymm_ymm_ymmm256,
            C::EVEX_Vfnmsub213ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
        (true, true, FmaForm::F231) => [
            C::VEX_Vfnmsub231pd_ymm_ymm_ymmm256,
            C::EVEX_Vfnmsub231pd_zmm_k1z_zmm_zmmm512b64_er,
            C::VEX_Vfnmsub231ps_ymm_ymm_ymmm256,
            C::EVEX_Vfnmsub231ps_zmm_k1z_zmm_zmmm512b32_er,
        ],
    }
}
