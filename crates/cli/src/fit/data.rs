//! Columns of a file as data of a fit.

use std::io::Read as _;
use std::path::Path;

use nc_arrays::{Dataset, FileError, FileProblem, Form, Missing, ReadOptions};
use nc_model::fit::{Noise, Series};
use nc_runtime::batch::Source;
use neural_compiler::Shape;

use super::{Options, Said};
use crate::Loaded;
use crate::report::{Failure, eprint_lines};
use crate::run::columns::{base, forms_in_file};
use crate::text::{self, closest};

/// What is compared with a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetArg {
    name: String,
    column: Option<String>,
}

/// Reads `y` or `theta=angle`.
pub fn parse_target(text: &str) -> Result<TargetArg, String> {
    let (name, column) = match text.split_once('=') {
        Some((name, column)) => (name.trim(), Some(column.trim())),
        None => (text.trim(), None),
    };
    if name.is_empty() || column.is_some_and(str::is_empty) {
        return Err("it is written COLUMN or RESULT=COLUMN".into());
    }
    Ok(TargetArg { name: name.to_owned(), column: column.map(str::to_owned) })
}

/// What a fit is made from.
pub struct Data {
    /// What the file is called.
    pub name: String,
    pub inputs: Vec<Series>,
    /// Results and what they are compared with.
    pub targets: Vec<(String, Series)>,
    pub noise: Noise,
    /// Names of columns that the fit has no use for.
    pub left_aside: Vec<String>,
    /// What rows of a group have in common.
    pub keys: Option<Vec<f64>>,
    /// Texts of which the keys are the places, where they are no numbers.
    pub labels: Vec<String>,
    /// What the numbers are known by.
    pub hash: String,
}

