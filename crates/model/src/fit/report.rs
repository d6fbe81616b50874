//! What a fit came to, for people and as JSON.

use std::fmt::Write as _;

use neural_compiler::{Program, Shape};
use serde_json::{Map, Value as Json, json};
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::uncertainty::list;
use super::{IMITATED, Loss, Orthogonality, Overlap, Profile, Reason};

/// A parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// Its name; with indices if it is an element of a vector or matrix.
    pub name: String,
    /// Its value at the minimum.
    pub value: f64,
    /// The standard error; none for what is fixed, at a bound or not determined, and where there are no more data than parameters.
    pub stderr: Option<f64>,
    /// Whether it is at one of its bounds.
    pub at_bound: bool,
    /// What it lies in with the probability [`Report::level`].
    pub interval: Option<[f64; 2]>,
    /// How many of its decimal digits hold in spite of rounding errors; none if it is not determined.
    pub digits: Option<u32>,
    /// Whether it was searched for, or else fixed or tied.
    pub free: bool,
}

/// Weights of a network: a vector or matrix of numbers of which none means anything by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// The name of the parameter, such as `correction.w1`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its elements, row-major.
    pub values: Vec<f64>,
    /// Whether they were searched for.
    pub trained: bool,
}

/// Weights with the same name before the point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Network<'r> {
    /// The name.
    pub name: &'r str,
    /// Its weights.
    pub weights: &'r [Weights],
}

impl Network<'_> {
    /// How many numbers there are.
    pub fn numbers(&self) -> usize {
        self.weights.iter().map(|weights| weights.values.len()).sum()
    }

    /// What names, shapes and numbers are known by.
    pub fn hash(&self) -> String {
        let bytes = self.weights.iter().flat_map(|weights| {
            let head = format!("{}:{:?};", weights.name, dims(weights.shape)).into_bytes();
            head.into_iter().chain(weights.values.iter().flat_map(|x| x.to_bits().to_le_bytes()))
        });
        hash(bytes)
    }
}

/// The dimensions of a shape.
fn dims(shape: Shape) -> Vec<u32> {
    match shape {
        Shape::Scalar => vec![],
        Shape::Complex => vec![2],
        Shape::Vector(n) => vec![n],
        Shape::Matrix(rows, columns) => vec![rows, columns],
    }
}

/// How well a training does on rows that are held out of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Validation {
    /// How many rows are held out.
    pub rows: usize,
    /// The root of the mean of their squared residuals, in the unit of the target.
    pub rmse: f64,
    /// That of the other rows.
    pub training_rmse: f64,
    /// The epoch whose weights these are.
    pub epoch: usize,
    /// Epochs that were trained.
    pub epochs: usize,
}

/// Where the standard errors come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scatter {
    /// From the residuals: all rows scatter alike.
    FromResiduals,
    /// From σ of the data.
    Known,
    /// From the residuals: variances are in inverse proportion to the weights.
    Relative,
}

/// How well a program explains data whose scatter is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goodness {
    /// χ² over the degrees of freedom: 1 but for chance, if the program and σ are right and noise is normal.
    pub reduced: f64,
    /// How probable a χ² as large is then.
    pub probability: f64,
}

impl Goodness {
    /// Of a sum of squares in units of σ².
    pub(super) fn of(squares: f64, dof: usize) -> Goodness {
        let probability = match ChiSquared::new(dof as f64) {
            Ok(distribution) if squares.is_finite() => distribution.sf(squares),
            _ => 0.0,
        };
        Goodness { reduced: squares / dof as f64, probability }
    }
}

/// What became of the starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starts {
    /// How many there were.
    pub tried: usize,
    /// How many led to the lowest minimum.
    pub reached_best: usize,
    /// How many minima of different height were found.
    pub distinct_optima: usize,
}

