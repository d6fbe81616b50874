//! The wide tier: 256- and 512-bit vectors of x86-64 (AVX2 with FMA, AVX-512).
//!
//! * `isa`: the instruction sets and their registers;
//! * `fold`: what one instruction of the machine can do of a lane program;
//! * `select`, `rows`: from a lane program to machine code with virtual registers (`machine`) and constants (`pool`);
//! * registers are allocated by the `regalloc2` crate, bytes come from `encode` with the `iced-x86` crate;
//! * [`listing`]: the bytes as text.

mod encode;
mod fold;
mod isa;
pub mod listing;
mod machine;
mod pool;
mod rows;
mod select;

use nc_runtime::abi::Args;
use nc_runtime::batch::KernelShape;
use nc_runtime::memory::CodeBlock;
use regalloc2::{Algorithm, Ctx, RegallocOptions};

pub use self::isa::Isa;

use self::encode::{Assembler, Placed, Role};
use self::fold::Folding;
use self::machine::Function;
use self::pool::Pool;
use self::rows::{BypassPlan, FunctionPlan};
use super::error::CodegenError;
use super::interleave;
use super::layout::{self, Plan, Resources};
use crate::chaos;
use crate::lower::bypass::Bypass;
use crate::lower::lanes::LaneProgram;

/// A kernel, by the System V convention on every system.
type WideFn = unsafe extern "sysv64" fn(*const Args) -> u32;

fn resources(isa: Isa) -> Resources {
    Resources {
        vector_bytes: isa.bytes(),
        registers: match isa {
            Isa::Avx2 => 13,
            Isa::Avx512 => 27,
        },
        most_groups: 8,
        cycles: match isa {
            Isa::Avx2 => 0.5,
            Isa::Avx512 => 0.7,
        },
        spill: 4.0,
        whole_size: 3000,
        whole_loops: 6000,
        piece_size: 1000,
        nan_branch_groups: None,
    }
}

/// Machine code of a lane program.
#[derive(Debug)]
pub struct WideCode {
    isa: Isa,
    pieces: Vec<WideFn>,
    /// Rows that go through all pieces before the next rows do.
    tile: usize,
    shape: KernelShape,
    block: CodeBlock,
}

impl WideCode {
    /// The columns and memory that the code works on.
    pub fn shape(&self) -> &KernelShape {
        &self.shape
    }

    /// Rows of a lane group.
    pub fn lanes(&self) -> usize {
        self.isa.lanes(self.shape.precision)
    }

    /// The instruction set that it uses.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Size of the machine code in bytes, constants included.
    pub fn code_bytes(&self) -> usize {
        self.block.len()
    }

    /// Evaluates `args.rows` rows.
    ///
    /// # Safety
    ///
    /// `args` satisfies the calling convention of [`nc_runtime::abi`] for [`WideCode::shape`], row numbers are
    /// multiples of [`WideCode::lanes`], and there is as much stack as the shape says.
    pub unsafe fn run(&self, args: &Args) -> u32 {
        if let [single] = self.pieces[..] {
            // SAFETY: the caller vouches for `args`; the code was generated for this calling convention and an
            // instruction set that the processor has, and lives as long as `self`.
            return unsafe { single(args) };
        }
        let mut flagged = 0;
        let end = args.first_row + args.rows;
        for first_row in (args.first_row..end).step_by(self.tile) {
            let part = Args { first_row, rows: self.tile.min(end - first_row), ..*args };
            for piece in &self.pieces {
                // SAFETY: as above; a part of the rows is as good as all of them.
                flagged |= unsafe { piece(&part) };
            }
        }
        flagged
    }
}

/// The bytes of a program, and where its functions are.
struct Assembled {
    bytes: Vec<u8>,
    /// Where code begins, behind the constants.
    start: usize,
    pieces: Vec<Placed>,
    functions: Vec<Placed>,
}

/// Programs that store more results, such as large Jacobian matrices, get the register allocator whose time is linear in the uses
/// of a value: most of their stores may be of one and the same zero.
const MAX_STORES: usize = 1 << 14;

