//! Programs in binary32.

use neural_compiler::{CompileOptions, Derivative, Dtype, Program, Tier};

fn options(tier: Tier) -> CompileOptions {
    CompileOptions { dtype: Dtype::F32, tier, derivative: Derivative::Gradient, ..CompileOptions::default() }
}

#[test]
fn a_square_and_its_gradient() {
    let program = Program::parse("(+ (* x x) y)").unwrap();
    for tier in [Tier::Auto, Tier::Cranelift, Tier::Interpret] {
        let kernel = program.compile(&options(tier)).unwrap();
        let (x, y): (Vec<f32>, Vec<f32>) = (0..37).map(|k| (0.1 * k as f32, 1.0 / (k as f32 + 1.0))).unzip();
        let columns = kernel.columns(&[&x, &y]).unwrap();
        for k in 0..37 {
            assert_eq!(columns[0][k].to_bits(), (x[k] * x[k] + y[k]).to_bits(), "{tier}, row {k}");
            assert_eq!(columns[1][k].to_bits(), (x[k] + x[k]).to_bits(), "{tier}, row {k}");
            assert_eq!(columns[2][k], 1.0);
        }
    }
}
