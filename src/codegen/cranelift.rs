//! The Cranelift tier: two lanes in 128-bit vectors, on x86-64 and aarch64.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::mem::offset_of;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use cranelift::codegen::Context;
use cranelift::codegen::control::ControlPlane;
use cranelift::codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift::codegen::ir::immediates::Offset32;
use cranelift::codegen::ir::{self, AbiParam, BlockArg, ConstantData, InstBuilder, MemFlagsData, types};
use cranelift::codegen::isa::{self, OwnedTargetIsa};
use cranelift::codegen::settings::{self, Configurable, Flags};
use cranelift::frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{BranchProtection, JITBuilder, JITMemoryKind, JITMemoryProvider, JITModule};
use cranelift_module::{Linkage, Module, ModuleResult};
use nc_runtime::abi::{Args, KernelFn, PARTIALS};
use nc_runtime::batch::KernelShape;
use nc_runtime::memory::{CodeArena, CodeBlock, Reservation};

use super::interleave::{self, Interleave};
use super::pieces::{self, Piece, Pieces, is_leaf, store_piece};
use crate::entity::{Entity, EntityVec};
use crate::graph::canonical_bits;
use crate::lower::lanes::{
    FBinary, FCompare, FUnary, IBinary, Inst, LaneProgram, LaneType, Store, Target, Value,
};

/// Rows of one lane group.
pub const LANES: usize = 2;

/// Programs with more instructions than this are compiled in pieces, by the quick register allocator. The other one's
/// time grows faster than the number of values that are alive together.
const WHOLE_SIZE: usize = 1000;

/// Instructions of a piece.
const PIECE_SIZE: usize = 400;

/// Scratch memory of a program in pieces: so much that it stays in the second-level cache.
const SCRATCH_BYTES: usize = 256 << 10;

/// Where so many groups are worked on side by side, their NaNs are looked for together.
const NAN_BRANCH_GROUPS: usize = 4;

/// A column is loaded again if so many instructions lie between two uses.
const RELOAD_AFTER: usize = 24;

/// Column pointers that the loop keeps in registers; those of further columns are loaded in each iteration.
const HOISTED_POINTERS: usize = 10;

/// Why a program could not be compiled.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// Cranelift has no back end with 128-bit vectors for this processor.
    #[error("no native code for this processor: {0}")]
    Host(String),
    /// Cranelift refused the code it was given.
    #[error("code generation failed: {0}")]
    Cranelift(String),
    /// There is no memory for code.
    #[error(transparent)]
    Memory(#[from] nc_runtime::memory::CodeMemoryError),
}

/// A constant in every lane of a group.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
struct Constant([u64; LANES]);

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
    /// `args` satisfies the calling convention of [`nc_runtime::abi`] for [`NativeCode::shape`], and row numbers are
    /// multiples of [`LANES`].
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

