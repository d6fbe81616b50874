//! The Cranelift tier: two lanes of binary64 or four of binary32 in 128-bit vectors, on x86-64. With the
//! feature `arm64` it makes code for aarch64, too.
//!
//! * [`target`]: the processors that code can be generated for;
//! * `emit`: one function, from instructions to Cranelift IR.

mod emit;
pub mod target;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use cranelift::codegen::Context;
use cranelift::codegen::control::ControlPlane;
use cranelift::codegen::ir::{self, AbiParam, types};
use cranelift::codegen::isa::OwnedTargetIsa;
use cranelift::frontend::FunctionBuilderContext;
use cranelift_jit::{BranchProtection, JITBuilder, JITMemoryKind, JITMemoryProvider, JITModule};
use cranelift_module::{Linkage, Module, ModuleResult};
use nc_runtime::abi::{Args, KernelFn};
use nc_runtime::batch::KernelShape;
use nc_runtime::lanes::Precision;
use nc_runtime::memory::{CodeArena, CodeBlock, CodeMemoryError, Reservation};

use self::emit::{Emitter, FunctionPlan, NAN_BRANCH_GROUPS};
pub use self::target::TargetMachine;
use super::error::CodegenError;
use super::layout::{self, Plan, Resources};
use crate::lower::lanes::LaneProgram;

/// Bytes of a vector.
const VECTOR_BYTES: usize = 16;

/// Rows of one lane group.
pub fn lanes(precision: Precision) -> usize {
    VECTOR_BYTES / precision.bytes()
}

const RESOURCES: Resources = Resources {
    vector_bytes: VECTOR_BYTES,
    registers: 13,
    most_groups: NAN_BRANCH_GROUPS,
    cycles: 0.5,
    spill: 1e6,
    whole_size: 1000,
    whole_loops: 6000,
    piece_size: 400,
    nan_branch_groups: Some(NAN_BRANCH_GROUPS),
};

/// At least what a frame holds above its frame pointer: that of the caller, and the return address.
const FRAME_BYTES: usize = 64;

/// A constant in every lane of a group.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
struct Constant([u64; VECTOR_BYTES / 8]);

impl Constant {
    fn repeating(word: u64) -> Constant {
        Constant([word; VECTOR_BYTES / 8])
    }
}

/// Machine code of a lane program.
#[derive(Debug)]
pub struct NativeCode {
    pieces: Vec<KernelFn>,
    /// Rows that go through all pieces before the next rows do.
    tile: usize,
    shape: KernelShape,
    blocks: Vec<CodeBlock>,
    /// What the code's constant operands refer to.
    _constants: Box<[Constant]>,
}

impl NativeCode {
    /// The columns and memory that the code works on.
    pub fn shape(&self) -> &KernelShape {
        &self.shape
    }

    /// Size of the machine code in bytes.
    pub fn code_bytes(&self) -> usize {
        self.blocks.iter().map(CodeBlock::len).sum()
    }

