//! Values and exact gradients of a formula over columns: `cargo run --example gradient`.

use neural_compiler::{CompileOptions, Derivative, Error, Program};

fn main() -> Result<(), Error> {
    // The speed of a pendulum bob, from its length and how far it was pulled.
    let program = Program::parse("(define g 9.81) (sqrt (* 2 g length (- 1 (cos angle))))")?;
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    let kernel = program.compile(&options)?;
    println!("{} in tier {}", program.inputs().collect::<Vec<_>>().join(", "), kernel.tier());

    let lengths = [0.5, 1.0, 2.0];
    let angles = [0.1, 0.5, 1.0];
    let columns = kernel.columns(&[&lengths, &angles])?;
    let [speeds, by_length, by_angle] = &columns[..] else { unreachable!("a value and two derivatives") };
    for ((speed, by_length), by_angle) in speeds.iter().zip(by_length).zip(by_angle) {
        println!("v = {speed:.4} m/s, ∂v/∂length = {by_length:.4}, ∂v/∂angle = {by_angle:.4}");
    }
    Ok(())
}
