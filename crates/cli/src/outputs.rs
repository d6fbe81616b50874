//! Files that a command writes.

use std::path::{Path, PathBuf};

use nc_arrays::FileIdentity;
use nc_model::Image;

use super::report::Failure;

/// An option, or what is read, with its file, if there is one.
pub type Named<'a> = (&'a str, Option<&'a PathBuf>);

/// Refuses outputs of which one is another one or what is read, by whatever name, or that have no folder.
pub fn check(outputs: &[Named<'_>], read: &[Named<'_>]) -> Result<(), Failure> {
    let identity = |path: &PathBuf| FileIdentity::of(path).ok();
    let same = |a: &PathBuf, b: &PathBuf| a == b || identity(a).is_some() && identity(a) == identity(b);
    let given = |files: &[Named<'_>]| -> Vec<(String, PathBuf)> {
        files.iter().filter_map(|(name, path)| Some(((*name).to_owned(), (*path)?.clone()))).collect()
    };
    let (outputs, read) = (given(outputs), given(read));
    for (k, (option, output)) in outputs.iter().enumerate() {
        if let Some((other, _)) = outputs[..k].iter().find(|(_, other)| same(output, other)) {
            return Err(Failure::usage(format!("{other} and {option} name the same file")));
        }
        if let Some((what, _)) = read.iter().find(|(_, path)| same(path, output)) {
            return Err(Failure::usage(format!("{option} would replace {what}, {}", output.display())));
        }
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(Failure::usage(format!("{option}: there is no folder {}", folder.display())));
        }
    }
    Ok(())
}

/// How a picture is written, by the ending of the file's name.
pub fn image_of(option: &str, path: &Path) -> Result<Image, Failure> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("svg") => Ok(Image::Svg),
        Some("png") => Ok(Image::Png),
        _ => Err(Failure::usage(format!("{option}: the name of the file has to end in .svg or .png"))),
    }
}