/// The processor that code is generated for.
#[derive(Clone)]
pub struct TargetMachine {
    /// With the register allocator that makes the best code.
    isa: OwnedTargetIsa,
    /// With the one whose time is linear, for large programs.
    quick: OwnedTargetIsa,
    /// Whether `blendv` exists.
    blend: bool,
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
                ("enable_probestack", "false"),
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

/// Compiles a program for this machine.
///
/// # Errors
///
/// The processor has no back end, there is no memory for code, or Cranelift refuses its input, which is our fault.
pub fn compile(program: &LaneProgram, target: &TargetMachine) -> Result<NativeCode, CodegenError> {
    static ARENA: LazyLock<CodeArena> = LazyLock::new(CodeArena::new);
    let plan = Plan::of(program);
    let memory = ModuleMemory { arena: ARENA.clone(), reservations: Arc::default() };
    let reservations = memory.reservations.clone();
    let mut builder =
        JITBuilder::with_isa(plan.isa(target).clone(), cranelift_module::default_libcall_names());
    builder.memory_provider(Box::new(memory));
    builder.symbols(library_calls());
    for (k, table) in program.tables.iter().enumerate() {
        builder.symbol(table_name(k), table.as_ptr().cast());
    }
    let constants: Box<[Constant]> = plan.pool.iter().map(|&bits| Constant([bits; LANES])).collect();
    builder.symbol("constants", constants.as_ptr().cast());
    let mut module = JITModule::new(builder);
    let failed = |e: &dyn std::fmt::Display| CodegenError::Cranelift(e.to_string());

    let mut data = Vec::new();
    for name in std::iter::once("constants".to_string()).chain((0..program.tables.len()).map(table_name)) {
        data.push(module.declare_data(&name, Linkage::Import, false, false).map_err(|e| failed(&e))?);
    }
    let functions = with_contexts(|contexts| {
        let mut functions = Vec::new();
        for piece in &plan.pieces.list {
            contexts.codegen.clear();
            let function = &mut contexts.codegen.func;
            function.signature = signature(target);
            let mut symbols = data.iter().map(|&id| module.declare_data_in_func(id, function));
            let symbols = Symbols::of(&mut symbols);
            Emitter::emit(program, &plan, piece, &symbols, target, function, &mut contexts.frontend);
            let id = module.declare_anonymous_function(&function.signature).map_err(|e| failed(&e))?;
            module
                .define_function_with_control_plane(id, &mut contexts.codegen, &mut ControlPlane::default())
                .map_err(|e| failed(&e))?;
            functions.push(id);
        }
        module.finalize_definitions().map_err(|e| failed(&e))?;
        Ok::<_, CodegenError>(functions)
    })?;

    let reserved = std::mem::take(&mut *reservations.lock().unwrap_or_else(PoisonError::into_inner));
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
    let columns = program.columns;
    let shape = KernelShape {
        inputs: columns.inputs as usize,
        outputs: columns.outputs as usize,
        params: columns.params as usize,
        param_gradients: columns.partials as usize,
        reports_status: program.status.is_some(),
        scratch_bytes: plan.tile * plan.pieces.slots as usize * size_of::<f64>(),
    };
    Ok(NativeCode { pieces, tile: plan.tile, shape, blocks, _constants: constants })
}

/// The Cranelift IR of a program, as text.
pub fn clif(program: &LaneProgram, target: &TargetMachine) -> String {
    let plan = Plan::of(program);
    let mut text = String::new();
    with_contexts(|contexts| {
        for piece in &plan.pieces.list {
            let function = stand_alone(program, &plan, piece, target, &mut contexts.frontend);
            let _ = writeln!(text, "{}", function.display());
        }
    });
    text
}

/// The machine code of a program, disassembled by Cranelift.
pub fn assembly(program: &LaneProgram, target: &TargetMachine) -> Result<String, CodegenError> {
    let plan = Plan::of(program);
    let mut text = String::new();
    with_contexts(|contexts| {
        for piece in &plan.pieces.list {
            let function = stand_alone(program, &plan, piece, target, &mut contexts.frontend);
            let mut context = Context::for_function(function);
            context.want_disasm = true;
            let code = context
                .compile(&**plan.isa(target), &mut ControlPlane::default())
                .map_err(|e| CodegenError::Cranelift(e.inner.to_string()))?;
            text.push_str(code.vcode.as_deref().unwrap_or(""));
            text.push('\n');
        }
        Ok(text)
    })
}

/// A piece as a function outside any module, for dumps.
fn stand_alone(
    program: &LaneProgram,
    plan: &Plan,
    piece: &Piece,
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
    Emitter::emit(program, plan, piece, &symbols, target, &mut function, frontend);
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
    reservations: Arc<Mutex<Vec<Reservation>>>,
}

impl JITMemoryProvider for ModuleMemory {
    fn allocate(&mut self, size: usize, align: u64, _: JITMemoryKind) -> std::io::Result<*mut u8> {
        let reservation = self.arena.reserve(size, align as usize).map_err(std::io::Error::other)?;
        let write = reservation.write_ptr();
        self.reservations.lock().unwrap_or_else(PoisonError::into_inner).push(reservation);
        Ok(write)
    }
    unsafe fn free_memory(&mut self) {}
    fn finalize(&mut self, _: BranchProtection) -> ModuleResult<()> {
        Ok(())
    }
}

/// What Cranelift calls where an instruction is missing.
fn library_calls() -> [(&'static str, *const u8); 5] {
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
    [
        ("fma", fma as *const u8),
        ("floor", floor as *const u8),
        ("ceil", ceil as *const u8),
        ("trunc", trunc as *const u8),
        ("nearbyint", nearest as *const u8),
    ]
}

/// How a program is laid out as code.
struct Plan {
    pieces: Pieces,
    /// Rows that go through all pieces before the next rows do.
    tile: usize,
    /// Lane groups that an iteration of the main loop works on.
    interleave: usize,
    /// The constants that are loaded from memory, sorted.
    pool: Vec<u64>,
    /// Those of them that stay in registers.
    hoisted: Vec<u64>,
}

/// Whether a constant takes one cheap instruction and no memory.
fn is_made(bits: u64) -> bool {
    bits == 0 || bits == u64::MAX
}

impl Plan {
    /// The compiler to use.
    fn isa<'t>(&self, target: &'t TargetMachine) -> &'t OwnedTargetIsa {
        if self.pieces.list.len() == 1 { &target.isa } else { &target.quick }
    }

