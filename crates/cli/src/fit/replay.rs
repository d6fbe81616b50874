//! The options of a fit in its report, and the same fit once more.

use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser};
use nc_model::fit::Method;
use serde_json::{Map, Value as Json, json};

use super::{Options, OrthogonalChoice, Said, ScheduleChoice};
use crate::report::Failure;

/// A report that is to come out once more.
pub struct Recorded {
    name: String,
    pub options: Options,
    report: Json,
}

/// Options by themselves, so that those of a report are read as those of a command line are.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Alone {
    #[command(flatten)]
    options: Options,
}

/// The options as a command line, argument after argument.
pub fn settings(options: &Options) -> Json {
    let mut arguments: Vec<String> = Vec::new();
    let mut add = |option: &str, value: &str| arguments.push(format!("--{option}={value}"));
    fn texts<'a, T>(all: &'a [Said<T>]) -> impl Iterator<Item = &'a str> + use<'a, T> {
        all.iter().map(|said| said.text.as_str())
    }
    texts(&options.targets).for_each(|text| add("target", text));
    for renamed in &options.columns {
        add("column", &format!("{}={}", renamed.input, renamed.column));
    }
    texts(&options.params).for_each(|text| add("param", text));
    texts(&options.fixed).for_each(|text| add("fix", text));
    for (name, expression) in &options.ties {
        add("tie", &format!("{name}={expression}"));
    }
    for (name, expression) in &options.derived {
        add("derive", &format!("{name}={expression}"));
    }
    options.sigma.iter().for_each(|sigma| add("sigma", sigma));
    options.weights.iter().for_each(|weights| add("weights", weights));
    add("loss", &options.loss.text);
    add("method", options.method.name());
    // What holds where nothing is said, too: it may be another number one day.
    let searched = options.orthogonal.is_some();
    match options.method() {
        Method::LeastSquares => {}
        Method::Lbfgs { iterations } => add("epochs", &iterations.to_string()),
        Method::Adam(plan) => {
            add("epochs", &plan.epochs.to_string());
            add("batch-rows", &plan.batch_rows.to_string());
            add("rate", &format!("{:e}", plan.rate));
        }
    }
    if searched || options.method() == Method::LeastSquares {
        add("max-steps", &options.steps().to_string());
    }
    if let Some(schedule) = options.schedule {
        add("schedule", if schedule == ScheduleChoice::Cosine { "cosine" } else { "constant" });
    }
    for (option, number) in
        [("clip", options.clip), ("decay", options.decay), ("validation", options.validation)]
    {
        number.iter().for_each(|number| add(option, &format!("{number:e}")));
    }
    options.patience.iter().for_each(|epochs| add("patience", &epochs.to_string()));
    options.weights_in.iter().for_each(|path| add("weights-in", &path.display().to_string()));
    if let Some(rows) = options.orthogonal {
        add("orthogonal", if rows == OrthogonalChoice::All { "all" } else { "cycles" });
    }
    options.starts.iter().for_each(|starts| add("starts", &starts.to_string()));
    add("seed", &options.seed.to_string());
    add("level", &options.level.to_string());
    for (flag, set) in [
        ("--profile", options.profile),
        ("--skip-nan", options.skip_nan),
        ("--no-overlap", options.no_overlap),
    ] {
        if set {
            arguments.push(flag.to_owned());
        }
    }
    json!(arguments)
}

/// Reads a report.
pub fn read(path: &Path) -> Result<Recorded, Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::message("file", format!("{name}: cannot read the report: {error}")))?;
    let wrong = |why: String| {
        Failure::message("report", format!("{name}: {why}"))
            .note("--replay takes what -o of `nc fit` has written")
    };
    let report: Json =
        serde_json::from_str(&text).map_err(|error| wrong(format!("it is no JSON: {error}")))?;
    let settings = report["settings"].as_array().ok_or_else(|| wrong("it has no settings".into()))?;
    let arguments: Option<Vec<&str>> = settings.iter().map(Json::as_str).collect();
    let arguments = arguments.ok_or_else(|| wrong("its settings are no arguments".into()))?;
    let matches = Alone::command().try_get_matches_from(arguments);
    let read = matches.and_then(|matches| Alone::from_arg_matches(&matches));
    let options = read.map_err(|error| wrong(format!("its settings: {}", error.kind())))?.options;
    Ok(Recorded { name, options, report })
}

impl Recorded {
    /// Whether the same came out.
    pub fn compare(&self, report: &Json) -> Result<(), Failure> {
        let differs = |message: String| Err(Failure::message("replay", format!("{}: {message}", self.name)));
        let inputs = [
            ("the program", "program_hash"),
            ("the data", "data_hash"),
            ("the file of weights", "weights_in_hash"),
        ];
        for (what, key) in inputs {
            if self.report[key] != report[key] {
                return differs(format!("{what} is not that of the report, so neither is the fit"));
            }
        }
        let hashes = |report: &Json| -> Vec<(String, Json)> {
            let networks = report["networks"].as_object().into_iter().flatten();
            networks.map(|(name, network)| (name.clone(), network["hash"].clone())).collect()
        };
        if let Some((name, _)) =
            hashes(&self.report).into_iter().zip(hashes(report)).find(|(a, b)| a != b).map(|(a, _)| a)
        {
            return differs(format!("the weights of the network `{name}` are others"));
        }
        let empty = Map::new();
        let parameters = |report: &'_ Json| report["parameters"].as_object().unwrap_or(&empty).clone();
        let (before, now) = (parameters(&self.report), parameters(report));
        if before.keys().ne(now.keys()) {
            return differs("its parameters are others".into());
        }
        for (name, before) in before {
            for key in ["value", "stderr"] {
                let now = &now[&name][key];
                if before[key] != *now {
                    return differs(format!("the {key} of `{name}` was {} and is {now}", before[key]));
                }
            }
        }
        if self.report["rss"] != report["rss"] {
            return differs(format!(
                "the sum of squares was {} and is {}",
                self.report["rss"], report["rss"]
            ));
        }
        crate::report::eprint_lines(&format!("{}: the same bits came out\n", self.name));
        Ok(())
    }
}