/// What a fit came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The parameters: those that were searched for, then the others, without weights of networks.
    pub parameters: Vec<Estimate>,
    /// The weights of networks, those of each one after the other.
    pub weights: Vec<Weights>,
    /// How the rows that were held out fared, if any were.
    pub validation: Option<Validation>,
    /// Why no standard errors are given, nor degrees of freedom, if weights were trained.
    pub without_errors: Option<String>,
    /// How much of the effects of constants networks can imitate, if that was asked for.
    pub overlaps: Vec<Overlap>,
    /// How networks were made orthogonal to the constants, if they were: then the constants, their errors and correlations are those of the law.
    pub orthogonal: Option<Orthogonality>,
    /// Numbers that follow from them, as [`super::Fit::derive`] says.
    pub derived: Vec<Estimate>,
    /// The sum of the squared residuals, divided by σ² or multiplied by the weights. Infinite or 0 where binary64 holds no number so large or so
    /// small, which does not matter to the fit.
    pub rss: f64,
    /// Its decimal logarithm, which always exists unless all residuals are 0.
    pub rss_log10: f64,
    /// How well the program explains the data, if σ is known and the loss is linear.
    pub goodness: Option<Goodness>,
    /// Half of what was minimised: of the sum of squares, or of what a robust loss makes of it.
    pub cost: f64,
    /// The root of the mean of the squared residuals, in the unit of the target.
    pub rmse: f64,
    /// Residuals that are left over: their number less that of the directions that the data determine.
    pub dof: usize,
    /// Rows that took part.
    pub rows: usize,
    /// Rows that were left out because a number of theirs was none.
    pub skipped: usize,
    /// Rows of weight 0.
    pub left_out: usize,
    /// Residuals: rows times the numbers that are compared in each.
    pub residuals: usize,
    /// Whether it is a minimum.
    pub converged: bool,
    /// Why the search ended.
    pub reason: Reason,
    /// How many times residuals and derivatives were evaluated over all rows.
    pub evaluations: usize,
    /// Steps of the search that led to the minimum.
    pub iterations: usize,
    /// What became of the starts.
    pub starts: Starts,
    /// The parameters of the correlation matrix.
    pub correlated: Vec<String>,
    /// Correlations of their errors.
    pub correlation: Vec<Vec<f64>>,
    /// What the data do not determine, in words.
    pub undetermined: Vec<String>,
    /// Likelihood profiles, if they were asked for.
    pub profiles: Vec<Profile>,
    /// Where the standard errors come from.
    pub scatter: Scatter,
    /// How much lies within intervals.
    pub level: f64,
    /// What was minimised of the residuals.
    pub loss: Loss,
    /// The seed.
    pub seed: u32,
    /// What the program's text is known by.
    pub program_hash: String,
}

impl Report {
    /// A parameter by its name.
    pub fn parameter(&self, name: &str) -> Option<&Estimate> {
        self.parameters.iter().find(|parameter| parameter.name == name)
    }

    /// Whether the data do not determine a constant because networks can imitate its effect.
    pub fn is_imitated(&self, name: &str) -> bool {
        let imitated = |overlap: &Overlap| overlap.share.is_some_and(|share| share > IMITATED);
        self.orthogonal.is_none() && self.overlaps.iter().any(|one| one.name == name && imitated(one))
    }