    fn of(program: &LaneProgram) -> Plan {
        let whole = program.insts.len() <= WHOLE_SIZE;
        let pieces = pieces::cut(program, if whole { program.insts.len() } else { PIECE_SIZE });
        let per_row = pieces.slots.max(1) as usize * size_of::<f64>();
        let mut pool: Vec<u64> = program
            .insts
            .values()
            .filter_map(|inst| match *inst {
                Inst::F(bits) => Some(bits),
                Inst::I(value) => Some(value.cast_unsigned()),
                _ => None,
            })
            .collect();
        pool.sort_unstable();
        pool.dedup();
        let Interleave { groups: interleave, spare } = match whole {
            true => interleave::choose(program),
            false => Interleave { groups: 1, spare: 0 },
        };
        // Every result meets the canonical NaN, unless NaNs are looked for together; what is loaded from memory costs
        // more than what is made.
        let nan = canonical_bits(f64::NAN);
        let mut hoisted = pool.clone();
        if interleave == NAN_BRANCH_GROUPS {
            hoisted.retain(|&bits| bits != nan);
        }
        hoisted.sort_by_key(|&bits| (bits != nan, is_made(bits)));
        hoisted.truncate(spare);
        Plan { tile: (SCRATCH_BYTES / per_row / 16 * 16).clamp(16, 512), interleave, hoisted, pieces, pool }
    }
}

/// Emits one function.
struct Emitter<'a, 'f> {
    program: &'a LaneProgram,
    target: &'a TargetMachine,
    tables: &'a [ir::GlobalValue],
    b: FunctionBuilder<'f>,
    /// The code of each value, for each of the lane groups that an iteration works on.
    values: Vec<EntityVec<Value, Option<ir::Value>>>,
    tile: usize,
    inputs: ColumnPointers,
    outputs: ColumnPointers,
    params: ir::Value,
    partials: ir::Value,
    scratch: ir::Value,
    pool: ir::Value,
    pool_bits: &'a [u64],
    /// Constants that are in registers.
    hoisted: Vec<(u64, ir::Value)>,
    first: ir::Value,
    /// Byte offset of the iteration's first group in every column.
    row_offset: ir::Value,
    /// The group at hand.
    group: usize,
    /// Instructions that only turn the NaNs of a result into the canonical one.
    canonical: EntityVec<Value, bool>,
    /// Instructions emitted so far.
    step: usize,
    /// When each column was last loaded, by the step.
    loaded: Vec<usize>,
}

/// The table of pointers to columns, and those of its entries that are in registers.
struct ColumnPointers {
    table: ir::Value,
    hoisted: Vec<Option<ir::Value>>,
}

/// What a piece leaves behind for each group of rows.
struct Results<'a> {
    stores: Vec<&'a Store>,
    status: Option<(Value, ir::Value)>,
}

/// Bytes that a lane group takes in a column.
const GROUP_BYTES: usize = LANES * size_of::<f64>();

fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

/// Column numbers are aligned to their size, not to the vector's.
fn unaligned() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