    /// Evaluates `args.rows` rows.
    ///
    /// # Safety
    ///
    /// `args` satisfies the calling convention of [`nc_runtime::abi`] for [`NativeCode::shape`], row numbers are
    /// multiples of [`lanes`], and there is as much stack as the shape says.
    pub unsafe fn run(&self, args: &Args) -> u32 {
        if let [single] = self.pieces[..] {
            // SAFETY: the caller vouches for `args`; the code was generated for this calling convention and lives as
            // long as `self`.
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

/// Compiles a program for this machine.
///
/// # Errors
///
/// The processor has no back end, there is no memory for code, or Cranelift refuses its input, which is our fault.
pub fn compile(program: &LaneProgram, target: &TargetMachine) -> Result<NativeCode, CodegenError> {
    let plan = Plan::of(program, &RESOURCES);
    let memory = ModuleMemory { arena: super::arena(), given: Arc::default() };
    let given = memory.given.clone();
    let mut builder =
        JITBuilder::with_isa(isa(&plan, target).clone(), cranelift_module::default_libcall_names());
    builder.memory_provider(Box::new(memory));
    builder.symbols(library_calls());
    for (k, table) in program.tables.iter().enumerate() {
        builder.symbol(table_name(k), table.as_ptr().cast());
    }
    // Behind the constants stand the addresses of the program's functions, once they are known.
    let addresses = program.functions.iter().map(|_| Constant::repeating(0));
    let mut constants: Box<[Constant]> =
        plan.pool.iter().map(|&word| Constant::repeating(word)).chain(addresses).collect();
    builder.symbol("constants", constants.as_ptr().cast());
    let mut module = JITModule::new(builder);
    let failed = |e: &dyn std::fmt::Display| CodegenError::Cranelift(e.to_string());

    let mut data = Vec::new();
    for name in std::iter::once("constants".to_string()).chain((0..program.tables.len()).map(table_name)) {
        data.push(module.declare_data(&name, Linkage::Import, false, false).map_err(|e| failed(&e))?);
    }
    let (mut entry_frame, mut callee_frame) = (0, 0);
    let compiled = with_contexts(|contexts| {
        let mut functions = Vec::new();
        for index in 0..plan.pieces.list.len() {
            contexts.codegen.clear();
            let function = &mut contexts.codegen.func;
            function.signature = signature(target);
            let mut symbols = data.iter().map(|&id| module.declare_data_in_func(id, function));
            let symbols = Symbols::of(&mut symbols);
            Emitter::emit(program, &plan, index, &symbols, target, function, &mut contexts.frontend);
            let id = module.declare_anonymous_function(&function.signature).map_err(|e| failed(&e))?;
            module
                .define_function_with_control_plane(id, &mut contexts.codegen, &mut ControlPlane::default())
                .map_err(|e| failed(&e))?;
            entry_frame = entry_frame.max(frame_bytes(&contexts.codegen)?);
            functions.push(id);
        }
        let mut callees = Vec::new();
        for function in &program.functions {
            contexts.codegen.clear();
            let code = &mut contexts.codegen.func;
            code.signature = function_signature(target);
            let mut symbols = data.iter().map(|&id| module.declare_data_in_func(id, code));
            let symbols = Symbols::of(&mut symbols);
            let own = FunctionPlan::of(function);
            Emitter::emit_function(&own, &plan, &symbols, target, code, &mut contexts.frontend);
            let id = module.declare_anonymous_function(&code.signature).map_err(|e| failed(&e))?;
            module
                .define_function_with_control_plane(id, &mut contexts.codegen, &mut ControlPlane::default())
                .map_err(|e| failed(&e))?;
            callee_frame = callee_frame.max(frame_bytes(&contexts.codegen)?);
            callees.push(id);
        }
        module.finalize_definitions().map_err(|e| failed(&e))?;
        Ok::<_, CodegenError>((functions, callees))
    });
    let Given { reservations: reserved, refused } =
        std::mem::take(&mut *given.lock().unwrap_or_else(PoisonError::into_inner));
    // Cranelift says that there is no memory in words only.
    let (functions, callees) = match refused {
        Some(refused) => return Err(refused.into()),
        None => compiled?,
    };
    let mut entries = HashMap::new();
    let mut blocks = Vec::new();
    for reservation in reserved {
        let (written, runs) = (reservation.write_ptr(), reservation.code_ptr());
        entries.insert(written.cast_const(), runs);
        blocks.push(reservation.seal()?);
    }
    let mut pieces = Vec::new();
    for id in functions {
        let Some(&entry) = entries.get(&module.get_finalized_function(id)) else {
            return Err(CodegenError::Cranelift("a function has no memory of its own".into()));
        };
        // SAFETY: the block at `entry` holds a function of this signature, generated for the running machine (or, in
        // tests, for a subset of its features), and outlives the pointer, as both go into one `NativeCode`.
        pieces.push(unsafe { std::mem::transmute::<*const u8, KernelFn>(entry) });
    }
    for (slot, id) in constants[plan.pool.len()..].iter_mut().zip(callees) {
        let Some(&entry) = entries.get(&module.get_finalized_function(id)) else {
            return Err(CodegenError::Cranelift("a function has no memory of its own".into()));
        };
        *slot = Constant::repeating(entry as u64);
    }
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
        stack_bytes: layout::stack_bytes(program, entry_frame, callee_frame),
        instructions: plan.instructions(program, lanes(program.precision)),
    };
    Ok(NativeCode { pieces, tile: plan.tile, shape, blocks, _constants: constants })
}

/// The Cranelift IR of a program, as text.
pub fn clif(program: &LaneProgram, target: &TargetMachine) -> String {
    let plan = Plan::of(program, &RESOURCES);
    let mut text = String::new();
    with_contexts(|contexts| {
        for index in 0..plan.pieces.list.len() {
            let function = stand_alone(program, &plan, index, target, &mut contexts.frontend);
            let _ = writeln!(text, "{}", function.display());
        }
    });
    text
}

/// The machine code of a program, disassembled by Cranelift.
pub fn assembly(program: &LaneProgram, target: &TargetMachine) -> Result<String, CodegenError> {
    let plan = Plan::of(program, &RESOURCES);
    let mut text = String::new();
    with_contexts(|contexts| {
        for index in 0..plan.pieces.list.len() {
            let function = stand_alone(program, &plan, index, target, &mut contexts.frontend);
            let mut context = Context::for_function(function);
            context.want_disasm = true;
            let code = context
                .compile(&**isa(&plan, target), &mut ControlPlane::default())
                .map_err(|e| CodegenError::Cranelift(e.inner.to_string()))?;
            text.push_str(code.vcode.as_deref().unwrap_or(""));
            text.push('\n');
        }
        Ok(text)
    })
}

/// The compiler to use: the one that makes the best code, for large programs the one whose time is linear.
fn isa<'t>(plan: &Plan, target: &'t TargetMachine) -> &'t OwnedTargetIsa {
    if plan.pieces.list.len() == 1 { &target.isa } else { &target.quick }
}

