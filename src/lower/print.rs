//! The textual form of a lane program.

use std::fmt::Write;

use nc_runtime::lanes::Precision;

use super::lanes::{Condition, Inst, LaneProgram, LaneType, Target, Value};
use super::record::type_of;
use crate::number::number_of;

/// One line per instruction. `f` and `i` are numbers and integers of 64 bits, `f32` and `i32` of 32. Constants stand where they are used.
pub fn dump(program: &LaneProgram) -> String {
    let name = |v: Value| match program.insts[v] {
        Inst::F(bits) => number_of(program.precision, program.precision.number(bits)),
        Inst::I(value) if (-65536..65536).contains(&value) => value.to_string(),
        Inst::I(value) => format!("{value:#x}"),
        Inst::M(value) => value.to_string(),
        Inst::S(value) => value.to_string(),
        _ => v.to_string(),
    };
    let ty = |value: Value| match (program.precision, type_of(program, value)) {
        (Precision::Single, ty @ (LaneType::F | LaneType::I)) => format!("{ty}32"),
        (_, ty) => ty.to_string(),
    };
    let mut text = String::new();
    let mut depth = 0;
    for (value, &inst) in program.insts.iter() {
        if inst.is_constant() || matches!(inst, Inst::Phi(..)) {
            continue;
        }
        if let Inst::End(_) = inst {
            depth -= 1;
        }
        text.push_str(&"  ".repeat(depth));
        if inst.ty() == LaneType::Nothing {
            text.push_str(&mnemonic(inst));
        } else {
            let _ = write!(text, "{value}:{} = {}", ty(value), mnemonic(inst));
        }
        let mut first = true;
        inst.for_each_operand(|v| {
            let _ = write!(text, "{}{}", if first { " " } else { ", " }, name(v));
            first = false;
        });
        let _ = match inst {
            Inst::Shl(_, by) | Inst::Shr(_, by) => write!(text, ", {by}"),
            Inst::Column(k) | Inst::Param(k) | Inst::ColumnAt(k, _) | Inst::ParamAt(k, _) => {
                write!(text, " {k}")
            }
            Inst::StoreColumn(k, ..) | Inst::AddPartial(k, ..) => write!(text, " {k}"),
            Inst::Lookup(table, _) => write!(text, ", table {}", table.0),
            Inst::Load(_, cell, _) | Inst::StoreCell(cell, ..) => write!(text, " @{cell}"),
            Inst::Fetch(cell, ..) | Inst::Deposit(cell, ..) => match program.pad {
                Some(pad) => write!(text, " @{cell} by @{pad}"),
                None => write!(text, " @{cell}"),
            },
            Inst::Argument(_, k) => write!(text, " {k}"),
            Inst::Returned(id, k) => write!(text, " {id}.{k}"),
            Inst::Call(id) => {
                let call = &program.calls[id];
                let list: Vec<String> = call.operands.iter().map(|&v| name(v)).collect();
                let (depth, active) = (name(call.depth), name(call.active));
                write!(
                    text,
                    " {id} function{} of {} where {active}, depth {depth}",
                    call.function,
                    list.join(", ")
                )
            }
            Inst::Loop(id) => {
                depth += 1;
                let phis = program.loops[id].carried.iter();
                let list: Vec<String> =
                    phis.map(|c| format!("{}:{} = {}", c.phi, ty(c.phi), name(c.first))).collect();
                write!(text, " {}", list.join(", "))
            }
            Inst::Test(id) => {
                let list: Vec<String> = program.loops[id]
                    .conditions
                    .iter()
                    .map(|condition| match *condition {
                        Condition::Any(mask) => format!("any {}", name(mask)),
                        Condition::Below(a, b) => format!("{} < {}", name(a), name(b)),
                    })
                    .collect();
                write!(text, " {}", list.join(", "))
            }
            Inst::End(id) => {
                let next = program.loops[id].carried.iter();
                let list: Vec<String> = next.map(|c| format!("{} = {}", c.phi, name(c.next))).collect();
                write!(text, " {}", list.join(", "))
            }
            _ => Ok(()),
        };
        text.push('\n');
    }
    for store in &program.stores {
        let _ = match store.target {
            Target::Column(k) => writeln!(text, "store {k}, {}", name(store.value)),
            Target::Partial(k) => writeln!(text, "sum {k}, {}", name(store.value)),
        };
    }
    for products in &program.products {
        let (rows, columns) = products.extents;
        let first = |at: usize| program.columns.outputs as usize + at;
        let terms = products.terms.iter().map(|&(left, right)| format!("{} × {}", first(left), first(right)));
        let terms: Vec<String> = terms.collect();
        let _ = writeln!(text, "sums {} {rows}×{columns}: {}", products.first, terms.join(" + "));
    }
    if let Some(status) = program.status {
        let _ = writeln!(text, "status {}", name(status));
    }
    for (k, function) in program.functions.iter().enumerate() {
        let _ = writeln!(text, "function{k}");
        for line in dump(&function.program).lines() {
            let _ = writeln!(text, "  {line}");
        }
        let results: Vec<String> = function.results.iter().map(|v| v.to_string()).collect();
        let _ = writeln!(text, "  return {}", results.join(", "));
    }
    for (k, table) in program.tables.iter().enumerate() {
        let _ = writeln!(text, "table {k}: {} numbers", table.len());
    }
    text
}

fn mnemonic(inst: Inst) -> String {
    match inst {
        Inst::F(_) | Inst::I(_) | Inst::M(_) => "const".into(),
        Inst::Column(_) => "column".into(),
        Inst::Param(_) => "param".into(),
        Inst::ColumnAt(..) => "column+".into(),
        Inst::ParamAt(..) => "param+".into(),
        Inst::FUnary(op, _) => format!("{op:?}").to_lowercase(),
        Inst::FBinary(op, ..) => format!("{op:?}").to_lowercase(),
        Inst::Fma(..) => "fma".into(),
        Inst::FCompare(op, ..) => format!("{op:?}").to_lowercase(),
        Inst::Select(..) => "select".into(),
        Inst::And(..) => "and".into(),
        Inst::Or(..) => "or".into(),
        Inst::Not(_) => "not".into(),
        Inst::IBinary(op, ..) => format!("i{}", format!("{op:?}").to_lowercase()),
        Inst::Shl(..) => "shl".into(),
        Inst::Shr(..) => "shr".into(),
        Inst::IGt(..) => "igt".into(),
        Inst::IEq(..) => "ieq".into(),
        Inst::Bits(_) => "bits".into(),
        Inst::Float(_) => "float".into(),
        Inst::Lookup(..) => "lookup".into(),
        Inst::S(_) | Inst::Phi(..) => "const".into(),
        Inst::Argument(..) => "argument".into(),
        Inst::Call(_) => "call".into(),
        Inst::Returned(..) => "returned".into(),
        Inst::Splat(_) => "splat".into(),
        Inst::SBinary(op, ..) => format!("s{}", format!("{op:?}").to_lowercase()),
        Inst::SSelect(..) => "sselect".into(),
        Inst::Load(..) => "load".into(),
        Inst::StoreCell(..) => "store".into(),
        Inst::Fetch(..) => "fetch".into(),
        Inst::Deposit(..) => "deposit".into(),
        Inst::StoreColumn(..) => "store+".into(),
        Inst::AddPartial(..) => "sum+".into(),
        Inst::Loop(_) => "loop".into(),
        Inst::Test(_) => "while".into(),
        Inst::End(_) => "next".into(),
    }
}