impl<'a, 'f> Emitter<'a, 'f> {
    fn emit(
        program: &'a LaneProgram,
        plan: &'a Plan,
        piece: &Piece,
        symbols: &'a Symbols,
        target: &'a TargetMachine,
        function: &'f mut ir::Function,
        context: &'f mut FunctionBuilderContext,
    ) {
        let last = plan.pieces.list.last().is_some_and(|p| p == piece);
        let mut stores: Vec<&Store> = program
            .stores
            .iter()
            .filter(|s| match store_piece(program, s.value, 0, 1) {
                0 => piece.insts.contains(&s.value.index()),
                _ => last,
            })
            .collect();
        stores.sort_by_key(|s| s.value);

        let mut b = FunctionBuilder::new(function, context);
        let entry = b.create_block();
        b.append_block_params_for_function_params(entry);
        b.switch_to_block(entry);
        let args = b.block_params(entry)[0];
        let field = |b: &mut FunctionBuilder, offset: usize| {
            b.ins().load(types::I64, flags().with_readonly(), args, Offset32::new(offset as i32))
        };
        let input_table = field(&mut b, offset_of!(Args, inputs));
        let output_table = field(&mut b, offset_of!(Args, outputs));
        let first_row = field(&mut b, offset_of!(Args, first_row));
        let rows = field(&mut b, offset_of!(Args, rows));
        // Unused ones cost nothing: they are dropped as dead code.
        let params = field(&mut b, offset_of!(Args, params));
        let partials = field(&mut b, offset_of!(Args, partials));
        let scratch = field(&mut b, offset_of!(Args, scratch));
        let status = program.status.filter(|_| last).map(|s| (s, field(&mut b, offset_of!(Args, status))));
        let pool = match symbols.pool {
            Some(pool) => b.ins().symbol_value(types::I64, pool),
            None => b.ins().iconst(types::I64, 0),
        };
        let first = b.ins().ishl_imm_u(first_row, 3);
        let length = b.ins().ishl_imm_u(rows, 3);
        let end = b.ins().iadd(first, length);

        let mut emitter = Emitter {
            program,
            target,
            tables: &symbols.tables,
            values: Vec::new(),
            tile: plan.tile,
            inputs: ColumnPointers {
                table: input_table,
                hoisted: vec![None; program.columns.inputs as usize],
            },
            outputs: ColumnPointers {
                table: output_table,
                hoisted: vec![None; program.columns.outputs as usize],
            },
            params,
            partials,
            scratch,
            pool,
            pool_bits: &plan.pool,
            hoisted: Vec::new(),
            first,
            row_offset: first,
            group: 0,
            canonical: canonicalising(program),
            step: 0,
            loaded: vec![0; program.columns.inputs as usize],
            b,
        };
        emitter.hoist_pointers(piece, &stores.iter().map(|s| s.target).collect::<Vec<_>>());
        for &bits in &plan.hoisted {
            let constant = emitter.splat(types::I64X2, bits);
            emitter.hoisted.push((bits, constant));
        }
        let results = Results { stores, status };
        let mut flagged = match results.status {
            Some(_) => vec![emitter.splat(types::I64X2, 0)],
            None => vec![],
        };
        let mut next = first;
        if plan.interleave > 1 {
            let step = (plan.interleave * GROUP_BYTES) as i64;
            let beyond = emitter.b.ins().band_imm_s(length, -step);
            let whole = emitter.b.ins().iadd(first, beyond);
            (next, flagged) = emitter.rows(piece, &results, plan.interleave, next, whole, &flagged);
        }
        (_, flagged) = emitter.rows(piece, &results, 1, next, end, &flagged);
        let result = match flagged.as_slice() {
            [words] => {
                let any = emitter.b.ins().vany_true(*words);
                emitter.b.ins().uextend(types::I32, any)
            }
            _ => emitter.b.ins().iconst(types::I32, 0),
        };
        emitter.b.ins().return_(&[result]);
        emitter.b.seal_all_blocks();
        emitter.b.finalize(target.isa.frontend_config());
    }

