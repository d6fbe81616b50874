//! Vectors and matrices of many elements: the same bits in every tier, and in loops whatever the mask and the tape.

use crate::support;

use nc_runtime::batch::Kernel as _;
use neural_compiler::internals::graph;
use neural_compiler::{CompileOptions, Derivative, Dtype, Kernel, Program, Shape, Signature, Tier};

/// Numbers that are not special, some of which are zeros, the same for every run.
fn number(k: usize) -> f64 {
    let mixed = (k as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    match (mixed >> 40) % 37 {
        0 => 0.0,
        1 => -0.0,
        _ => ((mixed >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * 3.0,
    }
}

fn columns(count: usize, rows: usize) -> Vec<Vec<f64>> {
    (0..count).map(|c| (0..rows).map(|r| number(c * 31 + r * 1009)).collect()).collect()
}

/// The shapes of those names that the program uses.
fn signature(source: &str, shapes: &[(&str, Shape)]) -> Signature {
    let used = |name: &str| source.split(|c: char| " ()[]\n".contains(c)).any(|word| word == name);
    shapes
        .iter()
        .filter(|(name, _)| used(name))
        .fold(Signature::scalars(), |signature, &(name, shape)| signature.shape(name, shape))
}

fn compile(
    source: &str,
    shapes: &[(&str, Shape)],
    tier: Tier,
    derivative: Derivative,
    tape: usize,
) -> Kernel {
    compile_as(Dtype::F64, source, shapes, tier, derivative, tape)
}

fn compile_as(
    dtype: Dtype,
    source: &str,
    shapes: &[(&str, Shape)],
    tier: Tier,
    derivative: Derivative,
    tape: usize,
) -> Kernel {
    let program = Program::parse(source).unwrap_or_else(|e| panic!("{source}: {e}"));
    let options = CompileOptions::default()
        .signature(signature(source, shapes))
        .dtype(dtype)
        .tier(tier)
        .derivative(derivative)
        .tape_bytes(tape);
    let kernel = program.compile(&options).unwrap_or_else(|e| panic!("{source}: {e}"));
    if tier != Tier::Interpret {
        assert_eq!(kernel.notes(), &[] as &[String], "{source}");
        assert_eq!(kernel.tier(), tier, "{source}");
    }
    assert_eq!(graph::verify::verify(kernel.graph()), Ok(()), "{source}");
    kernel
}

/// Compares all tiers on some batch lengths; returns the results of the last.
fn agree(
    source: &str,
    shapes: &[(&str, Shape)],
    derivative: &Derivative,
    tapes: &[usize],
    lengths: &[usize],
) {
    let types = [(Dtype::F64, support::native_tier()), (Dtype::F32, support::native_tier())];
    for (&tape, (dtype, tier)) in tapes.iter().flat_map(|tape| types.map(|types| (tape, types))) {
        let native = compile_as(dtype, source, shapes, tier, derivative.clone(), tape);
        let interpreted = compile_as(dtype, source, shapes, Tier::Interpret, derivative.clone(), tape);
        let options = CompileOptions::default().tier(Tier::Interpret).tape_bytes(tape);
        let by_graph = Kernel::from_graph(native.graph().clone(), &options).expect("a kernel");
        for &rows in lengths {
            let inputs = columns(native.shape().inputs, rows);
            let expected = support::run(&by_graph, &inputs, &[], rows, 1);
            for (kernel, name) in [(&native, "native"), (&interpreted, "interpreted")] {
                let found = support::run(kernel, &inputs, &[], rows, 1);
                let k = (0..expected.columns.len()).find(|&k| found.columns[k] != expected.columns[k]);
                let show = |r: &support::Results, k: usize| -> Vec<f64> {
                    r.columns[k].iter().map(|&b| f64::from_bits(b)).collect()
                };
                if let Some(k) = k {
                    panic!(
                        "{source}, {dtype}, {derivative:?}, {rows} rows, tape {tape}: {name} column {k}: {:?} for {:?}",
                        show(&found, k),
                        show(&expected, k)
                    );
                }
            }
        }
    }
}

const VECTORS: &[&str] = &[
    "(+ u v)",
    "(- (* u v) (/ u 3))",
    "(vsum u)",
    "(dot u v)",
    "(norm u)",
    "(exp (sin (* u v)))",
    "(max u (min v (abs u)))",
    "(vsum (sqrt (+ 1 (* u u))))",
    "(* (ref u 3) v)",
    "(ref u (abs (round s)))",
    "(vsum (* u (ref v 64)))",
    "(if (> (ref u 0) 0) (* u v) (- v))",
    "(dot (normalize u) v)",
    "(+ (pow u 3) (hypot u v))",
    "(vsum (* (vsum u) (+ v (vsum (+ u v)))))",
    "(vsum (floor (* 3 u)))",
    "(dot (scale s u) (+ s v))",
    "(vsum [(vsum u) (dot u v) 3])",
    "(vappend (ref u 0) (slice v 1 40) s (slice u 3) v)",
    "(dot (slice (* u v) 2 60) (slice v 3 61))",
    "(let ((m (+ (slice u 0 63) (slice u 2 65) (* s (slice u 1 64))))) (vappend (ref u 0) m v))",
    "(vsum (* (vappend u v) (vappend v (sin u))))",
    "(vsum (slice (vappend u v s) 30 90))",
    "(solve-tridiagonal (slice u 1) (+ s v) (slice v 1) u)",
    "(+ (ref u 5) (ref u 7) (vsum (slice u 6 9)) (norm u))",
    "(norm (vappend (ref u 64) (abs (slice u 0 30)) (max s (slice v 20 40))))",
];

#[test]
fn operations_on_vectors() {
    for n in [65, 100, 1000] {
        let shapes = [("u", Shape::Vector(n)), ("v", Shape::Vector(n))];
        for source in VECTORS {
            let lengths: &[usize] = if n == 1000 { &[3] } else { &[1, 2, 5, 17] };
            agree(source, &shapes, &Derivative::None, &[1 << 20], lengths);
            agree(source, &shapes, &Derivative::Vjp, &[1 << 20], lengths);
            agree(source, &shapes, &Derivative::Jvp { seeds: 2 }, &[1 << 20], lengths);
        }
    }
}

const MATRICES: &[&str] = &[
    "(matmul A B)",
    "(vsum (matmul A B))",
    "(ref (matmul A B) 2)",
    "(ref (matmul A B) 1 3)",
    "(matvec A v)",
    "(ref (matvec A v) 2)",
    "(outer v (matvec A v))",
    "(+ (transpose A) B)",
    "(trace (matmul (transpose A) A))",
    "(det A)",
    "(inv A)",
    "(solve A v)",
    "(solve A (+ B s))",
    "(cholesky (+ (* 9 (eye (vlen A))) A))",
    "(ref (inv (+ A (eye (vlen A)))) 2 1)",
    "(vsum (* (max A B) (slice (vappend A B) 3 (+ 3 (vlen A)))))",
    "(norm (+ (mat v (slice (vappend v v) 1 (+ 1 (vlen v)))) s))",
    "(ref A (abs (round s)))",
    "(vsum (matvec (matmul A (matmul B A)) v))",
    "(loop ((i 0) (x v)) (if (= i 3) (dot x v) (recur (+ i 1) (/ (matvec A x) (vlen v)))))",
    "(loop ((i 0) (M A)) (if (> i (abs s)) (trace M) (recur (+ i 1) (/ (matmul M B) (vlen v)))))",
];

#[test]
fn operations_on_matrices() {
    for n in [9, 13, 40] {
        let shapes = [("A", Shape::Matrix(n, n)), ("B", Shape::Matrix(n, n)), ("v", Shape::Vector(n))];
        for source in MATRICES {
            let lengths: &[usize] = if n == 40 { &[3] } else { &[1, 5] };
            agree(source, &shapes, &Derivative::None, &[1 << 20], lengths);
            agree(source, &shapes, &Derivative::Vjp, &[1 << 20], lengths);
            agree(source, &shapes, &Derivative::Jvp { seeds: 1 }, &[1 << 20], lengths);
        }
    }
}

#[test]
fn products_of_other_shapes() {
    let shapes = [("A", Shape::Matrix(7, 11)), ("B", Shape::Matrix(11, 30)), ("v", Shape::Vector(11))];
    for source in
        ["(matmul A B)", "(ref (matmul A B) 3)", "(matvec A v)", "(outer v (matvec A v))", "(transpose B)"]
    {
        agree(source, &shapes, &Derivative::None, &[1 << 20], &[1, 5]);
        agree(source, &shapes, &Derivative::Vjp, &[1 << 20], &[1, 5]);
    }
}

#[test]
fn matrices_of_256() {
    let n = 256;
    let shapes = [("A", Shape::Matrix(n, n)), ("B", Shape::Matrix(n, n)), ("v", Shape::Vector(n))];
    for source in ["(vsum (matmul A B))", "(dot v (matvec A v))", "(trace (inv A))", "(det (/ A 4))"] {
        agree(source, &shapes, &Derivative::Gradient, &[1 << 20], &[2]);
    }
}

#[test]
fn gradients_of_loops_over_vectors() {
    for n in [65, 100, 1000] {
        let shapes = [("u", Shape::Vector(n)), ("v", Shape::Vector(n))];
        for source in [
            "(loop ((i 0) (x u)) (if (= i 7) (dot x v) (recur (+ i 1) (+ x (* 0.1 (sin (* x v)))))))",
            "(loop ((i 0) (x u)) (if (> i (* 4 (abs s))) (dot x v) (recur (+ i 1) (* x (cos v)))))",
            "(loop ((i 0) (x u) (y v)) (if (> i (* 4 (abs s))) (norm (+ x y)) (recur (+ i 1) y (* 0.5 (+ x y)))))",
            "(loop ((x u)) (if (> (dot x x) (* 1000 (abs s))) (vsum x) (recur (* 1.5 x))))",
            "(if (> s 0) (loop ((i 0) (x u)) (if (= i 5) (vsum x) (recur (+ i 1) (/ x (+ 2 (norm x)))))) (vsum v))",
        ] {
            let lengths: &[usize] = if n == 1000 { &[3] } else { &[1, 2, 5, 17] };
            let tapes: &[usize] = &[0, 64 << 10, 64 << 20];
            agree(source, &shapes, &Derivative::None, &[0], lengths);
            agree(source, &shapes, &Derivative::Gradient, tapes, lengths);
        }
    }
}

/// The heat equation as whole vectors, and what a loop over scalars in Rust makes of it.
fn heat(steps: usize) -> String {
    format!(
        "; nc: --max-iterations {steps}
         (define (step u)
           (let ((m (slice u 1 (- (vlen u) 1))))
             (vappend (ref u 0)
                      (+ m (* c (+ (- (slice u 0 (- (vlen u) 2)) (* 2 m)) (slice u 2))))
                      (ref u (- (vlen u) 1)))))
         (loop ((k 0) (u u0)) (if (= k {steps}) (dot u w) (recur (+ k 1) (step u))))"
    )
}

/// The value, and its derivatives by c and by the elements of u0: all states are kept.
fn heat_by_scalars(steps: usize, c: f64, u0: &[f64], w: &[f64]) -> (f64, f64, Vec<f64>) {
    let n = u0.len();
    let mut states = vec![u0.to_vec()];
    for _ in 0..steps {
        let u = &states[states.len() - 1];
        let mut next = u.clone();
        (1..n - 1).for_each(|i| next[i] = u[i] + c * (u[i - 1] - 2.0 * u[i] + u[i + 1]));
        states.push(next);
    }
    let value = states[steps].iter().zip(w).map(|(u, w)| u * w).sum();
    let (mut by_c, mut back) = (0.0, w.to_vec());
    for u in states[..steps].iter().rev() {
        by_c += (1..n - 1).map(|i| back[i] * (u[i - 1] - 2.0 * u[i] + u[i + 1])).sum::<f64>();
        let inner = |i: usize| if (1..n - 1).contains(&i) { back[i] } else { 0.0 };
        back = (0..n)
            .map(|i| {
                let left = if i > 0 { inner(i - 1) } else { 0.0 };
                let right = if i + 1 < n { inner(i + 1) } else { 0.0 };
                back[i] + c * (left - 2.0 * inner(i) + right)
            })
            .collect();
    }
    (value, by_c, back)
}

#[test]
fn heat_equation() {
    for (n, steps, tapes) in [
        (10, 1000, [0, 16 << 10, 64 << 20]),
        (100, 500, [0, 256 << 10, 64 << 20]),
        (1000, 300, [0, 1 << 20, 256 << 20]),
    ] {
        let source = heat(steps);
        let shapes = [("u0", Shape::Vector(n)), ("w", Shape::Vector(n))];
        let inputs: Vec<f64> = [0.2].into_iter().chain((0..2 * n as usize).map(number)).collect();
        let (u0, w) = inputs[1..].split_at(n as usize);
        let (value, by_c, by_u0) = heat_by_scalars(steps, 0.2, u0, w);
        for tape in tapes {
            for tier in [support::native_tier(), Tier::Interpret] {
                let kernel = compile(&source, &shapes, tier, Derivative::Gradient, tape);
                let columns: Vec<&[f64]> = inputs.iter().map(std::slice::from_ref).collect();
                let names: Vec<&str> = kernel.inputs().iter().map(|input| input.name.as_str()).collect();
                assert_eq!(names, ["c", "u0", "w"]);
                let found: Vec<f64> = kernel.columns(&columns).expect("columns").concat();
                let expected = [value, by_c].into_iter().chain(by_u0.iter().copied());
                for (k, (&found, expected)) in found.iter().zip(expected).enumerate() {
                    let error = (found - expected).abs() / (1.0 + expected.abs());
                    assert!(error < 1e-10, "{n} points, tape {tape}, {tier}: {k}: {found} for {expected}");
                }
            }
        }
    }
}

/// Programs that read and replace elements one by one: of `u` and `v`, which have N elements or more, and of the rows of `M`.
const ELEMENTS: &[&str] = &[
    "(sum N (lambda (i) (* (ref u i) (sin (* s (ref v (- (- N 1) i)))))))",
    "(vsum (build N (lambda (i) (sin (* s (ref u i) (ref v i))))))",
    "(fold (lambda (a x) (+ (* 0.5 a) (* s (sin x)))) s (map (lambda (x y) (* x y s)) (slice u 0 N) (slice v 0 N)))",
    "(vsum (slice (scan (lambda (x) (cos (+ x s (ref u 3)))) (+ N 10) 0.1) 0 N))",
    "(over (loop ((k 1) (w u)) (if (= k N) w (recur (+ k 1) (replace w k (+ (* s (ref w (- k 1))) (ref v k)))))))",
    "(over (loop ((k 1) (w u)) (if (= k N) w
       (recur (+ k 1) (replace w k (* (sin (ref w (- k 1))) (+ s (ref w k))))))))",
    "(over (loop ((k 0) (w u)) (if (= k (- N 1)) w
       (recur (+ k 1)
         (if (> (ref w k) (ref w (+ k 1))) (replace (replace w k (ref w (+ k 1))) (+ k 1) (* s (ref w k))) w)))))",
    "(over (loop ((k 0) (w u)) (if (= k N) w (if (> (ref v k) 1.2) w (recur (+ k 1) (replace w k (sin (* s (ref w k)))))))))",
    "(over (loop ((k 0) (w u)) (if (>= k (* 20 s)) w (recur (+ k 1) (replace w k (sin (* s (ref w k) (ref v k))))))))",
    "(over (loop ((i 0) (w u)) (if (= i 3) w (recur (+ i 1)
       (loop ((k 1) (w w)) (if (= k N) w (recur (+ k 1) (replace w k (sin (+ (ref w k) (* s (ref w (- k 1)))))))))))))",
    "(over (loop ((k 0) (a u) (b v)) (if (= k N) (* a b)
       (recur (+ k 1) (replace a k (* s (ref b k))) (replace b k (sin (ref a k)))))))",
    "(over (loop ((k 0) (a u) (b u)) (if (= k N) (* a b) (recur (+ k 1) (replace a k (* s (sin (ref b k)))) a))))",
    "(loop ((k 0) (w u) (t 0)) (if (= k N) (+ (over w) t)
       (let ((z (replace w k (* s (ref w k))))) (recur (+ k 1) z (+ t (* (ref z k) (ref z 1)))))))",
    "(over (loop ((k 0) (w u)) (if (= k N) w
       (let ((j (modulo (floor (* 100 (abs (ref v k)))) N))) (recur (+ k 1) (replace w j (* (+ s (ref w j)) (ref w k))))))))",
    "(loop ((k 0) (w M)) (if (= k (- N 1)) (vsum (ref w 2))
       (recur (+ k 1) (replace w (+ k 1) (+ (* s (ref w k)) (sin (ref w (+ k 1))))))))",
    "(loop ((k 0) (w u)) (if (= k N) (over w) (recur (+ k 1) (replace w (- k (* 2 (floor s))) (* s (ref w k))))))",
];

