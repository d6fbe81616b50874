//! The instruction sets of the wide tier, and which machine instruction does what in each.

use iced_x86::Code;
use regalloc2::{MachineEnv, PReg, PRegSet, RegClass};

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
    pub fn lanes(self) -> usize {
        self.bytes() / size_of::<f64>()
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

    /// The machine instruction for an operation on vectors of binary64 numbers or 64-bit integers.
    pub(super) fn code(self, op: VectorOp) -> Code {
        let [narrow, wide] = op.codes();
        match self {
            Isa::Avx2 => narrow,
            Isa::Avx512 => wide,
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
        let vectors = set(VECTOR, &mut (0..self.vectors()));
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
}

impl VectorOp {
    /// The instructions for 256 and 512 bits.
    fn codes(self) -> [Code; 2] {
        use Code as C;
        match self {
            VectorOp::Load => [C::VEX_Vmovupd_ymm_ymmm256, C::EVEX_Vmovupd_zmm_k1z_zmmm512],
            VectorOp::Store => [C::VEX_Vmovupd_ymmm256_ymm, C::EVEX_Vmovupd_zmmm512_k1z_zmm],
            VectorOp::Broadcast => [C::VEX_Vbroadcastsd_ymm_m64, C::EVEX_Vbroadcastsd_zmm_k1z_xmmm64],
            VectorOp::Add => [C::VEX_Vaddpd_ymm_ymm_ymmm256, C::EVEX_Vaddpd_zmm_k1z_zmm_zmmm512b64_er],
            VectorOp::Sub => [C::VEX_Vsubpd_ymm_ymm_ymmm256, C::EVEX_Vsubpd_zmm_k1z_zmm_zmmm512b64_er],
            VectorOp::Mul => [C::VEX_Vmulpd_ymm_ymm_ymmm256, C::EVEX_Vmulpd_zmm_k1z_zmm_zmmm512b64_er],
            VectorOp::Div => [C::VEX_Vdivpd_ymm_ymm_ymmm256, C::EVEX_Vdivpd_zmm_k1z_zmm_zmmm512b64_er],
            VectorOp::Sqrt => [C::VEX_Vsqrtpd_ymm_ymmm256, C::EVEX_Vsqrtpd_zmm_k1z_zmmm512b64_er],
            VectorOp::Min => [C::VEX_Vminpd_ymm_ymm_ymmm256, C::EVEX_Vminpd_zmm_k1z_zmm_zmmm512b64_sae],
            VectorOp::Max => [C::VEX_Vmaxpd_ymm_ymm_ymmm256, C::EVEX_Vmaxpd_zmm_k1z_zmm_zmmm512b64_sae],
            VectorOp::Fma(signs, form) => fma_codes(signs, form),
            VectorOp::And => [C::VEX_Vandpd_ymm_ymm_ymmm256, C::EVEX_Vandpd_zmm_k1z_zmm_zmmm512b64],
            VectorOp::AndNot => [C::VEX_Vandnpd_ymm_ymm_ymmm256, C::EVEX_Vandnpd_zmm_k1z_zmm_zmmm512b64],
            VectorOp::Or => [C::VEX_Vorpd_ymm_ymm_ymmm256, C::EVEX_Vorpd_zmm_k1z_zmm_zmmm512b64],
            VectorOp::Xor => [C::VEX_Vxorpd_ymm_ymm_ymmm256, C::EVEX_Vxorpd_zmm_k1z_zmm_zmmm512b64],
            VectorOp::IntAdd => [C::VEX_Vpaddq_ymm_ymm_ymmm256, C::EVEX_Vpaddq_zmm_k1z_zmm_zmmm512b64],
            VectorOp::IntSub => [C::VEX_Vpsubq_ymm_ymm_ymmm256, C::EVEX_Vpsubq_zmm_k1z_zmm_zmmm512b64],
            VectorOp::ShiftLeft => [C::VEX_Vpsllq_ymm_ymm_imm8, C::EVEX_Vpsllq_zmm_k1z_zmmm512b64_imm8],
            VectorOp::ShiftRight => [C::VEX_Vpsrlq_ymm_ymm_imm8, C::EVEX_Vpsrlq_zmm_k1z_zmmm512b64_imm8],
            VectorOp::Compare => {
                [C::VEX_Vcmppd_ymm_ymm_ymmm256_imm8, C::EVEX_Vcmppd_kr_k1_zmm_zmmm512b64_imm8_sae]
            }
            VectorOp::IntGreater => [C::VEX_Vpcmpgtq_ymm_ymm_ymmm256, C::EVEX_Vpcmpgtq_kr_k1_zmm_zmmm512b64],
            VectorOp::IntEqual => [C::VEX_Vpcmpeqq_ymm_ymm_ymmm256, C::EVEX_Vpcmpeqq_kr_k1_zmm_zmmm512b64],
            VectorOp::Round => {
                [C::VEX_Vroundpd_ymm_ymmm256_imm8, C::EVEX_Vrndscalepd_zmm_k1z_zmmm512b64_imm8_sae]
            }
            VectorOp::Blend => {
                [C::VEX_Vblendvpd_ymm_ymm_ymmm256_ymm, C::EVEX_Vblendmpd_zmm_k1z_zmm_zmmm512b64]
            }
            VectorOp::Gather => [C::VEX_Vgatherqpd_ymm_vm64y_ymm, C::EVEX_Vgatherqpd_zmm_k1_vm64z],
        }
    }
}

fn fma_codes(signs: Signs, form: FmaForm) -> [Code; 2] {
    use Code as C;
    match (signs.product, signs.addend, form) {
        (false, false, FmaForm::F132) => {
            [C::VEX_Vfmadd132pd_ymm_ymm_ymmm256, C::EVEX_Vfmadd132pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (false, false, FmaForm::F213) => {
            [C::VEX_Vfmadd213pd_ymm_ymm_ymmm256, C::EVEX_Vfmadd213pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (false, false, FmaForm::F231) => {
            [C::VEX_Vfmadd231pd_ymm_ymm_ymmm256, C::EVEX_Vfmadd231pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (false, true, FmaForm::F132) => {
            [C::VEX_Vfmsub132pd_ymm_ymm_ymmm256, C::EVEX_Vfmsub132pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (false, true, FmaForm::F213) => {
            [C::VEX_Vfmsub213pd_ymm_ymm_ymmm256, C::EVEX_Vfmsub213pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (false, true, FmaForm::F231) => {
            [C::VEX_Vfmsub231pd_ymm_ymm_ymmm256, C::EVEX_Vfmsub231pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (true, false, FmaForm::F132) => {
            [C::VEX_Vfnmadd132pd_ymm_ymm_ymmm256, C::EVEX_Vfnmadd132pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (true, false, FmaForm::F213) => {
            [C::VEX_Vfnmadd213pd_ymm_ymm_ymmm256, C::EVEX_Vfnmadd213pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (true, false, FmaForm::F231) => {
            [C::VEX_Vfnmadd231pd_ymm_ymm_ymmm256, C::EVEX_Vfnmadd231pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (true, true, FmaForm::F132) => {
            [C::VEX_Vfnmsub132pd_ymm_ymm_ymmm256, C::EVEX_Vfnmsub132pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (true, true, FmaForm::F213) => {
            [C::VEX_Vfnmsub213pd_ymm_ymm_ymmm256, C::EVEX_Vfnmsub213pd_zmm_k1z_zmm_zmmm512b64_er]
        }
        (true, true, FmaForm::F231) => {
            [C::VEX_Vfnmsub231pd_ymm_ymm_ymmm256, C::EVEX_Vfnmsub231pd_zmm_k1z_zmm_zmmm512b64_er]
        }
    }
}