    /// A loop over the rows from `start` to `end`, `groups` lane groups at a time. Returns where it stopped and the
    /// status words of all rows so far, or-ed.
    fn rows(
        &mut self,
        piece: &Piece,
        results: &Results<'_>,
        groups: usize,
        start: ir::Value,
        end: ir::Value,
        flagged: &[ir::Value],
    ) -> (ir::Value, Vec<ir::Value>) {
        let body = self.b.create_block();
        let exit = self.b.create_block();
        for block in [body, exit] {
            self.b.append_block_param(block, types::I64);
            if !flagged.is_empty() {
                self.b.append_block_param(block, types::I64X2);
            }
        }
        let arguments = |row: ir::Value, flagged: &[ir::Value]| -> Vec<BlockArg> {
            [row].iter().chain(flagged).map(|&v| BlockArg::Value(v)).collect()
        };
        let some = self.b.ins().icmp(IntCC::UnsignedLessThan, start, end);
        let state = arguments(start, flagged);
        self.b.ins().brif(some, body, &state, exit, &state);

        self.b.switch_to_block(body);
        self.row_offset = self.b.block_params(body)[0];
        let before: Vec<ir::Value> = self.b.block_params(body)[1..].to_vec();
        self.values = vec![EntityVec::filled(None, self.program.insts.len()); groups];
        let after = self.iteration(piece, results, groups, &before);
        let next = self.b.ins().iadd_imm_u(self.row_offset, (groups * GROUP_BYTES) as i64);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, next, end);
        let state = arguments(next, &after);
        self.b.ins().brif(more, body, &state, exit, &state);