/// A piece as a function outside any module, for dumps.
fn stand_alone(
    program: &LaneProgram,
    plan: &Plan,
    index: usize,
    target: &TargetMachine,
    frontend: &mut FunctionBuilderContext,
) -> ir::Function {
    let mut function = ir::Function::with_name_signature(ir::UserFuncName::default(), signature(target));
    let symbols: Vec<ir::GlobalValue> = (0..=program.tables.len())
        .map(|k| {
            let name = function.declare_imported_user_function(ir::UserExternalName::new(1, k as u32));
            function.create_global_value(ir::GlobalValueData::Symbol {
                name: ir::ExternalName::user(name),
                offset: 0.into(),
                colocated: false,
                tls: false,
            })
        })
        .collect();
    let symbols = Symbols::of(&mut symbols.into_iter());
    Emitter::emit(program, plan, index, &symbols, target, &mut function, frontend);
    function
}

/// What lies outside a function.
struct Symbols {
    pool: Option<ir::GlobalValue>,
    tables: Vec<ir::GlobalValue>,
}

impl Symbols {
    /// The pool of constants first, then the tables.
    fn of(symbols: &mut dyn Iterator<Item = ir::GlobalValue>) -> Symbols {
        Symbols { pool: symbols.next(), tables: symbols.collect() }
    }
}

fn table_name(k: usize) -> String {
    format!("table{k}")
}

/// What a function of the program takes: the kernel's arguments, and how many calls may be nested in this one.
fn function_signature(target: &TargetMachine) -> ir::Signature {
    let mut signature = ir::Signature::new(target.isa.default_call_conv());
    signature.params.extend([AbiParam::new(types::I64), AbiParam::new(types::I64)]);
    signature
}

