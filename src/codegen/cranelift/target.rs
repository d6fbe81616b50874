//! Processors that code can be generated for.

use std::sync::LazyLock;

use cranelift::codegen::isa::{self, OwnedTargetIsa};
use cranelift::codegen::settings::{self, Configurable, Flags};

use crate::codegen::error::CodegenError;

/// The processor that code is generated for.
#[derive(Clone)]
pub struct TargetMachine {
    /// With the register allocator that makes the best code.
    pub(super) isa: OwnedTargetIsa,
    /// With the one whose time is linear, for large programs.
    pub(super) quick: OwnedTargetIsa,
    /// Whether `blendv` exists.
    pub(super) blend: bool,
}

impl TargetMachine {
    /// This machine, with all that its processor has.
    pub fn host() -> Result<TargetMachine, CodegenError> {
        static HOST: LazyLock<Result<TargetMachine, String>> = LazyLock::new(|| {
            let builder = cranelift_native::builder().map_err(str::to_string)?;
            TargetMachine::finish(builder)
        });
        HOST.clone().map_err(CodegenError::Host)
    }

    /// The processor of a target triple, with no optional features but those named: `has_fma`, `has_sse41`, …
    pub fn with_features(triple: &str, features: &[&str]) -> Result<TargetMachine, CodegenError> {
        let host = |e: &dyn std::fmt::Display| CodegenError::Host(e.to_string());
        let unknown = |_| CodegenError::Host(format!("`{triple}` is no target triple"));
        let mut builder = isa::lookup(triple.parse().map_err(unknown)?).map_err(|e| host(&e))?;
        for feature in features {
            builder.enable(feature).map_err(|e| host(&e))?;
        }
        TargetMachine::finish(builder).map_err(CodegenError::Host)
    }

    fn finish(builder: isa::Builder) -> Result<TargetMachine, String> {
        let verify = if cfg!(debug_assertions) { "true" } else { "false" };
        let isa_with = |allocator: &str| {
            let mut flags = settings::builder();
            for (name, value) in [
                ("opt_level", "none"),
                ("regalloc_algorithm", allocator),
                ("enable_verifier", verify),
                ("is_pic", "false"),
                ("use_colocated_libcalls", "false"),
                // Frames of more than a page are touched page by page, so that none reaches past a guard.
                ("enable_probestack", "true"),
                ("probestack_strategy", "inline"),
                ("unwind_info", "false"),
                ("preserve_frame_pointers", "false"),
            ] {
                flags.set(name, value).map_err(|e| e.to_string())?;
            }
            builder.finish(Flags::new(flags)).map_err(|e| e.to_string())
        };
        let isa = isa_with("backtracking")?;
        let enabled =
            |name: &str| isa.isa_flags().iter().any(|f| f.name == name && f.as_bool() == Some(true));
        let blend = match isa.name() {
            "x64" => enabled("has_sse41"),
            "aarch64" => false,
            other => return Err(format!("{other} has no 128-bit vectors in Cranelift")),
        };
        Ok(TargetMachine { quick: isa_with("single_pass")?, isa, blend })
    }
}
