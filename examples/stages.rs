//! A program at every stage that is the same on all machines: `cargo run --example stages -- '(* x (sin x))'`.

use neural_compiler::{CompileOptions, Derivative, Error, Program, Stage};

fn main() -> Result<(), Error> {
    let text =
        std::env::args().nth(1).unwrap_or_else(|| "(let ((s (sqrt x))) (if (> x 0) (* s y) 0))".into());
    let program = Program::parse(&text)?;
    let value = CompileOptions::default();
    let gradient = CompileOptions::default().derivative(Derivative::Gradient);
    for (title, stage, options) in [
        ("syntax tree", Stage::Ast, &value),
        ("A-normal form", Stage::Anf, &value),
        ("with loops", Stage::Tco, &value),
        ("graph", Stage::Graph, &value),
        ("graph with gradient", Stage::Adjoint, &gradient),
        ("lanes", Stage::Lanes, &gradient),
    ] {
        println!("{title}\n\n{}", program.stage(stage, options, None)?);
    }
    Ok(())
}