/// Stack that a call of the function just compiled takes.
fn frame_bytes(compiled: &Context) -> Result<usize, CodegenError> {
    let layout = compiled.compiled_code().and_then(|code| code.buffer.frame_layout());
    let layout = layout.ok_or_else(|| CodegenError::Cranelift("a function has no frame layout".into()))?;
    Ok(layout.frame_to_fp_offset as usize + FRAME_BYTES)
}

fn signature(target: &TargetMachine) -> ir::Signature {
    let mut signature = ir::Signature::new(target.isa.default_call_conv());
    signature.params.push(AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Compilation state that is worth keeping from one program to the next.
struct Contexts {
    codegen: Context,
    frontend: FunctionBuilderContext,
}

fn with_contexts<R>(work: impl FnOnce(&mut Contexts) -> R) -> R {
    thread_local! {
        static CONTEXTS: std::cell::RefCell<Option<Contexts>> = const { std::cell::RefCell::new(None) };
    }
    // Taken out while in use: a compilation that panics or is entered again starts from fresh ones.
    let mut contexts = CONTEXTS
        .with(|c| c.take())
        .unwrap_or_else(|| Contexts { codegen: Context::new(), frontend: FunctionBuilderContext::new() });
    let result = work(&mut contexts);
    CONTEXTS.with(|c| c.replace(Some(contexts)));
    result
}

/// Memory for one module: each function becomes a block of the arena, which outlives the module.
struct ModuleMemory {
    arena: CodeArena,
    given: Arc<Mutex<Given>>,
}

/// What a module asked for.
#[derive(Default)]
struct Given {
    reservations: Vec<Reservation>,
    refused: Option<CodeMemoryError>,
}

impl JITMemoryProvider for ModuleMemory {
    fn allocate(&mut self, size: usize, align: u64, _: JITMemoryKind) -> std::io::Result<*mut u8> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        match self.arena.reserve(size, align as usize) {
            Ok(reservation) => {
                let write = reservation.write_ptr();
                given.reservations.push(reservation);
                Ok(write)
            }
            Err(refused) => {
                let text = refused.to_string();
                given.refused = Some(refused);
                Err(std::io::Error::other(text))
            }
        }
    }
    unsafe fn free_memory(&mut self) {}
    fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
        Ok(())
    }
}

/// What Cranelift calls where an instruction is missing.
fn library_calls() -> [(&'static str, *const u8); 10] {
    extern "C" fn fma(a: f64, b: f64, c: f64) -> f64 {
        a.mul_add(b, c)
    }
    extern "C" fn floor(a: f64) -> f64 {
        a.floor()
    }
    extern "C" fn ceil(a: f64) -> f64 {
        a.ceil()
    }
    extern "C" fn trunc(a: f64) -> f64 {
        a.trunc()
    }
    extern "C" fn nearest(a: f64) -> f64 {
        a.round_ties_even()
    }
    extern "C" fn fma_single(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
    extern "C" fn floor_single(a: f32) -> f32 {
        a.floor()
    }
    extern "C" fn ceil_single(a: f32) -> f32 {
        a.ceil()
    }
    extern "C" fn trunc_single(a: f32) -> f32 {
        a.trunc()
    }
    extern "C" fn nearest_single(a: f32) -> f32 {
        a.round_ties_even()
    }
    [
        ("fmaf", fma_single as *const u8),
        ("floorf", floor_single as *const u8),
        ("ceilf", ceil_single as *const u8),
        ("truncf", trunc_single as *const u8),
        ("nearbyintf", nearest_single as *const u8),
        ("fma", fma as *const u8),
        ("floor", floor as *const u8),
        ("ceil", ceil as *const u8),
        ("trunc", trunc as *const u8),
        ("nearbyint", nearest as *const u8),
    ]
}