    /// The weights by the names of their networks.
    pub fn networks(&self) -> impl Iterator<Item = Network<'_>> {
        let stem = |weights: &Weights| {
            weights.name.rsplit_once('.').map_or(weights.name.len(), |(stem, _)| stem.len())
        };
        self.weights
            .chunk_by(move |a, b| a.name[..stem(a)] == b.name[..stem(b)])
            .map(move |weights| Network { name: &weights[0].name[..stem(&weights[0])], weights })
    }

    /// It as JSON; numbers that are not finite are `null`.
    pub fn json(&self) -> Json {
        let parameters: Map<String, Json> = self
            .parameters
            .iter()
            .map(|parameter| {
                let mut object = json!({
                    "value": parameter.value,
                    "stderr": parameter.stderr,
                    "at_bound": parameter.at_bound,
                    "interval": parameter.interval,
                    "digits": parameter.digits,
                    "free": parameter.free,
                });
                if self.is_imitated(&parameter.name) {
                    object["value"] = Json::Null;
                    object["trained_value"] = json!(parameter.value);
                }
                if let Some(profile) = self.profiles.iter().find(|profile| profile.name == parameter.name) {
                    object["profile_interval"] = json!(profile.interval);
                    object["profile"] = json!({"values": profile.values, "rise": profile.rise});
                }
                (parameter.name.clone(), object)
            })
            .collect();
        let derived: Map<String, Json> = self
            .derived
            .iter()
            .map(|Estimate { name, value, stderr, interval, .. }| {
                (name.clone(), json!({"value": value, "stderr": stderr, "interval": interval}))
            })
            .collect();
        let networks: Map<String, Json> = self
            .networks()
            .map(|network| {
                let arrays: Map<String, Json> = network
                    .weights
                    .iter()
                    .map(|weights| (weights.name.clone(), json!(dims(weights.shape))))
                    .collect();
                let object = json!({
                    "numbers": network.numbers(),
                    "arrays": arrays,
                    "trained": network.weights.iter().any(|weights| weights.trained),
                    "hash": network.hash(),
                });
                (network.name.to_owned(), object)
            })
            .collect();
        let overlap: Map<String, Json> =
            self.overlaps.iter().map(|overlap| (overlap.name.clone(), json!(overlap.share))).collect();
        let mut object = json!({
            "parameters": parameters,
            "derived": derived,
            "rss": self.rss,
            "rss_log10": self.rss_log10,
            "reduced_chi2": self.goodness.map(|goodness| goodness.reduced),
            "chi2_probability": self.goodness.map(|goodness| goodness.probability),
            "cost": self.cost,
            "rmse": self.rmse,
            "dof": self.dof,
            "rows": self.rows,
            "skipped_rows": self.skipped,
            "zero_weight_rows": self.left_out,
            "converged": self.converged,
            "reason": self.reason.to_string(),
            "evaluations": self.evaluations,
            "iterations": self.iterations,
            "starts": {
                "tried": self.starts.tried,
                "reached_best": self.starts.reached_best,
                "distinct_optima": self.starts.distinct_optima,
            },
            "correlation": {"names": self.correlated, "matrix": self.correlation},
            "undetermined": self.undetermined,
            "overlap": overlap,
            "stderr_from": match (&self.orthogonal, self.scatter) {
                (None, Scatter::FromResiduals) => "residuals",
                (None, Scatter::Known) => "sigma",
                (None, Scatter::Relative) => "weights and residuals",
                (Some(_), Scatter::FromResiduals) => "the law and residuals of the whole",
                (Some(_), Scatter::Known) => "the law and sigma",
                (Some(_), Scatter::Relative) => "the law, weights and residuals of the whole",
            },
            "level": self.level,
            "seed": self.seed,
            "program_hash": self.program_hash,
        });
        if !networks.is_empty() {
            object["networks"] = networks.into();
        }
        if let Some(why) = &self.without_errors {
            object["without_errors"] = why.as_str().into();
            object["dof"] = Json::Null;
            object["stderr_from"] = Json::Null;
        }
        if let Some(Orthogonality { on, rows, free, unfinished }) = &self.orthogonal {
            let free: Map<String, Json> = free.iter().map(|(name, x)| (name.clone(), json!(x))).collect();
            object["orthogonal"] = json!({
                "on": on.name(),
                "rows": rows,
                "trained_freely": free,
                "law_converged": unfinished.is_none(),
            });
        }
        if let Some(Validation { rows, rmse, training_rmse, epoch, epochs }) = self.validation {
            object["validation"] = json!({
                "rows": rows,
                "rmse": rmse,
                "training_rmse": training_rmse,
                "epoch": epoch,
                "epochs": epochs,
            });
        }
        object
    }

    /// Takes out all that says how well parameters are known, for this reason.
    pub fn without_errors(&mut self, why: impl Into<String>) {
        for estimate in self.parameters.iter_mut().chain(&mut self.derived) {
            (estimate.stderr, estimate.interval) = (None, None);
        }
        (self.correlated, self.correlation, self.profiles) = (Vec::new(), Vec::new(), Vec::new());
        (self.goodness, self.dof, self.without_errors) = (None, 0, Some(why.into()));
    }

    /// It for people: a table of the parameters, and what there is to know.
    pub fn text(&self) -> String {
        let percent = format!("{} %", self.level * 100.0);
        let mut rows = vec![[
            "parameter".to_owned(),
            "value".into(),
            "± standard error".into(),
            percent,
            "digits".into(),
        ]];
        for parameter in &self.parameters {
            let stderr = match (parameter.stderr, parameter.free) {
                _ if parameter.at_bound => "at its bound".into(),
                (Some(stderr), _) => format!("± {}", short(stderr, 3)),
                (None, false) => "fixed".into(),
                (None, true) if self.without_errors.is_some() => "not given".into(),
                (None, true) if self.undetermined_name(&parameter.name) => "not determined".into(),
                (None, true) => "unknown".into(),
            };
            let interval = parameter
                .interval
                .map_or(String::new(), |[low, high]| format!("{} … {}", short(low, 6), short(high, 6)));
            let digits = parameter.digits.map_or(String::new(), |digits| digits.to_string());
            let value = match self.is_imitated(&parameter.name) {
                true => "not determined".into(),
                false => short(parameter.value, parameter.digits.unwrap_or(0).clamp(6, 12) as usize),
            };
            rows.push([parameter.name.clone(), value, stderr, interval, digits]);
        }
        for Estimate { name, value, stderr, interval, .. } in &self.derived {
            let stderr = stderr.map_or("not determined".into(), |stderr| format!("± {}", short(stderr, 3)));
            let interval = interval
                .map_or(String::new(), |[low, high]| format!("{} … {}", short(low, 6), short(high, 6)));
            rows.push([name.clone(), short(*value, 6), stderr, interval, String::new()]);
        }
        let widths: Vec<usize> =
            (0..5).map(|k| rows.iter().map(|row| row[k].chars().count()).max().unwrap_or(0)).collect();
        let mut text = String::new();
        // A program may be nothing but networks.
        for row in rows.iter().filter(|_| rows.len() > 1) {
            let cells: Vec<String> =
                row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
            text += cells.join("  ").trim_end();
            text.push('\n');
        }
        for network in self.networks() {
            let arrays: Vec<String> = network
                .weights
                .iter()
                .map(|weights| {
                    let name = weights.name[network.name.len()..].trim_start_matches('.');
                    let sizes: Vec<String> = dims(weights.shape).iter().map(u32::to_string).collect();
                    [name, &sizes.join("×")].join(" ").trim().to_owned()
                })
                .collect();
            let trained = network.weights.iter().any(|weights| weights.trained);
            let _ = writeln!(
                text,
                "network {}: {} weights{} ({}), hash {}",
                network.name,
                network.numbers(),
                if trained { "" } else { ", fixed" },
                arrays.join(", "),
                network.hash()
            );
        }
        text.push('\n');
        let _ = writeln!(
            text,
            "{} rows{}; residual sum of squares {}, root mean square {}",
            self.rows,
            match self.without_errors {
                None => format!(", {} degrees of freedom", self.dof),
                Some(_) => String::new(),
            },
            if self.rss > 0.0 && self.rss.is_finite() || self.rss_log10 == f64::NEG_INFINITY {
                short(self.rss, 8)
            } else {
                format!("1e{:.2}", self.rss_log10)
            },
            short(self.rmse, 6)
        );
        if let Some(Goodness { reduced, probability }) = self.goodness {
            let _ = writeln!(
                text,
                "reduced χ² {}; as large a one has the probability {}",
                short(reduced, 4),
                short(probability, 2)
            );
        }
        if let Some(Validation { rows, rmse, training_rmse, epoch, epochs }) = self.validation {
            let _ = writeln!(
                text,
                "{rows} rows held out: root mean square {}, of the others {}; the weights are those of epoch {epoch} of {epochs}",
                short(rmse, 6),
                short(training_rmse, 6)
            );
        }
        let state = if self.converged { "converged" } else { "not converged" };
        let _ = write!(text, "{state}: {}; {} evaluations", self.reason, self.evaluations);
        let _ = match (&self.without_errors, &self.orthogonal) {
            (Some(why), None) => writeln!(text, "\nno standard errors are given: {why}"),
            (Some(why), Some(orthogonal)) => {
                writeln!(text, "\n{}\nno standard errors are given: {why}", credited(orthogonal))
            }
            (None, Some(orthogonal)) => {
                writeln!(text, "\n{}\n{}", credited(orthogonal), errors_of_law(self.scatter))
            }
            (None, None) => writeln!(
                text,
                "{}\nstandard errors come from {}",
                match self.reason {
                    Reason::Stopped => "; not all starts were followed to their minima".to_owned(),
                    _ => format!(
                        "; {} of {} starts came as low, minima of {} heights were found",
                        self.starts.reached_best, self.starts.tried, self.starts.distinct_optima
                    ),
                },
                match self.scatter {
                    Scatter::FromResiduals => "the residuals, as if all rows scattered alike",
                    Scatter::Known => "σ of the data",
                    Scatter::Relative => "the residuals, with the weights of the rows",
                }
            ),
        };
        let share = |share: &Option<f64>| share.map_or("unknown".to_owned(), |share| format!("{share:.4}"));
        let overlaps: Vec<String> =
            self.overlaps.iter().map(|one| format!("{} {}", one.name, share(&one.share))).collect();
        if !overlaps.is_empty() {
            let _ = writeln!(
                text,
                "of its effect the networks can imitate, from 0 to 1: {}",
                overlaps.join(", ")
            );
        }
        let imitated: Vec<&str> = self.overlaps.iter().map(|one| one.name.as_str()).collect();
        let imitated: Vec<&str> = imitated.into_iter().filter(|name| self.is_imitated(name)).collect();
        if !imitated.is_empty() {
            let verb = if imitated.len() == 1 { "is" } else { "are" };
            let _ = writeln!(
                text,
                "{} {verb} not determined beside networks that imitate as much: --orthogonal all or cycles credits the law, and a \
                 network of fewer inputs can imitate less",
                list(&imitated)
            );
        }
        if self.skipped > 0 {
            let _ = writeln!(text, "{} rows were skipped: a number is missing there", self.skipped);
        }
        if self.left_out > 0 {
            let _ = writeln!(text, "{} rows have the weight 0", self.left_out);
        }
        if self.dof == 0 && self.without_errors.is_none() {
            text += "there are no more data than parameters, so the residuals say nothing about errors\n";
        }
        let bounds: Vec<&str> =
            self.parameters.iter().filter(|p| p.at_bound).map(|p| p.name.as_str()).collect();
        if !bounds.is_empty() {
            let verb = if bounds.len() == 1 { "is at its bound" } else { "are at their bounds" };
            let _ =
                writeln!(text, "{} {verb}: the other errors are as if it were fixed there", list(&bounds));
        }
        for Profile { name, interval: [low, high], .. } in &self.profiles {
            let end = |end: &Option<f64>| end.map_or("open".to_owned(), |x| short(x, 6));
            let _ = writeln!(text, "profile of {name}: {} … {}", end(low), end(high));
        }
        for words in &self.undetermined {
            let _ = writeln!(text, "{words}");
        }
        text
    }

    fn undetermined_name(&self, name: &str) -> bool {
        self.dof > 0 && !self.correlated.iter().any(|known| known == name)
    }
}

