//! Every program of the bench set at one batch size on one thread, beside C.

use nc_runtime::batch::Kernel as _;
use neural_compiler::{Derivative, Tier};
use serde_json::{Value, json};

use crate::support::c::{Arithmetic, Compiler, Flags, Library};
use crate::support::c_source;
use crate::support::columns::Columns;
use crate::support::native_tiers;
use crate::support::programs::{Subject, TEN};
use crate::support::timing::{Effort, Side, best, geometric_mean, interleaved, kernel_side};

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The value.
    Value,
    /// The value and the derivative by each input.
    Gradient,
}

impl What {
    /// Both.
    pub const BOTH: [What; 2] = [What::Value, What::Gradient];

    /// The derivative to ask for.
    pub fn derivative(self) -> Derivative {
        match self {
            What::Value => Derivative::None,
            What::Gradient => Derivative::Gradient,
        }
    }

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            What::Value => "value",
            What::Gradient => "gradient",
        }
    }
}

/// The figures of a program, in nanoseconds per row.
pub struct Line {
    /// The program.
    pub name: String,
    /// What was computed.
    pub what: What,
    /// By tier, the fastest first.
    pub tiers: Vec<(Tier, f64)>,
    /// C, where there is a compiler and the program can be written in it.
    pub c: Option<InC>,
}

/// The best times of C, in nanoseconds per row.
pub struct InC {
    /// The fastest of all.
    pub best: f64,
    /// Which source, width and arithmetic that was.
    pub which: String,
    /// Without contraction and reassociation.
    pub uncontracted: f64,
    /// The largest difference of its results from ours, relative to the largest number of a column.
    pub difference: f64,
}

impl Line {
    /// Time relative to the best C.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.tiers.first()?.1 / self.c.as_ref()?.best)
    }

    /// The figures as JSON.
    pub fn json(&self) -> Value {
        let tiers = self.tiers.iter().map(|(tier, time)| (tier.to_string(), json!(time)));
        json!({
            "program": self.name,
            "what": self.what.name(),
            "ns_per_row": Value::Object(tiers.collect()),
            "c": self.c.as_ref().map(|c| json!({
                "best": c.best,
                "which": c.which,
                "uncontracted": c.uncontracted,
                "difference": c.difference,
            })),
            "ratio": self.ratio(),
        })
    }
}

/// C of programs with so many inputs takes the compiler more than a moment.
const MANY_INPUTS: usize = 100;

/// Libraries of C for all programs.
pub struct InAllWays {
    generated: Vec<(Flags, Library)>,
    by_hand: Vec<(Flags, Library)>,
}

impl InAllWays {
    /// Builds the C of the programs in every way that is compared; in quick mode for one width, without programs whose
    /// compilation would take long.
    pub fn build(compiler: &Compiler, subjects: &[&Subject], quick: bool) -> InAllWays {
        let mut source = c_source::PRELUDE.to_string();
        for subject in subjects.iter().filter(|subject| !quick || subject.inputs() < MANY_INPUTS) {
            for what in What::BOTH {
                let graph = subject.graph(what.derivative());
                source.extend(c_source::function(&function_name(subject, what), &graph));
            }
        }
        let widths = if quick { 1 } else { usize::MAX };
        let flags: Vec<Flags> = [Arithmetic::Fast, Arithmetic::Uncontracted]
            .into_iter()
            .flat_map(|arithmetic| Flags::all(arithmetic).into_iter().take(widths))
            .collect();
        InAllWays {
            generated: compiler.build_all(&source, &flags),
            by_hand: compiler.build_all(include_str!("../support/hand.c"), &flags),
        }
    }

    /// All libraries, with their kind of source.
    pub fn libraries(&self) -> impl Iterator<Item = (&'static str, Flags, &Library)> {
        let generated = self.generated.iter().map(|(flags, library)| ("generated", *flags, library));
        generated.chain(self.by_hand.iter().map(|(flags, library)| ("by hand", *flags, library)))
    }
}

/// What the function of a program is called.
pub fn function_name(subject: &Subject, what: What) -> String {
    format!("{}_{}", subject.identifier(), what.name())
}

/// Measures a program.
pub fn measure(subject: &Subject, what: What, c: Option<&InAllWays>, rows: usize, effort: Effort) -> Line {
    let inputs = subject.columns(rows);
    let ns = |seconds: f64| seconds * 1e9 / rows as f64;
    let kernels: Vec<_> =
        native_tiers().into_iter().map(|tier| subject.kernel(what.derivative(), tier)).collect();
    let results = subject.kernel(what.derivative(), Tier::Auto).shape().outputs;
    let mut ours: Vec<Columns> = kernels.iter().map(|_| Columns::zeros(results, rows)).collect();
    let name = function_name(subject, what);
    let mut theirs: Vec<(&str, Flags, &Library, Columns)> = c
        .into_iter()
        .flat_map(InAllWays::libraries)
        .filter(|(_, _, library)| library.has(&name))
        .map(|(source, flags, library)| (source, flags, library, Columns::zeros(results, rows)))
        .collect();
    let mut sides: Vec<Side<'_>> = Vec::new();
    for (kernel, outputs) in kernels.iter().zip(&mut ours) {
        sides.push(kernel_side(kernel, &inputs, outputs, 1));
    }
    for (_, _, library, outputs) in &mut theirs {
        sides.extend(library.side(&name, &inputs, outputs, 1));
    }
    let times = interleaved(&mut sides, effort);
    drop(sides);
    let mut by_tier: Vec<(Tier, f64)> =
        kernels.iter().zip(&times).map(|(kernel, &time)| (kernel.tier(), ns(time))).collect();
    for tier in Tier::available().into_iter().skip(kernels.len()) {
        by_tier.push((tier, interpreted(subject, what, tier, rows.min(1000))));
    }
    let times = &times[kernels.len()..];
    let fastest = |allowed: &[Arithmetic]| {
        let of = theirs.iter().zip(times).filter(|((_, flags, ..), _)| allowed.contains(&flags.arithmetic));
        of.min_by(|a, b| a.1.total_cmp(b.1))
    };
    let best = fastest(&[Arithmetic::Fast, Arithmetic::Uncontracted]);
    let in_c = best.zip(fastest(&[Arithmetic::Uncontracted])).map(|(best, uncontracted)| InC {
        best: ns(*best.1),
        which: format!("{}, {} bits, {:?}", best.0.0, best.0.1.bits, best.0.1.arithmetic),
        uncontracted: ns(*uncontracted.1),
        difference: ours.iter().flat_map(|a| theirs.iter().map(|b| a.difference(&b.3))).fold(0.0, f64::max),
    });
    Line { name: subject.name.clone(), what, tiers: by_tier, c: in_c }
}