        self.b.switch_to_block(exit);
        let (row, flagged) = self.b.block_params(exit).split_at(1);
        (row[0], flagged.to_vec())
    }

    /// One iteration, its groups instruction by instruction side by side. Returns the or-ed status words.
    fn iteration(
        &mut self,
        piece: &Piece,
        results: &Results<'_>,
        groups: usize,
        flagged: &[ir::Value],
    ) -> Vec<ir::Value> {
        let program = self.program;
        for &(value, slot) in &piece.imports {
            let ty = vector_type(program.insts[value].ty());
            let address = self.scratch_address(slot);
            for group in 0..groups {
                let loaded = self.b.ins().load(ty, flags(), address, (group * GROUP_BYTES) as i32);
                self.values[group][value] = Some(loaded);
            }
        }
        let mut stores = results.stores.iter().peekable();
        let mut exports = piece.exports.iter().peekable();
        for index in piece.insts.clone() {
            let value = Value::from_index(index);
            // Constants and columns are loaded where they are used.
            let late = groups == NAN_BRANCH_GROUPS && self.canonical[value];
            if !late && !is_leaf(program.insts[value]) {
                self.step += 1;
                for group in 0..groups {
                    self.group = group;
                    self.value(value);
                }
            }
            while let Some(&(value, slot)) = exports.next_if(|e| e.0.index() <= index) {
                let address = self.scratch_address(slot);
                for group in 0..groups {
                    self.group = group;
                    let number = self.value(value);
                    self.b.ins().store(flags(), number, address, (group * GROUP_BYTES) as i32);
                }
            }
            // A result leaves as soon as it is there, so that it does not occupy a register.
            while let Some(store) = stores.next_if(|s| s.value.index() <= index) {
                self.store(store, groups);
            }
        }
        for store in stores {
            self.store(store, groups);
        }
        let mut flagged = flagged.to_vec();
        if let (Some((status, column)), Some(before)) = (results.status, flagged.first_mut()) {
            let address = self.b.ins().iadd(column, self.row_offset);
            for group in 0..groups {
                self.group = group;
                let words = self.value(status);
                self.b.ins().store(unaligned(), words, address, (group * GROUP_BYTES) as i32);
                *before = self.b.ins().bor(*before, words);
            }
        }
        flagged
    }

    fn store(&mut self, store: &Store, groups: usize) {
        match store.target {
            Target::Column(k) => {
                let column = self.output_column(k);
                let address = self.b.ins().iadd(column, self.row_offset);
                if let (NAN_BRANCH_GROUPS, Some(number)) = (groups, canonicalised(self.program, store.value))
                {
                    return self.store_unless_nan(number, address);
                }
                for group in 0..groups {
                    self.group = group;
                    let number = self.value(store.value);
                    self.b.ins().store(unaligned(), number, address, (group * GROUP_BYTES) as i32);
                }
            }
            Target::Partial(k) => {
                for group in 0..groups {
                    self.group = group;
                    let number = self.value(store.value);
                    self.accumulate(k, number);
                }
            }
        }
    }

    /// Stores four groups as they are, or with canonical NaNs if there is a NaN among them. One branch that is never
    /// taken costs less than four selections.
    fn store_unless_nan(&mut self, number: Value, address: ir::Value) {
        let mut numbers = [address; NAN_BRANCH_GROUPS];
        for (group, slot) in numbers.iter_mut().enumerate() {
            self.group = group;
            *slot = self.value(number);
        }
        let [a, b, c, d] = numbers;
        let some = self.b.ins().fcmp(FloatCC::Unordered, a, b);
        let others = self.b.ins().fcmp(FloatCC::Unordered, c, d);
        let either = self.b.ins().bor(some, others);
        let any = self.b.ins().vany_true(either);
        let [with_nan, without, after] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(with_nan);
        self.b.ins().brif(any, with_nan, &[], without, &[]);
        for (block, canonical) in [(without, false), (with_nan, true)] {
            self.b.switch_to_block(block);
            for (group, &number) in numbers.iter().enumerate() {
                let number = if canonical {
                    let nan = self.b.ins().fcmp(FloatCC::NotEqual, number, number);
                    let replacement = self.splat(types::F64X2, canonical_bits(f64::NAN));
                    self.choose(nan, replacement, number)
                } else {
                    number
                };
                self.b.ins().store(unaligned(), number, address, (group * GROUP_BYTES) as i32);
            }
            self.b.ins().jump(after, &[]);
        }
        self.b.switch_to_block(after);
    }

    /// Loads the pointers to the columns that the piece uses, as far as there are registers for them.
    fn hoist_pointers(&mut self, piece: &Piece, targets: &[Target]) {
        let mut left = HOISTED_POINTERS;
        for target in targets {
            if let &Target::Column(k) = target
                && left > 0
            {
                left -= 1;
                self.outputs.hoisted[k as usize] = Some(load_pointer(&mut self.b, self.outputs.table, k));
            }
        }
        for index in piece.insts.clone() {
            if let Inst::Column(k) = self.program.insts[Value::from_index(index)]
                && left > 0
            {
                left -= 1;
                self.inputs.hoisted[k as usize] = Some(load_pointer(&mut self.b, self.inputs.table, k));
            }
        }
    }

    fn input_column(&mut self, k: u32) -> ir::Value {
        match self.inputs.hoisted[k as usize] {
            Some(pointer) => pointer,
            None => load_pointer(&mut self.b, self.inputs.table, k),
        }
    }

    fn output_column(&mut self, k: u32) -> ir::Value {
        match self.outputs.hoisted[k as usize] {
            Some(pointer) => pointer,
            None => load_pointer(&mut self.b, self.outputs.table, k),
        }
    }

    /// Where the iteration's first group keeps a value between pieces.
    fn scratch_address(&mut self, slot: u32) -> ir::Value {
        let within = self.b.ins().isub(self.row_offset, self.first);
        let address = self.b.ins().iadd(self.scratch, within);
        self.b.ins().iadd_imm_u(address, (slot as usize * self.tile * size_of::<f64>()) as i64)
    }

    /// Adds the group's numbers to the partial sums of their rows.
    fn accumulate(&mut self, k: u32, number: ir::Value) {
        let here = self.b.ins().iadd_imm_u(self.row_offset, (self.group * GROUP_BYTES) as i64);
        let residue = self.b.ins().band_imm_u(here, ((PARTIALS - 1) * size_of::<f64>()) as i64);
        let address = self.b.ins().iadd(self.partials, residue);
        let offset = Offset32::new((k as usize * PARTIALS * size_of::<f64>()) as i32);
        let before = self.b.ins().load(types::F64X2, unaligned(), address, offset);
        let after = self.b.ins().fadd(before, number);
        self.b.ins().store(unaligned(), after, address, offset);
    }

    /// The same 64 bits in both lanes. Constants are loaded where they are used, which mostly makes them memory
    /// operands: there are more of them than registers.
    fn splat(&mut self, ty: ir::Type, bits: u64) -> ir::Value {
        if let Some(&(_, constant)) = self.hoisted.iter().find(|h| h.0 == bits) {
            return if ty == types::I64X2 { constant } else { self.as_f(constant) };
        }
        if is_made(bits) {
            let constant = self.b.func.dfg.constants.insert(ConstantData::from([bits as u8; 16].as_slice()));
            return self.b.ins().vconst(ty, constant);
        }
        let offset = self.pool_bits.binary_search(&bits).unwrap_or(0) * 2 * size_of::<u64>();
        self.b.ins().load(ty, flags().with_readonly(), self.pool, offset as i32)
    }

    fn as_f(&mut self, value: ir::Value) -> ir::Value {
        self.b.ins().bitcast(types::F64X2, lanes_in_order(), value)
    }

    fn as_i(&mut self, value: ir::Value) -> ir::Value {
        self.b.ins().bitcast(types::I64X2, lanes_in_order(), value)
    }

    /// Whether a value is the constant +0, all of whose bits are clear.
    fn is_zero(&self, value: Value) -> bool {
        self.program.insts[value] == Inst::F(0)
    }

    /// The code of a value, emitted where it is first wanted.
    fn value(&mut self, value: Value) -> ir::Value {
        let inst = self.program.insts[value];
        if let Some(known) = self.values[self.group][value] {
            // A column that has not been used for long is loaded again rather than kept in a register.
            match inst {
                Inst::Column(k) if self.step - self.loaded[k as usize] > RELOAD_AFTER => {}
                _ => return known,
            }
        }
        if let (Inst::Column(k), 0) = (inst, self.group) {
            self.loaded[k as usize] = self.step;
        }
        let emitted = self.instruction(inst);
        if !inst.is_constant() {
            self.values[self.group][value] = Some(emitted);
        }
        emitted
    }

    fn instruction(&mut self, inst: Inst) -> ir::Value {
        match inst {
            Inst::F(bits) => self.splat(types::F64X2, bits),
            Inst::I(value) => self.splat(types::I64X2, value.cast_unsigned()),
            Inst::M(value) => self.splat(types::I64X2, if value { u64::MAX } else { 0 }),
            Inst::Column(k) => {
                let column = self.input_column(k);
                let address = self.b.ins().iadd(column, self.row_offset);
                self.b.ins().load(types::F64X2, unaligned(), address, (self.group * GROUP_BYTES) as i32)
            }
            Inst::Param(k) => {
                let offset = Offset32::new((k as usize * size_of::<f64>()) as i32);
                let number = self.b.ins().load(types::F64, flags(), self.params, offset);
                self.b.ins().splat(types::F64X2, number)
            }
            Inst::FUnary(op, a) => {
                let a = self.value(a);
                let b = self.b.ins();
                match op {
                    FUnary::Sqrt => b.sqrt(a),
                    FUnary::Abs => b.fabs(a),
                    FUnary::Neg => b.fneg(a),
                    FUnary::RoundEven => b.nearest(a),
                    FUnary::Floor => b.floor(a),
                    FUnary::Ceil => b.ceil(a),
                    FUnary::Trunc => b.trunc(a),
                }
            }
            Inst::FBinary(op, x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                let b = self.b.ins();
                match op {
                    FBinary::Add => b.fadd(x, y),
                    FBinary::Sub => b.fsub(x, y),
                    FBinary::Mul => b.fmul(x, y),
                    FBinary::Div => b.fdiv(x, y),
                }
            }
            Inst::Fma(x, y, z) => {
                let (x, y, z) = (self.value(x), self.value(y), self.value(z));
                self.b.ins().fma(x, y, z)
            }
            Inst::FCompare(op, x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                let condition = match op {
                    FCompare::Lt => FloatCC::LessThan,
                    FCompare::Le => FloatCC::LessThanOrEqual,
                    FCompare::Eq => FloatCC::Equal,
                    FCompare::Ne => FloatCC::NotEqual,
                };
                self.b.ins().fcmp(condition, x, y)
            }
            Inst::Select(m, x, y) if self.is_zero(y) => {
                let (m, x) = (self.value(m), self.value(x));
                let x = self.as_i(x);
                let kept = self.b.ins().band(x, m);
                self.as_f(kept)
            }
            Inst::Select(m, x, y) if self.is_zero(x) => {
                let (m, y) = (self.value(m), self.value(y));
                let y = self.as_i(y);
                let kept = self.b.ins().band_not(y, m);
                self.as_f(kept)
            }
            Inst::Select(m, x, y) => {
                let (m, x, y) = (self.value(m), self.value(x), self.value(y));
                self.choose(m, x, y)
            }
            Inst::And(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.b.ins().band(x, y)
            }
            Inst::Or(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.b.ins().bor(x, y)
            }
            Inst::Not(x) => {
                let x = self.value(x);
                self.b.ins().bnot(x)
            }
            Inst::IBinary(op, x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                let b = self.b.ins();
                match op {
                    IBinary::Add => b.iadd(x, y),
                    IBinary::Sub => b.isub(x, y),
                    IBinary::And => b.band(x, y),
                    IBinary::Or => b.bor(x, y),
                    IBinary::Xor => b.bxor(x, y),
                }
            }
            Inst::Shl(x, by) => {
                let x = self.value(x);
                let by = self.b.ins().iconst(types::I32, i64::from(by));
                self.b.ins().ishl(x, by)
            }
            Inst::Shr(x, by) => {
                let x = self.value(x);
                let by = self.b.ins().iconst(types::I32, i64::from(by));
                self.b.ins().ushr(x, by)
            }
            Inst::IGt(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.b.ins().icmp(IntCC::SignedGreaterThan, x, y)
            }
            Inst::IEq(x, y) => {
                let (x, y) = (self.value(x), self.value(y));
                self.b.ins().icmp(IntCC::Equal, x, y)
            }
            Inst::Bits(x) => {
                let x = self.value(x);
                self.as_i(x)
            }
            Inst::Float(x) => {
                let x = self.value(x);
                self.as_f(x)
            }
            Inst::Lookup(table, index) => self.lookup(table.0 as usize, index),
        }
    }

    /// `x` where the mask holds, `y` elsewhere.
    fn choose(&mut self, m: ir::Value, x: ir::Value, y: ir::Value) -> ir::Value {
        if self.target.blend {
            let (x, y) = (self.as_i(x), self.as_i(y));
            let chosen = self.b.ins().blendv(m, x, y);
            self.as_f(chosen)
        } else {
            let m = self.as_f(m);
            self.b.ins().bitselect(m, x, y)
        }
    }

    /// A load per lane: there is no gather.
    fn lookup(&mut self, table: usize, index: Value) -> ir::Value {
        let len = self.program.tables[table].len();
        let index = self.value(index);
        let start = self.b.ins().symbol_value(types::I64, self.tables[table]);
        let mut lanes = [0u8, 1].map(|lane| {
            let index = self.b.ins().extractlane(index, lane);
            let index = self.b.ins().band_imm_u(index, len as i64 - 1);
            let offset = self.b.ins().ishl_imm_u(index, 3);
            let address = self.b.ins().iadd(start, offset);
            self.b.ins().load(types::F64, flags(), address, 0)
        });
        let low = self.b.ins().scalar_to_vector(types::F64X2, lanes[0]);
        lanes[0] = low;
        self.b.ins().insertlane(low, lanes[1], 1u8)
    }
}

