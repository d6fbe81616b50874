//! `nc eml cells`: what a tree takes on an array of cells that compute `eml`.

use std::path::PathBuf;

use nc_eml::Tree;
use nc_eml::cells::{Cells, Direct, Schedule, Timing, cells, direct};
use nc_eml::translate::expand::expand;
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use neural_compiler::internals::graph::Graph;
use neural_compiler::{ReaderLimits, Signature};
use serde_json::{Value as Json, json};

use super::translate::{Set, refused, text};
use crate::dialect::DialectArgs;
use crate::report::{Failure, SourceText};
use crate::{Loaded, print, print_json, table};

/// Widths of levels that are printed.
const WIDTHS: usize = 12;

/// Count the cells, registers and cycles of a tree on an array of eml cells
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml cells tree.eml --cells 4\n  \
    nc eml cells -e '(* x y)'\n  \
    nc eml cells law.scm --exp-cycles 20 --ln-cycles 24 --mul-cycles 4 --json\n\n\
    A Scheme program is written as a tree first, as `nc eml expand` does it, and compared with a machine that has its\n\
    operations as operators; a tree is with --raise, by the formula that it stands for. How long operations take is an assumption: nothing here is measured on hardware.")]
pub struct Args {
    /// The tree or program; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "expression")]
    program: Option<PathBuf>,
    /// A text instead of a file
    #[arg(short, long = "expr", value_name = "EXPR", conflicts_with = "program")]
    expression: Option<String>,
    #[command(flatten)]
    dialect: DialectArgs,
    /// Which known trees stand for the operations of a Scheme program
    #[arg(long, value_name = "SET", value_enum, default_value_t)]
    set: Set,
    /// Take what no variable stands below for a constant that needs no cells
    #[arg(long)]
    preload: bool,
    /// Numbers of cells to schedule one row on; without it, powers of 2 up to the widest level
    #[arg(long = "cells", value_name = "LIST", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    counts: Vec<u32>,
    #[command(flatten)]
    timing: TimingArgs,
}

/// How long operations take.
#[derive(Debug, clap::Args)]
struct TimingArgs {
    /// Cycles of an exponential
    #[arg(long, value_name = "N", default_value_t = Timing::default().exp, value_parser = cycles())]
    exp_cycles: u32,
    /// Cycles of a logarithm
    #[arg(long, value_name = "N", default_value_t = Timing::default().ln, value_parser = cycles())]
    ln_cycles: u32,
    /// Cycles of a sum or difference, that in a cell too
    #[arg(long, value_name = "N", default_value_t = Timing::default().add, value_parser = cycles())]
    add_cycles: u32,
    /// Cycles of a multiplier
    #[arg(long, value_name = "N", default_value_t = Timing::default().mul, value_parser = cycles())]
    mul_cycles: u32,
    /// Cycles of a divider or square root
    #[arg(long, value_name = "N", default_value_t = Timing::default().div, value_parser = cycles())]
    div_cycles: u32,
    /// Cycles from one use of a cell to the next; 1 if cells are pipelined throughout
    #[arg(long, value_name = "N", default_value_t = Timing::default().interval, value_parser = cycles())]
    interval: u32,
}

fn cycles() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=1_000_000)
}

impl TimingArgs {
    fn timing(&self) -> Timing {
        Timing {
            exp: self.exp_cycles,
            ln: self.ln_cycles,
            add: self.add_cycles,
            mul: self.mul_cycles,
            div: self.div_cycles,
            interval: self.interval,
        }
    }
}

/// Everything that is reported.
struct Report {
    name: String,
    cells: Cells,
    timing: Timing,
    schedules: Vec<Schedule>,
    direct: Option<Direct>,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let timing = args.timing.timing();
    let (name, bytes) = text(args.program.as_deref(), args.expression.as_deref())?;
    let path = args.program.as_deref();
    let dialect = args.dialect.of(path)?;
    let (tree, direct) = match dialect.mode() {
        Some(_) => {
            let tree = read(SourceText::new(name.clone(), bytes.clone()))?;
            let raised = args.dialect.raises().then(|| Loaded::of(name.clone(), bytes, path, &args.dialect));
            (tree, raised.transpose()?.map(|loaded| operators(&loaded, &timing)).transpose()?)
        }
        None => {
            let loaded = Loaded::parse(name.clone(), bytes, dialect, path, &args.dialect.imports)?;
            let expanded = expand(&graph(&loaded)?, args.set.into()).map_err(refused(&loaded.source))?;
            (expanded.tree, Some(operators(&loaded, &timing)?))
        }
    };
    let cells = cells(&tree, args.preload);
    let widest = cells.widths.iter().copied().max().unwrap_or(0);
    let counts: Vec<usize> = if args.counts.is_empty() {
        std::iter::successors(Some(1), |&count| (count < widest).then_some((2 * count).min(widest))).collect()
    } else {
        args.counts.iter().map(|&count| count as usize).collect()
    };
    let schedules = counts.into_iter().map(|count| cells.schedule(count, &timing)).collect();
    let report = Report { name, cells, timing, schedules, direct };
    if json { print_json(&report.as_json()) } else { print(&report.as_text()) }
}

