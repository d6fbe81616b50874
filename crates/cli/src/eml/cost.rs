//! `nc eml cost`: what a program costs under the published tables of the operator family.

use std::path::PathBuf;

use nc_eml::cost::{self, Entry, PUBLISHED, Pricing, Published, Table};
use serde_json::{Map, Value as Json, json};

use crate::dialect::DialectArgs;
use crate::report::Failure;
use crate::{Loaded, print, print_json, table};

/// Price a program under the published cost tables
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    nc eml cost law.scm --positive t,r\n  \
    nc eml cost tree.eml --json\n  \
    nc eml cost --activations\n\n\
    A cost counts operators of the family. The tables v4 to v5.3 and `general` are the published ones; `checked` counts\n\
    the operators of the construction in the last column but one, which is right where `domain` says.")]
pub struct Args {
    /// The program; - is standard input
    #[arg(value_name = "PROG", required_unless_present = "activations")]
    program: Option<PathBuf>,
    /// Inputs that are positive
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    positive: Vec<String>,
    /// The published table of activations and laws, with corrections
    #[arg(long, conflicts_with = "program")]
    activations: bool,
    #[command(flatten)]
    dialect: DialectArgs,
}

/// Runs the subcommand.
pub fn run(args: &Args, json: bool) -> Result<(), Failure> {
    let Some(path) = &args.program else {
        return if json {
            print_json(&PUBLISHED.iter().map(published_json).collect())
        } else {
            print(&published_text())
        };
    };
    let loaded = Loaded::open_with(Some(path), None, &args.dialect)?;
    for name in &args.positive {
        if !loaded.program.inputs().any(|input| input == name) {
            return Err(loaded.unknown("--positive", name));
        }
    }
    let priced = cost::price(&loaded.program, &args.positive);
    let pricing = priced.map_err(|errors| Failure::Source(loaded.source.clone(), errors))?;
    if json { print_json(&as_json(&loaded, &pricing)) } else { print(&as_text(&loaded, &pricing)) }
}

/// Each operation of a program with its entry and how often it stands there.
fn entries(pricing: &Pricing) -> impl Iterator<Item = (&'static Entry, u32)> {
    pricing.counts.iter().filter_map(|&(of, count)| Some((cost::entry_of(of)?, count)))
}

fn amount(cost: Option<impl ToString>) -> String {
    cost.map_or("–".into(), |cost| cost.to_string())
}

fn as_text(loaded: &Loaded, pricing: &Pricing) -> String {
    let mut head = vec!["  operation".to_string(), "count".into()];
    head.extend(Table::ALL.iter().map(|table| table.name().to_string()));
    head.extend(["construction", "domain"].map(String::from));
    let mut rows = vec![head];
    for (entry, count) in entries(pricing) {
        let mut row = vec![format!("  {}", entry.name), count.to_string()];
        row.extend(entry.costs.iter().map(|&cost| amount(cost)));
        row.extend([entry.construction.unwrap_or("–"), entry.domain].map(String::from));
        rows.push(row);
    }
    let mut total = vec!["  total".to_string(), String::new()];
    total.extend(Table::ALL.iter().map(|&table| amount(pricing.total(table))));
    rows.push(total);
    let mut text = format!("{}\n{}", loaded.source.name, table(&rows, &[1, 2, 3, 4, 5, 6, 7, 8]));
    for (entry, _) in entries(pricing).filter(|(entry, _)| !entry.remark.is_empty()) {
        text += &format!("  {}: {}\n", entry.name, entry.remark);
    }
    for &(name, span) in &pricing.unpriced {
        let (file, start) = loaded.source.of(span);
        let (line, column) = file.place((span.start - start) as usize);
        text += &format!("  {name} at {line}:{column} has no price in any table\n");
    }
    text
}

fn as_json(loaded: &Loaded, pricing: &Pricing) -> Json {
    let by_table = |cost: &dyn Fn(usize, Table) -> Json| -> Json {
        let costs = Table::ALL.iter().enumerate();
        costs.map(|(k, &table)| (table.name().to_string(), cost(k, table))).collect::<Map<_, _>>().into()
    };
    let operations: Vec<Json> = entries(pricing)
        .map(|(entry, count)| {
            json!({
                "operation": entry.name,
                "count": count,
                "costs": by_table(&|k, _| json!(entry.costs[k])),
                "construction": entry.construction,
                "domain": entry.domain,
                "remark": entry.remark,
            })
        })
        .collect();
    let unpriced: Vec<&str> = pricing.unpriced.iter().map(|&(name, _)| name).collect();
    json!({
        "program": loaded.source.name,
        "operations": operations,
        "unpriced": unpriced,
        "total": by_table(&|_, table| json!(pricing.total(table))),
    })
}

fn published_text() -> String {
    let mut rows = vec![["what", "published", "here", "construction", "domain"].map(String::from).to_vec()];
    for published in PUBLISHED {
        rows.push(vec![
            published.name.into(),
            amount(published.claim),
            amount(published.construction.map(|_| published.operators)),
            published.construction.unwrap_or("–").into(),
            published.domain.into(),
        ]);
    }
    let mut text = table(&rows, &[1, 2]);
    for published in PUBLISHED {
        text += &format!("{}: {}\n", published.name, published.remark);
    }
    text
}

fn published_json(published: &Published) -> Json {
    json!({
        "name": published.name,
        "formula": published.formula,
        "published": published.claim,
        "priced_as": published.priced_as,
        "operators": published.construction.map(|_| published.operators),
        "construction": published.construction,
        "domain": published.domain,
        "remark": published.remark,
    })
}
