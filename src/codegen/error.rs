//! Why there is no machine code.

/// Why a program could not be compiled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodegenError {
    /// There is no code generator for this processor.
    #[error("no native code for this processor: {0}")]
    Host(String),
    /// The wide tier failed at its own code.
    #[error("code generation failed: {0}")]
    Wide(String),
    /// Cranelift refused the code it was given.
    #[error("code generation failed: {0}")]
    Cranelift(String),
    /// There is no memory for code.
    #[error(transparent)]
    Memory(#[from] nc_runtime::memory::CodeMemoryError),
}
