//! A program built by function calls instead of from text: `cargo run --example formula`.

use neural_compiler::{CompileOptions, Derivative, Formula};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // |x| by a choice, so that the slope at 0 is that of the side taken.
    let mut f = Formula::new();
    let x = f.input("x");
    let zero = f.number(0.0);
    let negative = f.call("<", &[x, zero])?;
    let mirrored = f.call("-", &[x])?;
    let size = f.choose(negative, mirrored, x)?;
    let root = f.call("sqrt", &[size])?;
    f.result("root", root)?;

    let kernel = f.compile(&CompileOptions::default().derivative(Derivative::Gradient))?;
    let xs = [-4.0, 0.25, 9.0];
    let columns = kernel.columns(&[&xs])?;
    for (row, x) in xs.iter().enumerate() {
        println!("√|{x}| = {}, slope {}", columns[0][row], columns[1][row]);
    }
    Ok(())
}
