//! A kernel over the columns of an array file: `cargo run -p nc-cli --example batch -- corpus/batches/gravity-3d.npy`.

use nc_arrays::Dataset;
use nc_runtime::batch::{Batch, Kernel as _, Options, Sink, Source, Workspace};
use neural_compiler::{CompileOptions, Derivative, Program};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("the path of an npy, npz or csv file is wanted")?;
    let data = Dataset::<f64>::open(&path)?;
    let columns: Vec<Source<'_>> = data.all_columns().collect();

    // The length of each row as a vector, and its derivatives by all columns.
    let squares: Vec<String> = (0..columns.len()).map(|k| format!("(square x{k})")).collect();
    let program = Program::parse(&format!("(sqrt (+ {}))", squares.join(" ")))?;
    let options = CompileOptions::default().derivative(Derivative::Gradient);
    let kernel = program.compile(&options)?;

    let mut results = vec![vec![0.0; data.rows()]; kernel.shape().outputs];
    let mut outputs: Vec<Sink<'_>> = results.iter_mut().map(|column| Sink::Column(column)).collect();
    let batch = Batch {
        rows: data.rows(),
        inputs: &columns,
        params: &[],
        outputs: &mut outputs,
        param_gradients: &mut [],
    };
    let report = kernel.evaluate(batch, &Options::default(), &mut Workspace::new())?;
    println!("{} rows, {} failed; the first is {:?}", report.rows, report.failed, results[0].first());
    Ok(())
}
