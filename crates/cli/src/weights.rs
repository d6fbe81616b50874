//! Files of weights: arrays that are called as parameters of a program.

use std::path::Path;

use nc_arrays::{Form, NamedArray, read_whole_arrays, write_arrays};
use neural_compiler::Shape;
use neural_compiler::internals::number::Literal;

use super::Loaded;
use super::report::Failure;
use super::text::{self, Setting};

/// Reads the values of parameters from an npz file: those of the networks of a program, and any others that it holds. `given` says which
/// have a value already, which counts more than that of the file.
pub fn read(
    option: &str,
    path: &Path,
    loaded: &Loaded,
    given: impl Fn(&str) -> bool,
) -> Result<Vec<Setting>, Failure> {
    let file = path.display();
    let declared = loaded.declared();
    let mut settings = Vec::new();
    for array in read_whole_arrays::<f64>(path)? {
        let name = array.name.as_str();
        if !loaded.names().contains(&name) {
            let mut failure = loaded.unknown(&format!("{option} {file}"), name);
            if !declared.is_empty() {
                let names: Vec<&str> = declared.iter().map(|(name, _)| name.as_str()).collect();
                failure = failure.note(format!("its networks have: {}", names.join(", ")));
            }
            return Err(failure);
        }
        let wrong =
            |why: String| Failure::message("shape", format!("{option} {file}: the array {name:?} has {why}"));
        let shape = text::shape_of(&array.form).map_err(wrong)?;
        let found = || match shape {
            Shape::Scalar => "one number".to_owned(),
            shape => text::item("", shape),
        };
        if let Some((_, expected)) = declared.iter().find(|(known, _)| known == name)
            && *expected != shape
        {
            let expected = text::item(name, *expected);
            return Err(wrong(format!("the shape {}, and the program takes {expected}", found())));
        }
        if let Some(place) = array.data.iter().position(|x| !x.is_finite()) {
            return Err(wrong(format!("the element {} at {place}, which is no number", array.data[place])));
        }
        if !given(name) {
            let data = array.data.iter().map(|&x| Literal { f64: x, f32: x as f32 }).collect();
            settings.push(Setting { name: array.name, shape, data });
        }
    }
    let missing: Vec<String> = declared
        .iter()
        .filter(|(name, _)| !given(name) && settings.iter().all(|setting| setting.name != *name))
        .map(|(name, shape)| text::item(name, *shape))
        .collect();
    if !missing.is_empty() {
        let message = format!("{option} {file}: there are no arrays for: {}", missing.join(", "));
        return Err(Failure::message("missing-input", message)
            .note(format!("{} takes them as weights of its networks", loaded.source.name)));
    }
    Ok(settings)
}

/// Writes values of parameters to an npz file, each an array of its name and shape.
pub fn write(path: &Path, values: &[(String, Shape, Vec<f64>)]) -> Result<(), Failure> {
    let forms: Vec<Form> = values.iter().map(|(_, shape, _)| text::form(*shape)).collect();
    let arrays: Vec<NamedArray<'_>> = values
        .iter()
        .zip(&forms)
        .map(|((name, _, data), form)| NamedArray { name, rows: None, form, data })
        .collect();
    Ok(write_arrays(path, &arrays)?)
}
