//! Programs in binary32.

use nc_runtime::batch::{Batch, BatchError, Options, Sink, Source, Workspace};
use ndarray::Array2;
use neural_compiler::{CompileOptions, Derivative, Dtype, Formula, Kernel, Limits, Program, Signature, Tier};

const TIERS: [Tier; 3] = [Tier::Auto, Tier::Cranelift, Tier::Interpret];

fn options(tier: Tier) -> CompileOptions {
    CompileOptions::default().dtype(Dtype::F32).tier(tier).derivative(Derivative::Gradient)
}

#[test]
fn a_square_and_its_gradient() {
    let program = Program::parse("(+ (* x x) y)").unwrap();
    for tier in TIERS {
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

fn kernel(source: &str, tier: Tier) -> Kernel {
    let options = options(tier).derivative(Derivative::None);
    Program::parse(source).unwrap().compile(&options).unwrap()
}

/// One number in, one out.
fn value(source: &str, tier: Tier, x: f32) -> f32 {
    kernel(source, tier).columns(&[&[x]]).unwrap()[0][0]
}

#[test]
fn literals_are_rounded_once() {
    // A little above the middle between 1 and the next number. Its nearest f64 is the middle, which is rounded to 1.
    let literal = "1.00000005960464477539062500001";
    assert_eq!(literal.parse::<f64>().unwrap() as f32, 1.0);
    for tier in TIERS {
        assert_eq!(value(&format!("(* x {literal})"), tier, 1.0), 1.000_000_1, "{tier}");
        assert_eq!(value("(* x 1/3)", tier, 1.0), 1.0 / 3.0, "{tier}");
    }
}

#[test]
fn constants_are_folded_in_binary32() {
    for tier in TIERS {
        assert_eq!(value("(+ x (- (+ 16777216 1) 16777216))", tier, 0.0), 0.0, "{tier}");
        assert_eq!(value("(* x (* 1e-30 1e-30))", tier, 1.0).to_bits(), 0, "{tier}");
        // 2^−127 is no normal number, so that dividing by 2^127 is not multiplying by it.
        let quotient = value("(/ x 170141183460469231731687303715884105728)", tier, 3.0);
        assert_eq!(quotient.to_bits(), (3.0 / 2f32.powi(127)).to_bits(), "{tier}");
    }
}

#[test]
fn nan_is_canonical() {
    for tier in TIERS {
        let columns = kernel("(/ x y)", tier).columns(&[&[0.0; 9], &[0.0f32; 9]]).unwrap();
        assert!(columns[0].iter().all(|x| x.to_bits() == 0x7FC0_0000), "{tier}");
        let failed = kernel("(ref (vec x 1) x)", tier).columns(&[&[0.5f32; 5]]).unwrap();
        assert!(failed[0].iter().all(|x| x.to_bits() == 0x7FC0_0000), "{tier}");
    }
}

#[test]
fn large_angles_take_the_slow_path() {
    for x in [1e30f32, 3e38, -4e20, 1e9] {
        for tier in TIERS {
            let (found, exact) = (value("(sin x)", tier, x), f64::from(x).sin());
            assert!((f64::from(found) - exact).abs() < 1e-7, "{tier}: sin {x:e} is {found}, not {exact}");
        }
    }
}

#[test]
fn sums_over_the_batch_are_binary64() {
    let program = Program::parse("(* k x)").unwrap();
    let x = vec![0.1f32; 10_000];
    let mut sums = Vec::new();
    for (tier, threads) in TIERS.into_iter().flat_map(|tier| [1, 2].map(|threads| (tier, threads))) {
        let signature = Signature::scalars().parameter("k");
        let kernel = program.compile(&options(tier).signature(signature)).unwrap();
        let (mut value, mut gradient, mut sum) = (vec![0.0; x.len()], vec![0.0; x.len()], [0.0]);
        let batch = Batch {
            rows: x.len(),
            inputs: &[Source::Column(&x)],
            params: &[2.0],
            outputs: &mut [Sink::Column(&mut value), Sink::Column(&mut gradient)],
            param_gradients: &mut sum,
        };
        kernel.evaluate(batch, &Options::with_threads(threads), &mut Workspace::new()).unwrap();
        assert_eq!((value[77], gradient[77]), (0.2, 2.0));
        sums.push(sum[0]);
    }
    assert!(sums.iter().all(|sum: &f64| sum.to_bits() == sums[0].to_bits()), "{sums:?}");
    assert!((sums[0] - 10_000.0 * f64::from(0.1f32)).abs() < 1e-9, "{}", sums[0]);
}

#[test]
fn numbers_of_another_type_are_refused() {
    let kernel = kernel("(+ x 1)", Tier::Auto);
    assert_eq!(kernel.dtype(), Dtype::F32);
    let error = kernel.columns(&[&[1.0f64]]).unwrap_err();
    assert!(matches!(error, BatchError::Precision { .. }), "{error}");
    assert_eq!(error.to_string(), "the kernel works on f32 numbers, the batch has f64 numbers");
}

#[test]
fn arrays_and_formulas() {
    let mut f = Formula::of(Dtype::F32);
    let (x, tenth) = (f.input("x"), f.number(0.1));
    let product = f.call("*", &[x, tenth]).unwrap();
    f.result("", product).unwrap();
    let kernel = f.compile(&CompileOptions::default()).unwrap();
    let inputs = Array2::from_shape_fn((7, 1), |(row, _)| row as f32);
    let mut outputs = Array2::zeros((7, 1));
    let (options, mut workspace) = (Options::default(), Workspace::new());
    kernel.evaluate_array(inputs.view(), &[], outputs.view_mut(), &mut [], &options, &mut workspace).unwrap();
    assert_eq!(outputs, inputs.mapv(|x: f32| x * 0.1));
}

/// More steps than binary32 can count one by one are counted exactly.
#[test]
fn steps_beyond_2_to_the_24() {
    let source = "(let outer ((i 0) (s 0))
                    (if (< i n) (outer (+ i 1) (let inner ((j 0)) (if (< j 4000) (inner (+ j 1)) j))) s))";
    let program = Program::parse(source).unwrap();
    let taken = 4300 * 4001;
    assert!(taken > 1 << 24);
    for (steps, expected) in [(taken, Some(4000.0f32)), (taken - 1, None)] {
        let limits = Some(Limits { steps, ..Limits::default() });
        let options = CompileOptions::default().dtype(Dtype::F32).tier(Tier::Cranelift).limits(limits);
        let found = program.compile(&options).unwrap().columns(&[&[4300f32]]).unwrap()[0][0];
        assert_eq!((!found.is_nan()).then_some(found), expected, "{steps} steps");
    }
}

#[test]
fn few_steps_are_counted_alike_in_every_tier() {
    let source = "(define (f n) (if (< n 2) 1 (+ (f (- n 1)) (f (- n 2))))) (f x)";
    let program = Program::parse(source).unwrap();
    for steps in [175, 176, 177, 178] {
        let limits = Some(Limits { steps, ..Limits::default() });
        let run = |dtype, tier| {
            let options = CompileOptions::default().dtype(dtype).tier(tier).limits(limits);
            program.compile(&options).unwrap()
        };
        let double = run(Dtype::F64, Tier::Interpret).columns(&[&[10.0f64]]).unwrap()[0][0];
        for tier in TIERS {
            let found = run(Dtype::F32, tier).columns(&[&[10.0f32]]).unwrap()[0][0];
            assert_eq!(found.is_nan(), double.is_nan(), "{steps} steps, {tier}");
        }
    }
}