/// The number of which `value` is the form with canonical NaNs.
fn canonicalised(program: &LaneProgram, value: Value) -> Option<Value> {
    let Inst::Select(nan, canonical, number) = program.insts[value] else { return None };
    let is_canonical = program.insts[canonical] == Inst::F(canonical_bits(f64::NAN));
    (is_canonical && program.insts[nan] == Inst::FCompare(FCompare::Ne, number, number)).then_some(number)
}

/// The instructions that make NaNs canonical for a store. What else needs one of them computes it on demand.
fn canonicalising(program: &LaneProgram) -> EntityVec<Value, bool> {
    let mut only = EntityVec::filled(false, program.insts.len());
    for store in &program.stores {
        if let (Target::Column(_), Some(_)) = (store.target, canonicalised(program, store.value)) {
            only[store.value] = true;
            if let Inst::Select(nan, ..) = program.insts[store.value] {
                only[nan] = true;
            }
        }
    }
    only
}

fn load_pointer(b: &mut FunctionBuilder, table: ir::Value, k: u32) -> ir::Value {
    b.ins().load(
        types::I64,
        flags().with_readonly(),
        table,
        Offset32::new((k as usize * size_of::<usize>()) as i32),
    )
}

/// Bit-casts of vectors need a byte order; both targets store lane 0 first.
fn lanes_in_order() -> MemFlagsData {
    MemFlagsData::new().with_endianness(ir::Endianness::Little)
}

fn vector_type(ty: LaneType) -> ir::Type {
    match ty {
        LaneType::F => types::F64X2,
        LaneType::M | LaneType::I => types::I64X2,
    }
}