fn graph(loaded: &Loaded) -> Result<Graph, Failure> {
    loaded.program.graph(&Signature::scalars()).map_err(|error| loaded.failure(error))
}

fn operators(loaded: &Loaded, timing: &Timing) -> Result<Direct, Failure> {
    direct(&graph(loaded)?, timing).map_err(refused(&loaded.source))
}

fn read(source: SourceText) -> Result<Tree, Failure> {
    reader::read(&source.text, Grammar::Literal, &ReaderLimits::default())
        .map_err(|errors| Failure::Source(source, errors))
}

impl Report {
    /// How often as fast as the machine with operators an array has to be clocked to have the result as early, and for
    /// each of its cells to do as much as an operator.
    fn ratios(&self) -> Option<(Option<f64>, Option<f64>)> {
        let direct = self.direct?;
        let ratio = |cells: f64, direct: f64| (direct > 0.0).then(|| cells / direct);
        let work = self.cells.shared as f64 * f64::from(self.timing.interval);
        Some((
            ratio(self.cells.latency(&self.timing) as f64, direct.latency as f64),
            ratio(work, direct.operators as f64),
        ))
    }

    fn as_text(&self) -> String {
        let Report { cells, timing, .. } = self;
        let widest = cells.widths.iter().max().copied().unwrap_or(0);
        let histogram = cells.histogram();
        let mut widths: Vec<String> =
            histogram.iter().take(WIDTHS).map(|(width, count)| format!("{width} ({count}×)")).collect();
        if histogram.len() > WIDTHS {
            widths.push("…".into());
        }
        let mut text = format!(
            "{}\n  cells: {} as a tree, {} with equal subtrees once, {} of them constant\n  \
             levels: {}, the widest {widest}; widths {}\n  \
             a cell takes {} cycles, max(exp {}, ln {}) + {}, and new operands every {}\n  \
             latency: {} cycles\n  \
             a row in every cycle: {} cells, {} registers between them\n",
            self.name,
            cells.tree,
            cells.shared,
            cells.constant,
            cells.depth(),
            if widths.is_empty() { "–".into() } else { widths.join(", ") },
            timing.cell(),
            timing.exp,
            timing.ln,
            timing.add,
            timing.interval,
            cells.latency(timing),
            cells.shared as u128 * u128::from(timing.interval),
            cells.registers(timing),
        );
        let head = ["  cells", "cycles for a row", "used", "cycles per row"];
        let mut rows = vec![head.map(String::from).to_vec()];
        rows.extend(self.schedules.iter().map(|schedule| {
            vec![
                format!("  {}", schedule.cells),
                schedule.length.to_string(),
                format!("{:.1} %", 100.0 * schedule.utilisation),
                schedule.per_row.to_string(),
            ]
        }));
        text += &table(&rows, &[0, 1, 2, 3]);
        if let (Some(direct), Some((latency, work))) = (self.direct, self.ratios()) {
            let ratio = |ratio: Option<f64>| ratio.map_or("–".into(), |ratio| format!("{ratio:.2}"));
            text += &format!(
                "  with operators of its own: {} operators, latency {} cycles\n  \
                 clock ratio for the same latency: {}\n  clock ratio for the same work of each cell: {}\n",
                direct.operators,
                direct.latency,
                ratio(latency),
                ratio(work)
            );
        }
        text
    }

    fn as_json(&self) -> Json {
        let Report { cells, timing, .. } = self;
        let count = |n: u128| u64::try_from(n).map_or_else(|_| json!(n.to_string()), |n| json!(n));
        let schedules: Vec<Json> = self
            .schedules
            .iter()
            .map(|schedule| {
                json!({
                    "cells": schedule.cells,
                    "cycles": schedule.length,
                    "utilisation": schedule.utilisation,
                    "cycles_per_row": schedule.per_row,
                })
            })
            .collect();
        let direct = self.direct.zip(self.ratios()).map(|(direct, (latency, work))| {
            json!({
                "operators": direct.operators,
                "latency": direct.latency,
                "clock_ratio": { "latency": latency, "work_per_cell": work },
            })
        });
        json!({
            "program": self.name,
            "cells": { "tree": count(cells.tree), "shared": cells.shared, "constant": cells.constant },
            "depth": cells.depth(),
            "widths": cells.widths,
            "tree_widths": cells.tree_widths.iter().map(|&width| count(width)).collect::<Vec<_>>(),
            "cell_cycles": timing.cell(),
            "interval": timing.interval,
            "latency": cells.latency(timing),
            "row_per_cycle": {
                "cells": count(cells.shared as u128 * u128::from(timing.interval)),
                "registers": count(cells.registers(timing)),
            },
            "schedules": schedules,
            "direct": direct,
        })
    }
}
