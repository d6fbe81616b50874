//! Machine code as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use iced_x86::{Decoder, DecoderOptions, Formatter as _, NasmFormatter, OpKind, Register};

use nc_runtime::lanes::Precision;

use super::encode::Placed;

/// A listing of the code behind `start`: functions, labels where jumps go, and the numbers that operands in memory refer
/// to.
pub(super) fn of(
    bytes: &[u8],
    start: usize,
    precision: Precision,
    pieces: &[Placed],
    functions: &[Placed],
) -> String {
    let decode = || {
        Decoder::with_ip(64, &bytes[start..], start as u64, DecoderOptions::NONE)
            .into_iter()
            .filter(|inst| !inst.is_invalid())
    };
    let mut labels: BTreeMap<u64, String> = BTreeMap::new();
    let mut targets: Vec<u64> = decode()
        .filter(|inst| inst.op0_kind() == OpKind::NearBranch64)
        .map(|inst| inst.near_branch_target())
        .collect();
    targets.sort_unstable();
    targets.dedup();
    labels.extend(targets.into_iter().zip(1..).map(|(target, k)| (target, format!("L{k}"))));
    let named = |placed: &[Placed], name: &str| -> Vec<(u64, String)> {
        placed.iter().zip(0..).map(|(p, k)| (p.offset as u64, format!("{name}{k}"))).collect()
    };
    labels.extend(named(pieces, "kernel"));
    labels.extend(named(functions, "function"));
    let mut formatter = NasmFormatter::new();
    formatter.options_mut().set_space_after_operand_separator(true);
    formatter.options_mut().set_rip_relative_addresses(false);
    let mut text = String::new();
    for inst in decode() {
        if let Some(label) = labels.get(&inst.ip()) {
            let _ = writeln!(text, "{label}:");
        }
        let mut line = String::new();
        if inst.op0_kind() == OpKind::NearBranch64 {
            let target = labels.get(&inst.near_branch_target()).map_or("?", String::as_str);
            let mnemonic = format!("{:?}", inst.mnemonic()).to_lowercase();
            let _ = write!(line, "{mnemonic} {target}");
        } else {
            formatter.format(&inst, &mut line);
        }
        let _ = write!(text, "    {line}");
        match (constant(&inst, bytes), precision) {
            (Some(bits), Precision::Double) => {
                let _ = write!(text, "  ; {:?}", f64::from_bits(bits));
            }
            (Some(bits), Precision::Single) => {
                let _ = write!(text, "  ; {:?}", f32::from_bits(bits as u32));
            }
            (None, _) => {}
        }
        text.push('\n');
    }
    text
}

/// The first eight bytes that an instruction reads from the pool.
fn constant(inst: &iced_x86::Instruction, bytes: &[u8]) -> Option<u64> {
    let in_memory = (0..inst.op_count()).any(|k| inst.op_kind(k) == OpKind::Memory);
    if !in_memory || inst.memory_base() != Register::RIP {
        return None;
    }
    let at = usize::try_from(inst.memory_displacement64()).ok()?;
    let number = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*number))
}