/// Nanoseconds per row of a tier that takes so long that a few repeats will do.
fn interpreted(subject: &Subject, what: What, tier: Tier, rows: usize) -> f64 {
    let kernel = subject.kernel(what.derivative(), tier);
    let inputs = subject.columns(rows);
    let results = kernel.shape().outputs;
    let mut outputs = Columns::zeros(results, rows);
    best(2, kernel_side(&kernel, &inputs, &mut outputs, 1)) * 1e9 / rows as f64
}

/// Prints the heads of the table.
pub fn print_head(rows: usize) {
    println!(
        "\nOne thread, {rows} rows, binary64, columns in memory; ns per row, best of many, sides taking turns."
    );
    println!(
        "best C: the fastest, -ffast-math allowed; exact: without contraction and reassociation; ratio: to the best C."
    );
    print!("{:<38}", "");
    for what in What::BOTH {
        print!("  {:<width$}", format!("| {}", what.name()), width = 11 * Tier::available().len() + 25);
    }
    print!("\n{:<38}", "program");
    for _ in What::BOTH {
        print!("  ");
        Tier::available().iter().for_each(|tier| print!("{:>11}", tier.to_string()));
        print!("{:>9}{:>9}{:>7}", "best C", "exact", "ratio");
    }
    println!();
}

/// Prints the figures of a program.
pub fn print_line(lines: &[Line]) {
    print!("{:<38}", lines.first().map_or("", |line| &line.name));
    for line in lines {
        print!("  ");
        line.tiers.iter().for_each(|(_, time)| print!("{:>11}", short(*time)));
        match (&line.c, line.ratio()) {
            (Some(c), Some(ratio)) => print!("{:>9}{:>9}{ratio:>7.2}", short(c.best), short(c.uncontracted)),
            _ => print!("{:>9}{:>9}{:>7}", "-", "-", "-"),
        }
    }
    println!();
}

/// Three or four digits.
fn short(number: f64) -> String {
    if number < 10.0 { format!("{number:.3}") } else { format!("{number:.1}") }
}

/// Prints what the figures come to.
pub fn print_summary(lines: &[Line]) {
    println!();
    for what in What::BOTH {
        for (which, only_ten) in [("all programs", false), ("the ten programs", true)] {
            let chosen = |line: &&Line| line.what == what && (!only_ten || TEN.contains(&line.name.as_str()));
            let chosen: Vec<&Line> = lines.iter().filter(chosen).collect();
            let head = format!("{:<9} {which:<17}", what.name());
            print_against(&format!("{head} to the best C:"), &chosen, |c| c.best);
            print_against(&format!("{head} to exact C:   "), &chosen, |c| c.uncontracted);
        }
    }
    for line in lines {
        match &line.c {
            Some(c) if c.difference > CLOSE => {
                let (what, name) = (line.what.name(), &line.name);
                println!("{what} of {name}: C differs by {:.1e} of the largest number", c.difference);
            }
            Some(_) => {}
            None => println!("{} of {}: without C", line.what.name(), line.name),
        }
    }
}

/// How far C with fast arithmetic may differ before it is worth a line.
const CLOSE: f64 = 1e-9;

/// No program should take more than so many times what C takes.
const MOST: f64 = 2.0;

/// Prints the geometric mean and the worst of ratios to a time of C, and which are too large.
fn print_against(head: &str, lines: &[&Line], time: fn(&InC) -> f64) {
    let ratio = |line: &&Line| Some((line.tiers.first()?.1 / time(line.c.as_ref()?), line.name.clone()));
    let mut ratios: Vec<(f64, String)> = lines.iter().filter_map(ratio).collect();
    ratios.sort_by(|a, b| b.0.total_cmp(&a.0));
    let Some((worst, name)) = ratios.first() else { return };
    let mean = geometric_mean(&ratios.iter().map(|ratio| ratio.0).collect::<Vec<_>>());
    let beyond = ratios.iter().filter(|ratio| ratio.0 > MOST).count();
    println!(
        "{head} geometric mean {mean:.2}, worst {worst:.2} ({name}), beyond {MOST}: {beyond} of {}",
        ratios.len()
    );
}