/// Which constants are the law's, and what they are without.
fn credited(orthogonal: &Orthogonality) -> String {
    let Orthogonality { on, rows, free, unfinished } = orthogonal;
    let freely: Vec<String> = free.iter().map(|(name, x)| format!("{name} {}", short(*x, 6))).collect();
    let unfinished =
        unfinished.map_or(String::new(), |reason| format!("; its fit has not converged: {reason}"));
    format!(
        "the constants are those of the law alone on {rows} rows (orthogonal: {}){unfinished}; trained freely: {}",
        on.name(),
        freely.join(", ")
    )
}

/// Where standard errors of constants come from to which networks are orthogonal.
fn errors_of_law(scatter: Scatter) -> String {
    let scatter = match scatter {
        Scatter::Known => "σ of the data",
        Scatter::FromResiduals | Scatter::Relative => {
            "the residuals of the whole, weights counted as numbers that are fitted"
        }
    };
    format!("standard errors come from the law, and {scatter} (Frisch and Waugh)")
}

/// A number with so many digits.
pub fn short(x: f64, digits: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let size = x.abs().log10().floor();
    if (-5.0..9.0).contains(&size) {
        let decimals = (digits as f64 - 1.0 - size).max(0.0) as usize;
        format!("{x:.decimals$}")
    } else {
        format!("{x:.*e}", digits - 1)
    }
}

/// What bytes are known by: 64-bit FNV-1a, as hexadecimal digits.
pub fn hash(bytes: impl Iterator<Item = u8>) -> String {
    format!("{:016x}", digest(bytes))
}

/// What bytes are known by: 64-bit FNV-1a.
pub fn digest(bytes: impl Iterator<Item = u8>) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.fold(0xcbf2_9ce4_8422_2325u64, step)
}

/// What a program's text is known by.
pub fn program_hash(program: &Program) -> String {
    let sources = program.sources();
    hash(sources.sources().flat_map(|source| sources.text(source).bytes()))
}
