//! What stands for the code generators in a build without the feature `jit`: no processor has native code.

use std::convert::Infallible;

use nc_runtime::abi::Args;
use nc_runtime::batch::KernelShape;
use nc_runtime::lanes::Precision;

use super::error::CodegenError;
use crate::lower::lanes::LaneProgram;

fn absent<T>() -> Result<T, CodegenError> {
    Err(CodegenError::Host("this build has no code generators".into()))
}

/// Machine code, of which there is none.
#[derive(Debug)]
pub struct Nothing(Infallible);

impl Nothing {
    /// The columns and memory that the code works on.
    pub fn shape(&self) -> &KernelShape {
        match self.0 {}
    }

    /// Rows of a lane group.
    pub fn lanes(&self) -> usize {
        match self.0 {}
    }

    /// The instruction set that it uses.
    pub fn isa(&self) -> wide::Isa {
        match self.0 {}
    }

    /// Size of the machine code in bytes.
    pub fn code_bytes(&self) -> usize {
        match self.0 {}
    }

    /// Evaluates `args.rows` rows.
    ///
    /// # Safety
    ///
    /// None is needed: there is no value to call this on.
    pub unsafe fn run(&self, _: &Args) -> u32 {
        match self.0 {}
    }
}

/// In place of the Cranelift tier.
pub mod cranelift {
    use super::{CodegenError, LaneProgram, Precision, absent};

    pub use super::Nothing as NativeCode;

    /// The processor that code is generated for, of which there is none.
    #[derive(Debug, Clone)]
    pub struct TargetMachine(std::convert::Infallible);

    impl TargetMachine {
        /// This machine.
        ///
        /// # Errors
        ///
        /// Always.
        pub fn host() -> Result<TargetMachine, CodegenError> {
            absent()
        }

        /// The processor of a target triple.
        ///
        /// # Errors
        ///
        /// Always.
        pub fn with_features(_: &str, _: &[&str]) -> Result<TargetMachine, CodegenError> {
            absent()
        }
    }

    pub(crate) fn lanes(_: Precision) -> usize {
        1
    }

    pub(crate) fn compile(_: &LaneProgram, target: &TargetMachine) -> Result<NativeCode, CodegenError> {
        match target.0 {}
    }

    pub(crate) fn clif(_: &LaneProgram, target: &TargetMachine) -> String {
        match target.0 {}
    }

    pub(crate) fn assembly(_: &LaneProgram, target: &TargetMachine) -> Result<String, CodegenError> {
        match target.0 {}
    }
}

/// In place of the wide tier.
pub mod wide {
    use super::{CodegenError, LaneProgram, absent};

    pub use super::Nothing as WideCode;

    /// A vector instruction set.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Isa {
        /// 256-bit vectors.
        Avx2,
        /// 512-bit vectors.
        Avx512,
    }

    impl Isa {
        /// Whether this processor has it and there is a code generator for it.
        pub fn is_available(self) -> bool {
            false
        }

        /// The widest that is available.
        pub fn best() -> Option<Isa> {
            None
        }
    }

    pub(crate) fn compile(_: &LaneProgram, _: Isa) -> Result<WideCode, CodegenError> {
        absent()
    }

    pub(crate) fn assembly(_: &LaneProgram, _: Isa) -> Result<String, CodegenError> {
        absent()
    }
}
