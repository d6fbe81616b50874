//! Lane program → machine code.
//!
//! * [`cranelift`]: by Cranelift, in 128-bit vectors; [`wide`]: by ourselves, in 256- or 512-bit vectors;
//! * `layout`, `pieces`, `interleave`: what both need to know about a program first; `walk`: the order in which both go through it.

pub mod cranelift;
mod interleave;
mod layout;
mod pieces;
mod walk;
pub mod wide;

use std::sync::LazyLock;

use nc_runtime::memory::CodeArena;

/// Where all code lives.
fn arena() -> CodeArena {
    static ARENA: LazyLock<CodeArena> = LazyLock::new(CodeArena::new);
    #[cfg(test)]
    if tests::REFUSING.get() {
        return CodeArena::refusing();
    }
    ARENA.clone()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use crate::codegen::cranelift::CodegenError;
    use crate::kernel::KernelError;
    use crate::{CompileOptions, Error, Program, Tier};

    thread_local! {
        /// Whether the system denies this thread memory for code.
        pub(super) static REFUSING: Cell<bool> = const { Cell::new(false) };
    }

    #[test]
    fn without_memory_for_code_programs_are_interpreted() {
        let program = Program::parse("(+ (* x x) 1)").expect("a program");
        REFUSING.set(true);
        let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
        assert_eq!(kernel.tier(), Tier::Interpret);
        assert_eq!(kernel.columns(&[&[2.0, 3.0][..]]).expect("values"), [[5.0, 10.0]]);
        let [note] = kernel.notes() else { panic!("{:?}", kernel.notes()) };
        assert!(note.starts_with("interpreted: the system refused"), "{note}");
        for tier in Tier::available().into_iter().filter(|&tier| tier != Tier::Interpret) {
            let refused = program.compile(&CompileOptions { tier, ..CompileOptions::default() });
            let Err(Error::Kernel(KernelError::Codegen(CodegenError::Memory(_)))) = refused else {
                panic!("{tier}: {refused:?}")
            };
        }
        REFUSING.set(false);
        let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
        assert_eq!(Some(kernel.tier()), Tier::available().first().copied());
    }
}
