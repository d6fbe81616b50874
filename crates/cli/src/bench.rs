//! `nc bench`: time to compile and time per row.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nc_runtime::batch::{self, Batch, Kernel as _, Sink, Workspace};
use nc_runtime::element::Element;
use neural_compiler::{CompileOptions, Derivative, Dtype, Kernel, StageTimes};
use serde_json::{Value, json};

use super::dialect::DialectArgs;
use super::limits::{self, LimitArgs, MemoryArgs};
use super::report::Failure;
use super::text::{self, Items, Setting};
use super::{DtypeChoice, Loaded, TierChoice, print, print_json, set_threads, table, weights};

/// Time programs: compilation, and evaluation per row
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc bench corpus/*.scm\n  \
    nc bench law.scm --batch-size 1000000 --threads 0 --grad --json\n\n\
    compile_us: from the text to a kernel that can be called, in a warm process, the median of many. ns_per_row: the\n\
    best of many evaluations, columns in memory, with --grad the value and the derivatives by all inputs and weights. Inputs are\n\
    |x| + 0.1 with normally distributed x, the same in every run. --json prints one object per program and line, with\n\
    the median of each stage of compilation in `stages`, in microseconds.")]
pub struct Args {
    /// The programs; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "expression")]
    programs: Vec<PathBuf>,
    /// An expression instead of a program
    #[arg(
        short,
        long = "expr",
        value_name = "EXPR",
        allow_hyphen_values = true,
        conflicts_with = "programs"
    )]
    expression: Option<String>,
    /// Rows of the batch
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    batch_size: usize,
    /// How many threads; 0 for one per processor
    #[arg(long, value_name = "N", default_value_t = 1)]
    threads: usize,
    /// How to run the programs
    #[arg(long, value_enum, default_value_t)]
    tier: TierChoice,
    /// Time the value with the derivatives by all inputs
    #[arg(long)]
    grad: bool,
    /// The type of all numbers
    #[arg(long, value_enum, default_value_t)]
    dtype: DtypeChoice,
    /// Shapes of the inputs, such as m,r[3],A[3,3]
    #[arg(long, value_name = "LIST", value_parser = text::parse_items)]
    inputs: Option<Items>,
    /// Values of parameters, such as the weights of networks, one for all rows: arrays of their names, as nc fit --weights-out writes them
    #[arg(long, value_name = "FILE.npz")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    dialect: DialectArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    memory: MemoryArgs,
}

/// What was measured of a program.
struct Measured {
    program: String,
    nodes: usize,
    ops: usize,
    threads: usize,
    tier: String,
    compile_us: f64,
    stages: Option<StageTimes>,
    ns_per_row: f64,
    code_bytes: usize,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    if args.batch_size == 0 {
        return Err(Failure::usage("--batch-size: at least one row is needed"));
    }
    set_threads(args.threads)?;
    let heads = ["program", "nodes", "ops", "tier", "compile_us", "ns_per_row", "rows_per_s", "code_bytes"];
    let mut rows = vec![heads.map(String::from).to_vec()];
    let mut failed = false;
    for (path, expression) in super::each(&args.programs, args.expression.as_deref()) {
        let loaded = Loaded::quietly(path, expression, &args.dialect);
        let measured = match loaded.and_then(|loaded| measure(loaded, args)) {
            Ok(measured) => measured,
            Err(failure) => {
                failed = true;
                failure.report(json);
                continue;
            }
        };
        let Measured { program, nodes, ops, threads, tier, compile_us, stages, ns_per_row, code_bytes } =
            measured;
        let rows_per_s = 1e9 / ns_per_row;
        if json {
            print_json(&json!({
                "program": program,
                "nodes": nodes,
                "ops": ops,
                "rows": args.batch_size,
                "threads": threads,
                "tier": tier,
                "dtype": Dtype::from(args.dtype).to_string(),
                "grad": args.grad,
                "compile_us": compile_us,
                "stages": stages.map(|stages| in_us(&stages)),
                "ns_per_row": ns_per_row,
                "rows_per_s": rows_per_s,
                "code_bytes": code_bytes,
            }))?;
        } else {
            rows.push(vec![
                program,
                nodes.to_string(),
                ops.to_string(),
                tier,
                format!("{compile_us:.1}"),
                format!("{ns_per_row:.3}"),
                format!("{rows_per_s:.3e}"),
                code_bytes.to_string(),
            ]);
        }
    }
    if !json && rows.len() > 1 {
        let threads = if args.threads == 0 { rayon::current_num_threads() } else { args.threads };
        let what = if args.grad { "value and gradient" } else { "value" };
        print(&format!("{what}, {} rows, threads: {threads}\n", args.batch_size))?;
        print(&table(&rows, &[1, 2, 4, 5, 6, 7]))?;
    }
    if failed { Err(Failure::Reported) } else { Ok(()) }
}

fn measure(loaded: Loaded, args: &Args) -> Result<Measured, Failure> {
    let items = args.inputs.as_ref().map_or(&[][..], |items| items.0.as_slice());
    let mut signature = loaded.signature(items)?;
    let params = match &args.weights {
        None => Vec::new(),
        Some(path) => {
            let by_column = |name: &str| items.iter().any(|item| item.name == name);
            let given = weights::Given { by_option: &|_| false, by_column: Some(("--inputs", &by_column)) };
            weights::read("--weights", path, &loaded, &given)?
        }
    };
    for param in &params {
        signature = signature.shape(&param.name, param.shape).parameter(&param.name);
    }
    let valueless = loaded.declared().into_iter().find(|(name, _)| {
        params.iter().all(|param| param.name != *name) && items.iter().all(|item| item.name != *name)
    });
    if let Some((name, _)) = valueless {
        let message = format!("{}: `{name}` of a network has no value", loaded.source.name);
        return Err(Failure::message("missing-input", message)
            .note("--weights FILE.npz gives networks their weights, as nc fit --weights-out writes them"));
    }
    let options = CompileOptions::default()
        .signature(signature)
        .derivative(if args.grad { Derivative::Gradient } else { Derivative::None })
        .dtype(args.dtype.into())
        .tier(args.tier.into())
        .limits(args.limits.of(&loaded.program))
        .tape_bytes(args.memory.tape_bytes())
        .memory_bytes(args.memory.memory_bytes());
    let compile = || {
        loaded.again().and_then(|program| program.compile(&options)).map_err(|error| loaded.failure(error))
    };
    let kernel = compile()?;
    let mut times = Vec::new();
    repeat(Duration::from_millis(300), 5, || {
        let start = Instant::now();
        let compiled = compile();
        times.push(start.elapsed());
        compiled.map(drop)
    })?;
    times.sort_unstable();
    let compile_us = times[times.len() / 2].as_secs_f64() * 1e6;

    let mut stages = Vec::new();
    repeat(Duration::from_millis(100), 5, || {
        let times = loaded.times(&options);
        times.map(|times| stages.push(times)).map_err(|error| loaded.failure(error))
    })?;

    let best = match kernel.dtype() {
        Dtype::F64 => best_time::<f64>(&loaded, &kernel, &params, args)?,
        Dtype::F32 => best_time::<f32>(&loaded, &kernel, &params, args)?,
    };
    let graph = kernel.graph();
    let live = graph.live();
    let nodes: Vec<_> = graph.nodes().filter(|&node| live[node]).collect();
    Ok(Measured {
        program: loaded.source.name.clone(),
        nodes: nodes.len(),
        ops: nodes.iter().filter(|&&node| graph.op(node).is_some()).count(),
        threads: if args.threads == 0 { rayon::current_num_threads() } else { args.threads },
        tier: kernel.tier().to_string(),
        compile_us,
        stages: StageTimes::median(&stages),
        ns_per_row: best.as_secs_f64() * 1e9 / args.batch_size as f64,
        code_bytes: kernel.code_bytes(),
    })
}

/// Memory for the columns of a batch.
const MOST_BYTES: usize = 4 << 30;

/// The shortest of many evaluations of a batch.
fn best_time<T: Element>(
    loaded: &Loaded,
    kernel: &Kernel,
    params: &[Setting],
    args: &Args,
) -> Result<Duration, Failure> {
    let shape = kernel.shape();
    let rows = args.batch_size;
    let columns = shape.inputs.saturating_add(shape.outputs);
    let bytes = columns.saturating_mul(rows).saturating_mul(size_of::<T>());
    if bytes > MOST_BYTES {
        let name = &loaded.source.name;
        let (mib, most) = (bytes >> 20, MOST_BYTES >> 20);
        let message =
            format!("{name}: {columns} columns of {rows} rows are {mib} MiB, and a bench has {most} MiB");
        return Err(Failure::message("memory", message).note("--batch-size N takes fewer rows"));
    }
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut columns = |count: usize| -> Vec<Vec<T>> {
        (0..count).map(|_| (0..rows).map(|_| T::from_f64(noise.next())).collect()).collect()
    };
    let inputs = columns(shape.inputs);
    let sources: Vec<batch::Source<'_, T>> =
        inputs.iter().map(|column| batch::Source::Column(column)).collect();
    let params = super::derivatives::params::<T>(kernel, params);
    let mut sums = vec![0.0; shape.param_gradients];
    let mut outputs = vec![vec![T::default(); rows]; shape.outputs];
    let mut sinks: Vec<Sink<'_, T>> = outputs.iter_mut().map(|column| Sink::Column(column)).collect();
    let run = batch::Options { stop: limits::clock(), ..batch::Options::with_threads(args.threads) };
    let mut workspace = Workspace::new();
    let mut best = Duration::MAX;
    repeat(Duration::from_millis(500), 5, || {
        let batch = Batch {
            rows,
            inputs: &sources,
            params: &params,
            outputs: &mut sinks,
            param_gradients: &mut sums,
        };
        let start = Instant::now();
        let report = kernel.evaluate(batch, &run, &mut workspace);
        best = best.min(start.elapsed());
        report.map(drop).map_err(|error| loaded.failure(error.into()))
    })?;

    Ok(best)
}

/// Microseconds by stage.
fn in_us(stages: &StageTimes) -> Value {
    let us = |(name, time): (&str, Duration)| (name.to_string(), json!(time.as_secs_f64() * 1e6));
    Value::Object(stages.named().map(us).into_iter().collect())
}

/// Calls `action` for this long, and a few times at least.
fn repeat(
    time: Duration,
    least: usize,
    mut action: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let start = Instant::now();
    let mut calls = 0;
    while calls < least || start.elapsed() < time {
        action()?;
        calls += 1;
    }
    Ok(())
}

/// Positive numbers of everyday size.
struct Noise(u64);

impl Noise {
    /// Uniform in (0, 1], by splitmix64.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11).wrapping_add(1) as f64 * (-53f64).exp2()
    }

    /// `|x| + 0.1` with normally distributed `x`, by the method of Box and Muller.
    fn next(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        (radius * (std::f64::consts::TAU * self.uniform()).cos()).abs() + 0.1
    }
}