impl Data {
    /// Reads the columns that the fit needs.
    pub fn read(loaded: &Loaded, path: &Path, args: &Options, group: Option<&str>) -> Result<Data, Failure> {
        let piped = path == Path::new("-");
        let name = if piped { "standard input".to_owned() } else { path.display().to_string() };
        for renamed in &args.columns {
            if !loaded.program.inputs().any(|input| input == renamed.input) {
                return Err(loaded.unknown("--column", &renamed.input));
            }
        }
        let results: Vec<&str> = loaded.program.results().collect();
        let mut targets: Vec<(String, String)> = Vec::new();
        for Said { value: target, .. } in &args.targets {
            let column = target.column.as_ref().unwrap_or(&target.name).clone();
            let result = match (results.as_slice(), &target.column) {
                ([], None) => String::new(),
                ([], Some(_)) if target.name == "value" => String::new(),
                ([], Some(column)) => {
                    return Err(Failure::usage(format!(
                        "--target: {} has one result without a name; --target {column} compares it with that column",
                        loaded.source.name
                    )));
                }
                (names, _) if names.contains(&target.name.as_str()) => target.name.clone(),
                ([only], None) => (*only).to_owned(),
                (names, _) => {
                    return Err(Failure::usage(format!(
                        "--target: {} has no result `{}`; its results are: {}; --target RESULT=COLUMN compares one",
                        loaded.source.name,
                        target.name,
                        names.join(", ")
                    )));
                }
            };
            if targets.iter().any(|(other, _)| *other == result) {
                return Err(Failure::usage(format!("--target: `{}` is compared twice", target.name)));
            }
            targets.push((result, column));
        }
        let sigmas = sigmas(&args.sigma, &targets)?;
        let sigma_columns = sigmas.iter().filter_map(|sigma| match sigma {
            Sigma::Column(column) => Some(column.as_str()),
            Sigma::Number(_) => None,
        });
        let column_of = |input: &str| {
            let renamed = args.columns.iter().find(|renamed| renamed.input == input);
            renamed.map_or(input, |renamed| renamed.column.as_str()).to_owned()
        };
        let inputs: Vec<(String, String)> =
            loaded.program.inputs().map(|input| (input.to_owned(), column_of(input))).collect();
        let wanted: Vec<&str> = inputs
            .iter()
            .map(|(_, column)| column)
            .chain(targets.iter().map(|(_, column)| column))
            .chain(&args.weights)
            .map(String::as_str)
            .chain(sigma_columns)
            .chain(group)
            .collect();
        let take = |column: &str| {
            wanted.iter().any(|name| *name == column || *name == base(column)).then(|| column.to_owned())
        };
        let missing = if args.skip_nan { Missing::Nan } else { Missing::Refuse };
        let options = ReadOptions::default().missing(missing).take(&take);
        let mut bytes = Vec::new();
        if piped {
            let read = std::io::stdin().lock().take(PIPED + 1).read_to_end(&mut bytes);
            read.map_err(|error| Failure::message("file", format!("{name}: cannot read it: {error}")))?;
            if bytes.len() as u64 > PIPED {
                return Err(Failure::message("file", format!("{name}: it is longer than 4 GiB"))
                    .note("what is in a file is read without that limit: --data FILE"));
            }
        }
        let open = |options: &ReadOptions<'_>| -> Result<Dataset<f64>, FileError> {
            if piped {
                Dataset::from_reader(&name, bytes.as_slice(), options)
            } else {
                Dataset::open_with(path, options)
            }
        };
        // A column of groups may be of texts.
        let is_label = |error: &FileError| match &error.problem {
            FileProblem::NotANumber { name, .. } | FileProblem::NoNumber { name, .. } => {
                Some(name.as_str()) == group
            }
            _ => false,
        };
        let dataset = match (open(&options), group) {
            (Err(error), Some(group)) if is_label(&error) => open(&options.labels(group)),
            (read, _) => read,
        };
        let dataset = dataset.map_err(|error| {
            let skips = matches!(error.problem, FileProblem::NoNumber { .. }) && !args.skip_nan;
            let failure = Failure::from(error);
            if skips { failure.note("--skip-nan leaves rows without a number out") } else { failure }
        })?;
        if dataset.is_positional() {
            return Err(Failure::message("columns", format!("{name}: its columns have no names")).note(
                "a fit takes a csv file with a header, an npz file or an npy file of a structured array",
            ));
        }
        for remark in dataset.remarks() {
            eprint_lines(&format!("note: {name}: {remark}\n"));
        }
        let forms = forms_in_file(&dataset);
        let series = |called: &str, column: &str| -> Result<Option<Series>, Failure> {
            let Some(form) = forms.get(column) else { return Ok(None) };
            let wrong = |why: &str| Failure::message("shape", format!("{name}, column {column:?}: {why}"));
            let shape = text::shape_of(form).map_err(|why| wrong(&why.to_string()))?;
            if shape == Shape::Complex {
                return Err(wrong("complex numbers cannot be fitted"));
            }
            let found = columns(&dataset, column, form).map_err(|why| wrong(&why))?;
            Ok(Some(Series { name: called.to_owned(), shape, columns: found }))
        };
        let missing = |option: &str, column: &str| {
            let names: Vec<&str> = dataset.fields().iter().filter_map(|field| field.name()).collect();
            let others: Vec<&str> =
                names.iter().copied().chain(dataset.left_aside().iter().map(String::as_str)).collect();
            let close = closest(column, &others).map_or(String::new(), |close| format!("; is it {close:?}?"));
            Failure::message("columns", format!("{name}: {option}: there is no column {column:?}{close}"))
                .note(format!("there is: {}", others.join(", ")))
        };
        let mut data = Data {
            name: name.clone(),
            inputs: Vec::new(),
            targets: Vec::new(),
            noise: Noise::FromResiduals,
            left_aside: dataset.left_aside().to_vec(),
            keys: None,
            labels: dataset.labels().to_vec(),
            hash: String::new(),
        };
        for (input, column) in &inputs {
            let renamed = args.columns.iter().any(|renamed| renamed.input == *input);
            match series(input, column)? {
                Some(series) => data.inputs.push(series),
                None if renamed => return Err(missing("--column", column)),
                None => {}
            }
        }
        for (result, column) in &targets {
            let found = series(column, column)?.ok_or_else(|| missing("--target", column))?;
            data.targets.push((result.clone(), found));
        }
        let single = |option: &str, column: &str| {
            let found = series(column, column)?.ok_or_else(|| missing(option, column))?;
            match found.columns.into_iter().next() {
                Some(numbers) if found.shape == Shape::Scalar => Ok(numbers),
                _ => Err(Failure::message(
                    "shape",
                    format!("{name}: {option}: {column:?} has to be one number in each row"),
                )),
            }
        };
        let of = |sigma: &Sigma| match sigma {
            Sigma::Number(number) if number.is_finite() && *number > 0.0 => Ok(vec![*number; dataset.rows()]),
            Sigma::Number(number) => {
                Err(Failure::usage(format!("--sigma: it has to be above 0, and is {number}")))
            }
            Sigma::Column(column) => single("--sigma", column),
        };
        match sigmas.as_slice() {
            [] => {}
            [all] if targets.len() == 1 || !args.sigma[0].contains('=') => {
                data.noise = Noise::Sigma(of(all)?)
            }
            each => data.noise = Noise::SigmaOfEach(each.iter().map(of).collect::<Result<_, Failure>>()?),
        }
        if let Some(column) = &args.weights {
            data.noise = Noise::Weights(single("--weights", column)?);
        }
        if let Some(column) = group {
            data.keys = Some(single("--group", column)?);
        }
        let series = data.inputs.iter().chain(data.targets.iter().map(|(_, series)| series));
        let scatter = match &data.noise {
            Noise::FromResiduals => &[],
            Noise::Sigma(column) | Noise::Weights(column) => std::slice::from_ref(column),
            Noise::SigmaOfEach(columns) | Noise::SigmaOfElements(columns) => columns.as_slice(),
        };
        let numbers = series.flat_map(|series| &series.columns).chain(scatter).flatten();
        data.hash = nc_model::fit::hash(numbers.flat_map(|x| x.to_bits().to_le_bytes()));
        Ok(data)
    }
}

