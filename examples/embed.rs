//! A program compiled once and evaluated over a batch, with its gradient: `cargo run --release --example embed`.

use neural_compiler::batch::{Batch, Options, Sink, Source, Workspace};
use neural_compiler::{CompileOptions, Derivative, Error, Program, Signature};

fn main() -> Result<(), Error> {
    // The kinetic energy of bodies that share one mass.
    let program = Program::parse("(* 0.5 (* m (pow v 2)))")?;
    let options = CompileOptions::default()
        .signature(Signature::scalars().parameter("m"))
        .derivative(Derivative::Gradient);
    let kernel = program.compile(&options)?;

    let speeds = [1.0, 2.0, 3.0];
    let (mut energies, mut slopes, mut by_mass) = ([0.0; 3], [0.0; 3], [0.0]);
    let batch = Batch {
        rows: speeds.len(),
        inputs: &[Source::Column(&speeds)],
        params: &[2.0],
        outputs: &mut [Sink::Column(&mut energies), Sink::Column(&mut slopes)],
        param_gradients: &mut by_mass,
    };
    let report = kernel.evaluate(batch, &Options::default(), &mut Workspace::new())?;

    assert_eq!(report.failed, 0);
    assert_eq!(energies, [1.0, 4.0, 9.0]);
    assert_eq!(slopes, [2.0, 4.0, 6.0]);
    // Derivatives by what all rows share are summed over the batch.
    assert_eq!(by_mass, [7.0]);
    println!("energies {energies:?}, dE/dv {slopes:?}, dE/dm {by_mass:?}, in tier {}", kernel.tier());
    Ok(())
}