/// The program for N of the elements that there are.
fn elements(source: &str, n: usize) -> String {
    format!("(define (over w) (dot (slice w 0 {n}) (slice v 0 {n}))) {}", source.replace('N', &n.to_string()))
}

#[test]
fn elements_one_by_one() {
    let shapes = [("u", Shape::Vector(70)), ("v", Shape::Vector(70)), ("M", Shape::Matrix(70, 3))];
    for source in ELEMENTS {
        let source = elements(source, 66);
        agree(&source, &shapes, &Derivative::None, &[0], &[1, 7, 17]);
        // Without room for a record of each iteration, with some, and with enough.
        agree(&source, &shapes, &Derivative::Gradient, &[0, 1 << 20, 64 << 20], &[1, 17]);
        agree(&source, &shapes, &Derivative::Jvp { seeds: 1 }, &[0], &[7]);
    }
}

/// Vectors of 60 elements are taken apart; longer ones, of which as many are looked at, have the same derivatives by those.
#[test]
fn elements_in_memory_have_the_derivatives_of_those_taken_apart() {
    // The last one's indices are in range or not by the length.
    for source in &ELEMENTS[..ELEMENTS.len() - 1] {
        let source = elements(source, 60);
        let rows = 5;
        let run = |n: usize, tape| {
            let shapes = [("u", n), ("v", n)].map(|(name, n)| (name, Shape::Vector(n as u32)));
            let shapes = [shapes[0], shapes[1], ("M", Shape::Matrix(n as u32, 3))];
            let kernel = compile(&source, &shapes, support::native_tier(), Derivative::Gradient, tape);
            let lens = kernel.inputs().iter().map(|input| (input.name.clone(), input.shape.len()));
            let lens: Vec<(String, usize)> = lens.collect();
            // Every element by its name and place, whatever the length.
            let value = |name: &str, k: usize, row: usize| {
                number(k + row * 1009 + name.len() * 77 + name.as_bytes()[0] as usize)
            };
            let places: Vec<(&str, usize)> =
                lens.iter().flat_map(|(name, len)| (0..*len).map(move |k| (name.as_str(), k))).collect();
            let inputs: Vec<Vec<f64>> =
                places.iter().map(|&(name, k)| (0..rows).map(|row| value(name, k, row)).collect()).collect();
            let found = support::run(&kernel, &inputs, &[], rows, 1);
            let named = places.iter().map(|&(name, k)| format!("{name} {k}"));
            let labels: Vec<String> = ["value".to_string()].into_iter().chain(named).collect();
            assert_eq!(labels.len(), found.columns.len(), "{source}");
            labels.into_iter().zip(found.columns).collect::<std::collections::BTreeMap<_, _>>()
        };
        let expected = run(60, 64 << 20);
        for tape in [0, 64 << 20] {
            let found = run(70, tape);
            for (label, column) in &expected {
                for (&found, &expected) in found[label].iter().zip(column) {
                    let (found, expected) = (f64::from_bits(found), f64::from_bits(expected));
                    let error = (found - expected).abs() / (1.0 + expected.abs());
                    assert!(
                        error < 1e-9 || found.is_nan() && expected.is_nan(),
                        "{source}: {label}: {found} for {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn heat_equation_in_bounded_memory() {
    let (n, steps) = (1000, 10_000);
    let shapes = [("u0", Shape::Vector(n)), ("w", Shape::Vector(n))];
    let kernel = compile(&heat(steps), &shapes, support::native_tier(), Derivative::Gradient, 64 << 20);
    assert!(kernel.shape().scratch_bytes < 256 << 20, "{} bytes", kernel.shape().scratch_bytes);
    let inputs: Vec<f64> = [0.2].into_iter().chain((0..2 * n as usize).map(number)).collect();
    let (value, by_c, by_u0) = heat_by_scalars(steps, 0.2, &inputs[1..1001], &inputs[1001..]);
    let columns: Vec<&[f64]> = inputs.iter().map(std::slice::from_ref).collect();
    let found = kernel.columns(&columns).expect("columns").concat();
    for (&found, expected) in found.iter().zip([value, by_c].into_iter().chain(by_u0)) {
        assert!((found - expected).abs() < 1e-8 * (1.0 + expected.abs()), "{found} for {expected}");
    }
}

#[test]
fn determinants_and_inverses() {
    for n in [9usize, 20, 65] {
        let shape = Shape::Matrix(n as u32, n as u32);
        // Diagonally dominant, so that the inverse is well known.
        let a: Vec<f64> =
            (0..n * n).map(|k| number(k) + if k % (n + 1) == 0 { 2.0 * n as f64 } else { 0.0 }).collect();
        let columns: Vec<&[f64]> = a.iter().map(std::slice::from_ref).collect();
        let run = |source: &str, derivative| {
            let kernel = compile(source, &[("A", shape)], support::native_tier(), derivative, 0);
            kernel.columns(&columns).expect("columns").concat()
        };
        let inverse = run("(inv A)", Derivative::None);
        let unit = run("(matmul A (inv A))", Derivative::None);
        for (k, x) in unit.iter().enumerate() {
            let expected = if k % (n + 1) == 0 { 1.0 } else { 0.0 };
            assert!((x - expected).abs() < 1e-12, "{n}: {k}: {x}");
        }
        // The derivative of the logarithm of a determinant is the transposed inverse.
        let log = run("(log (abs (det A)))", Derivative::Gradient);
        // Of the trace of the inverse, minus the transposed square of the inverse.
        let trace = run("(trace (inv A))", Derivative::Gradient);
        for r in 0..n {
            for c in 0..n {
                assert!((log[1 + r * n + c] - inverse[c * n + r]).abs() < 1e-12, "{n}: {r}, {c}");
                let square: f64 = (0..n).map(|k| inverse[c * n + k] * inverse[k * n + r]).sum();
                assert!((trace[1 + r * n + c] + square).abs() < 1e-12, "{n}: {r}, {c}");
            }
        }
    }
}

#[test]
fn ten_thousand_elements() {
    let shapes = [("u", Shape::Vector(10_000)), ("v", Shape::Vector(10_000))];
    for source in
        ["(vsum (* u (exp v)))", "(loop ((i 0) (x u)) (if (= i 3) (norm x) (recur (+ i 1) (* x v))))"]
    {
        agree(source, &shapes, &Derivative::Gradient, &[64 << 20], &[1, 2]);
    }
    agree("(vappend (slice u 1) (* s v))", &shapes, &Derivative::None, &[0], &[2]);
}

#[test]
fn recursive_functions_of_vectors() {
    let shapes = [("u", Shape::Vector(70)), ("v", Shape::Vector(70))];
    for source in [
        "(define (f n x) (if (<= n 0) x (+ x (f (- n 1) (* 0.5 (+ x (vsum x)))))))
         (dot v (f (abs s) u))",
        "(define (f n x) (if (<= n 0) (norm x) (+ (f (- n 1) (* 0.5 x)) (f (- n 2) (+ x v)))))
         (f 3 u)",
    ] {
        agree(source, &shapes, &Derivative::None, &[0], &[1, 5]);
        agree(source, &shapes, &Derivative::Jvp { seeds: 1 }, &[0], &[1, 5]);
    }
}

#[test]
fn bounds_of_slices() {
    for (source, words) in [
        ("(slice u 3 3)", "slice to 3: it ends before an index from 4 to 100"),
        ("(slice u 0 101)", "from 1 to 100"),
        ("(slice u s)", "must be constants"),
        ("(slice s 0)", "slice of a scalar"),
        ("(vappend u A)", "vappend of vec 100 and mat 3×3: rows differ"),
    ] {
        let program = Program::parse(source).expect(source);
        let shapes = [("u", Shape::Vector(100)), ("A", Shape::Matrix(3, 3))];
        let error = program.graph(&signature(source, &shapes)).expect_err(source).to_string();
        assert!(error.contains(words), "{source}: {error}");
    }
}

#[test]
fn parameters_of_many_elements() {
    let source = "(loop ((i 0) (x u)) (if (= i 4) (dot x p) (recur (+ i 1) (* x (cos p)))))";
    let program = Program::parse(source).expect(source);
    let shapes = [("u", Shape::Vector(100)), ("p", Shape::Vector(100))];
    let params: Vec<f64> = (0..100).map(|k| number(k + 77)).collect();
    let inputs = columns(100, 37);
    let results: Vec<support::Results> = [support::native_tier(), Tier::Interpret]
        .into_iter()
        .map(|tier| {
            let signature = signature(source, &shapes).parameter("p");
            let derivative = Derivative::Gradient;
            let options = CompileOptions::default().signature(signature).tier(tier).derivative(derivative);
            support::run(&program.compile(&options).expect("a kernel"), &inputs, &params, 37, 1)
        })
        .collect();
    assert!(results[0] == results[1]);
}

#[test]
fn memory_is_bounded() {
    // How many states are kept is not known before.
    let source = "(loop ((i 0) (x u)) (if (> i k) (vsum x) (recur (+ i 1) (* x (cos x)))))";
    for n in [200_000, 1 << 20] {
        let program = Program::parse(source).expect(source);
        let signature = signature(source, &[("u", Shape::Vector(n))]);
        let options = CompileOptions::default().signature(signature).derivative(Derivative::Gradient);
        let kernel = program.compile(&options).expect("a kernel");
        assert_eq!(kernel.tier(), Tier::Interpret);
        assert!(kernel.notes()[0].contains("numbers in memory are more than"), "{:?}", kernel.notes());
    }
}

/// What needs one loop takes no more instructions for more elements.
#[test]
fn code_does_not_grow_with_the_number_of_elements() {
    for (source, derivative) in [
        ("(vsum (* (sin u) (vappend (slice u 1) (ref u 0))))", Derivative::Gradient),
        ("(det A)", Derivative::Gradient),
        ("(vsum (ref (matmul (inv A) A) 0))", Derivative::Gradient),
    ] {
        let sizes = [100, 400].map(|n| {
            let shapes = [("u", Shape::Vector(n)), ("A", Shape::Matrix(n, n))];
            compile(source, &shapes, support::native_tier(), derivative.clone(), 0).code_bytes()
        });
        assert!(sizes[1] < sizes[0] + sizes[0] / 4, "{source}: {sizes:?}");
    }
}