/// The most bytes that are read from standard input.
const PIPED: u64 = 4 << 30;

/// Where standard deviations come from.
pub enum Sigma {
    Number(f64),
    Column(String),
}

/// What `--sigma` says: one for all targets, or one for each of them in their order.
pub fn sigmas(texts: &[String], targets: &[(String, String)]) -> Result<Vec<Sigma>, Failure> {
    let read = |text: &str| match text.trim().parse::<f64>() {
        Ok(number) => Sigma::Number(number),
        Err(_) => Sigma::Column(text.trim().to_owned()),
    };
    // A target is called as its result or as its column.
    let named = |text: &str| {
        let (name, what) = text.split_once('=')?;
        let of = |(result, column): &(String, String)| [result, column].contains(&&name.trim().to_owned());
        Some((targets.iter().position(of)?, read(what)))
    };
    if let [all] = texts
        && named(all).is_none()
    {
        return Ok(vec![read(all)]);
    }
    let mut found: Vec<Option<Sigma>> = targets.iter().map(|_| None).collect();
    for text in texts {
        let Some((target, sigma)) = named(text) else {
            let names: Vec<&str> = targets.iter().map(|(_, column)| column.as_str()).collect();
            return Err(Failure::usage(format!(
                "--sigma {text}: with several, each is TARGET=COLUMN or TARGET=NUMBER; targets are: {}",
                names.join(", ")
            )));
        };
        if found[target].replace(sigma).is_some() {
            return Err(Failure::usage(format!("--sigma: `{}` has it twice", targets[target].1)));
        }
    }
    let missing = found.iter().position(Option::is_none).filter(|_| !texts.is_empty());
    if let Some(target) = missing {
        return Err(Failure::usage(format!(
            "--sigma: there is none for `{}`: it has to be known for all targets or for none",
            targets[target].1
        )));
    }
    Ok(found.into_iter().flatten().collect())
}

/// The numbers of each element of a column, row after row.
pub fn columns(dataset: &Dataset<f64>, column: &str, form: &Form) -> Result<Vec<Vec<f64>>, String> {
    let found = dataset.find(column, form.clone()).map_err(|error| error.to_string())?;
    let rows = dataset.rows();
    let numbers = found.iter().map(|source| match *source {
        Source::Column(numbers) => numbers.to_vec(),
        Source::Matrix { data, row_stride, .. } => (0..rows).map(|row| data[row * row_stride]).collect(),
        Source::Constant(number) => vec![number; rows],
    });
    Ok(numbers.collect())
}

/// Writes a file that appears whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Ok(nc_arrays::write_bytes(path, bytes)?)
}