fn assemble<'p>(
    program: &'p LaneProgram,
    plan: &Plan,
    isa: Isa,
    pool: &'p mut Pool<'p>,
) -> Result<Assembled, CodegenError> {
    let folding = Folding::of(program, &plan.pieces.list, &[], isa);
    let bypass = match (plan.pieces.list.len(), plan.interleave) {
        (1, 1) => Bypass::of(program),
        _ => None,
    };
    let bypass = bypass.as_ref().map(|bypass| {
        let groups = interleave::choose(&bypass.program, &resources(isa).perturbed()).groups;
        BypassPlan::of(bypass, groups, isa)
    });
    let pieces: Vec<Function> = (0..plan.pieces.list.len())
        .map(|index| rows::piece(program, plan, &folding, index, bypass.as_ref(), isa, pool))
        .collect();
    let functions: Vec<Function> = program
        .functions
        .iter()
        .map(|function| rows::function(&FunctionPlan::of(function, isa), plan, isa, pool))
        .collect();
    let environment = isa.environment();
    let many = pieces.len() > 1 || program.stores.len() > MAX_STORES;
    let options = RegallocOptions {
        verbose_log: false,
        validate_ssa: cfg!(debug_assertions),
        algorithm: if chaos::choose("linear allocation", many, &[true, false]) {
            Algorithm::Fastalloc
        } else {
            Algorithm::Ion
        },
    };
    let mut context = Ctx::default();
    let mut assembler = Assembler::new(pool);
    let mut place = |function: &Function, role: Role| {
        let allocation = regalloc2::run_with_ctx(function, &environment, &options, &mut context)
            .map_err(|e| CodegenError::Wide(format!("{e:?}")))?;
        assembler.function(function, allocation, role).map_err(|e| CodegenError::Wide(e.to_string()))
    };
    let pieces = pieces.iter().map(|f| place(f, Role::Kernel)).collect::<Result<Vec<_>, _>>()?;
    let functions = functions.iter().map(|f| place(f, Role::Callee)).collect::<Result<Vec<_>, _>>()?;
    let (bytes, start) = assembler.finish(&functions);
    Ok(Assembled { bytes, start, pieces, functions })
}

/// Compiles a program.
///
/// # Errors
///
/// The processor does not have the instruction set, there is no memory for code, or a register allocation or encoding
/// failed, which is our fault.
pub fn compile(program: &LaneProgram, isa: Isa) -> Result<WideCode, CodegenError> {
    if !isa.is_available() {
        return Err(CodegenError::Host(format!("it has no {isa}")));
    }
    let plan = Plan::of(program, &resources(isa));
    let mut pool = Pool::new(isa, program.precision, &program.tables);
    let Assembled { bytes, pieces, functions, .. } = assemble(program, &plan, isa, &mut pool)?;
    let block = super::arena().install(&bytes, 64)?;
    let largest = |placed: &[Placed]| placed.iter().map(|placed| placed.stack).max().unwrap_or(0);
    let stack_bytes = layout::stack_bytes(program, largest(&pieces), largest(&functions));
    let pieces = pieces
        .iter()
        .map(|placed| {
            // SAFETY: the offset is that of a function inside the block.
            let entry = unsafe { block.code_ptr().add(placed.offset) };
            // SAFETY: it has this signature, and outlives the pointer, as both go into one `WideCode`.
            unsafe { std::mem::transmute::<*const u8, WideFn>(entry) }
        })
        .collect();
    let columns = program.columns;
    let shape = KernelShape {
        precision: program.precision,
        inputs: columns.inputs as usize,
        outputs: columns.outputs as usize,
        params: columns.params as usize,
        param_gradients: columns.partials as usize,
        kept: columns.kept as usize,
        products: program.products.clone(),
        reports_status: program.status.is_some(),
        scratch_bytes: plan.scratch_bytes(),
        stack_bytes,
        instructions: plan.instructions(program, isa.lanes(program.precision)),
    };
    Ok(WideCode { isa, pieces, tile: plan.tile, shape, block })
}

/// The machine code of a program as text, for any processor.
///
/// # Errors
///
/// A register allocation or encoding failed, which is our fault.
pub fn assembly(program: &LaneProgram, isa: Isa) -> Result<String, CodegenError> {
    let plan = Plan::of(program, &resources(isa));
    let mut pool = Pool::new(isa, program.precision, &program.tables);
    let Assembled { bytes, start, pieces, functions } = assemble(program, &plan, isa, &mut pool)?;
    Ok(listing::of(&bytes, start, program.precision, &pieces, &functions))
}
