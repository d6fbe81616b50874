//! `nc compare`: which of several programs the data speak for.

use std::path::PathBuf;

use nc_model::fit::{Standing, nested};
use serde_json::json;

use super::fit::data::Data;
use super::fit::{Shared, fit, refusal};
use super::report::{Failure, eprint_lines};
use super::{Loaded, limits, print, print_json, set_threads, signals, table};

/// Fit several programs to the same data and compare them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc compare linear.scm quadratic.scm --data meas.csv --target y\n\n\
    AICc and BIC weigh residuals against parameters: smaller is better, and differences of 2 are small, of 10 large.\n\
    `left out` is the root mean square of residuals of rows that took no part in their own fit. For each pair in which\n\
    one has more parameters, the F-test says how probable it is that they explain as much by chance; it holds if the\n\
    smaller program is a case of the larger one. `left` names the term in a column of the data that would explain most of\n\
    the residuals, and how much.\n\n\
    --param, --fix and --tie are for the programs that have such a parameter.")]
pub struct Args {
    /// The programs
    #[arg(value_name = "PROG", required = true, num_args = 2..)]
    programs: Vec<PathBuf>,
    #[command(flatten)]
    shared: Shared,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let Shared { data: path_of_data, options: given, threads, tier, dialect } = &args.shared;
    args.shared.check_data()?;
    if path_of_data == std::path::Path::new("-") {
        return Err(Failure::usage("--data: each program reads the data, so they come from a file"));
    }
    if given.has_no_target() {
        return Err(Failure::usage(
            "--target is needed: the column that the programs' values are compared with",
        ));
    }
    given.check_method(false)?;
    set_threads(*threads)?;
    let stop = limits::clock().cloned().unwrap_or_default();
    signals::stop_at_interrupt(&stop);
    let mut standings: Vec<(String, Standing)> = Vec::new();
    let mut known = Vec::new();
    for path in &args.programs {
        let loaded = Loaded::open_with(Some(path), None, dialect)?;
        known.extend(loaded.names().into_iter().map(str::to_owned));
        let options = given.of(&loaded);
        let data = Data::read(&loaded, path_of_data, &options, None)?;
        let standing = fit(&loaded, (*tier).into(), &options, &data, &stop)?.standing();
        let standing = standing.map_err(|error| refusal(&loaded, &data, error))?;
        if !standing.report.converged {
            eprint_lines(&format!(
                "note: {}: the fit has not converged: {}\n",
                loaded.source.name, standing.report.reason
            ));
        }
        standings.push((loaded.source.name.clone(), standing));
    }
    if let Some(name) = given.parameters().find(|name| !known.iter().any(|known| known == name)) {
        return Err(Failure::message("unknown-input", format!("no program has a parameter `{name}`")));
    }
    let rows = standings[0].1.report.residuals;
    if standings.iter().any(|(_, standing)| standing.report.residuals != rows) {
        return Err(Failure::message(
            "data",
            "the programs use different rows, so their fits cannot be compared",
        ));
    }
    let best = |of: fn(&Standing) -> f64| standings.iter().map(|(_, s)| of(s)).fold(f64::INFINITY, f64::min);
    let (aicc, bic) = (best(|s| s.aicc), best(|s| s.bic));
    let tests: Vec<(usize, usize, nc_model::fit::Nested)> = (0..standings.len())
        .flat_map(|a| (0..standings.len()).map(move |b| (a, b)))
        .filter_map(|(a, b)| Some((a, b, nested(&standings[a].1.report, &standings[b].1.report)?)))
        .collect();
    if signals::interrupted() {
        return Err(Failure::Interrupted);
    }
    if limits::clock().is_some_and(nc_runtime::stop::Stop::is_stopped) {
        return Err(limits::time_is_over());
    }
    if json {
        let programs: Vec<_> = standings
            .iter()
            .map(|(name, s)| {
                let left: Vec<_> =
                    s.left.iter().map(|left| json!({"term": left.term, "part": left.part})).collect();
                json!({
                    "program": name, "parameters": s.parameters, "aicc": s.aicc, "bic": s.bic,
                    "leave_one_out_rmse": s.leave_one_out, "left": left, "fit": s.report.json(),
                })
            })
            .collect();
        let tests: Vec<_> = tests
            .iter()
            .map(|(a, b, test)| {
                json!({"smaller": standings[*a].0, "larger": standings[*b].0, "f": test.f, "p": test.p})
            })
            .collect();
        return print_json(&json!({"programs": programs, "f_tests": tests}));
    }
    let number = |x: f64| if x.is_finite() { format!("{x:.2}") } else { "—".into() };
    let header = ["program", "parameters", "ΔAICc", "ΔBIC", "rms", "left out", "left"];
    let mut lines = vec![header.map(str::to_owned).to_vec()];
    for (name, s) in &standings {
        let left = s.left.iter().filter(|left| left.part > 0.05);
        let left: Vec<String> =
            left.map(|left| format!("{} {:.0} %", left.term, 100.0 * left.part)).collect();
        lines.push(vec![
            name.clone(),
            s.parameters.to_string(),
            number(s.aicc - aicc),
            number(s.bic - bic),
            format!("{:.4e}", s.report.rmse),
            format!("{:.4e}", s.leave_one_out),
            if left.is_empty() { "nothing".into() } else { left.join(", ") },
        ]);
    }
    let mut text = table(&lines, &[1, 2, 3, 4, 5]);
    for (a, b, test) in tests {
        text += &format!(
            "{} beside {}: F = {:.4}, p = {:.3e}{}\n",
            standings[b].0,
            standings[a].0,
            test.f,
            test.p,
            if test.p < 0.05 { "" } else { ": it explains no more than chance would" }
        );
    }
    text += "parameters include the scatter unless --sigma says it; p holds if the smaller program is a case of the larger one\n";
    print(&text)
}
