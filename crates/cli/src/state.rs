//! The state of the loop or recursive function in which a row failed.

use neural_compiler::{Shape, Variable};
use serde_json::{Map, Value as Json};

use super::text;

/// Elements of a vector or matrix that a line shows.
const SHOWN: usize = 16;

/// `i = 10000, x = [1, 2]`, on one line.
pub fn line(state: &[Variable]) -> String {
    let variable = |variable: &Variable| {
        let elements: Vec<String> = variable.elements.iter().copied().take(SHOWN).map(text::number).collect();
        if variable.shape == Shape::Complex {
            return format!(
                "{} = {}",
                variable.name,
                text::value(&variable.elements, &text::form(variable.shape), 0)
            );
        }
        let dims = variable.shape.dims();
        let more = if variable.elements.len() > SHOWN { ", …" } else { "" };
        let value = match dims.as_slice() {
            [] => elements.concat(),
            [_] => format!("[{}{more}]", elements.join(", ")),
            [.., columns] => {
                let rows: Vec<String> =
                    elements.chunks((*columns).max(1)).map(|row| format!("[{}]", row.join(", "))).collect();
                format!("[{}{more}]", rows.join(", "))
            }
        };
        format!("{} = {value}", variable.name)
    };
    state.iter().map(variable).collect::<Vec<_>>().join(", ")
}

/// `{"i": 10000.0, "x": [1.0, 2.0]}`.
pub fn json(state: &[Variable]) -> Json {
    let variables = state.iter();
    let pairs = variables.map(|v| (v.name.clone(), text::json(&v.elements, &text::form(v.shape))));
    Json::Object(pairs.collect::<Map<_, _>>())
}
