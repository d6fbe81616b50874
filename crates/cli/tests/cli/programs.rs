//! The command line from end to end: files in, files out, and what it says about bad input.

use std::fs;

use crate::command::{Array, Dir, npy, npy_of};
use insta::assert_snapshot;
use npyz::NpyFile;
use serde_json::{Value, json};

const ENERGY: &str = "(* 0.5 (* m (pow v 2)))\n";

fn energy() -> Dir {
    Dir::new()
        .with("energy.scm", ENERGY)
        .with("in.npy", npy("(3, 2)", &[2.0, 3.0, 4.0, 1.0, 1.0, 0.5]))
        .with("in.csv", "v,m\n3,2\n1,4\n0.5,1\n")
}

const ENERGIES: [f64; 3] = [9.0, 2.0, 0.125];
const ENERGY_GRADIENTS: [f64; 6] = [4.5, 6.0, 0.5, 4.0, 0.125, 0.5];

#[test]
fn eval_text() {
    let dir = energy();
    assert_snapshot!(dir.ok(&["eval", "energy.scm", "--set", "m=2", "--set", "v=3", "--grad"]), @"
    value = 9
    d/dm  = 4.5
    d/dv  = 6
    ");
    let matrix = ["eval", "-e", "(matvec A x)", "--set", "A=[[1,2],[3,4.5]]", "--set", "x=[1 10]", "--grad"];
    assert_snapshot!(dir.ok(&matrix), @"
    value = [21, 48]
    d/dA  = [[[ 1, 10],
              [ 0,  0]],
             [[ 0,  0],
              [ 1, 10]]]
    d/dx  = [[  1,   2],
             [  3, 4.5]]
    ");
    let named = ["eval", "-e", "(values (sum (+ x y)) (both [x y]))", "--set", "x=1/4", "--set", "y=inf"];
    assert_snapshot!(dir.ok(&named), @"
    sum  = inf
    both = [0.25, inf]
    ");
    let constant = ["eval", "-", "-e", "(f 2)", "--set", "k=10"];
    let done = dir.nc_with_input(&constant, b"(define k 3)\n(define (f x) (* k x))");
    assert_eq!(done.stdout, "value = 20\n", "{}", done.stderr);
}

#[test]
fn eval_json() {
    let dir = energy();
    let args = ["eval", "energy.scm", "--set", "m=2", "--set", "v=3", "--grad", "--json"];
    assert_eq!(dir.json(&args), json!({ "value": 9.0, "grad": { "m": 4.5, "v": 6.0 } }));
    let args = ["eval", "-e", "[(/ x 0) (- (/ x 0)) (sqrt (- x)) x]", "--set", "x=1", "--json"];
    let note = json!({
        "code": "outside-domain", "reason": "`/` is outside its safe domain (b ≠ 0)", "op": "/", "condition": "0 ≠ 0",
        "start": 1, "end": 8,
    });
    assert_eq!(dir.json(&args), json!({ "value": ["Infinity", "-Infinity", "NaN", 1.0], "note": note }));
    let args = ["eval", "-e", "(scale s v)", "--set", "s=2", "--set", "v=[3,4]", "--grad", "--json"];
    let expected = json!({ "value": [6.0, 8.0], "grad": { "s": [3.0, 4.0], "v": [[2.0, 0.0], [0.0, 2.0]] } });
    assert_eq!(dir.json(&args), expected);
    let args = ["eval", "-e", "(values (a (* x x)) (b [x 1]))", "--set", "x=3", "--grad", "--json"];
    let expected =
        json!({ "value": { "a": 9.0, "b": [3.0, 1.0] }, "grad": { "x": { "a": 6.0, "b": [1.0, 0.0] } } });
    assert_eq!(dir.json(&args), expected);
}

#[test]
fn eval_errors() {
    let dir = energy();
    assert_snapshot!(dir.fails(1, &["eval", "energy.scm"]), @"
    error: energy.scm: inputs without a value: m, v
      give them with --set m=… --set v=…
    ");
    assert_snapshot!(dir.fails(1, &["eval", "energy.scm", "--set", "mm=2"]), @"
    error: --set: energy.scm has no input `mm`; is it `m`?
      the program takes: m, v
    ");
    assert_snapshot!(dir.fails(1, &["eval", "-e", "(ref v i)", "--set", "v=[1,2]", "--set", "i=2"]), @"
    [row-failed] Error: the index is not an integer from 0 to 1
       ╭─[ expression:1:1 ]
       │
     1 │ (ref v i)
       │ ────┬────
       │     ╰────── here
    ───╯
    ");
    assert_snapshot!(dir.fails(2, &["eval", "energy.scm", "--set", "m=[[1],[2,3]]"]), @"
    error: invalid value 'm=[[1],[2,3]]' for '--set <NAME=VALUE>': the rows of the matrix differ in length

    For more information, try '--help'.
    ");
    assert_snapshot!(dir.fails(2, &["eval", "energy.scm", "--set", "m=1", "--set", "m=2"]), @"
    error: --set: `m` is set twice

    For more information, try '--help'.
    ");
    dir.fails(2, &["eval"]);
    dir.fails(2, &["eval", "energy.scm", "--frobnicate"]);
    let done = dir.nc(&["eval", "-e", "(sin x y)", "--json"]);
    assert_eq!((done.status, done.stderr.as_str()), (1, ""));
    let errors: Value = serde_json::from_str(&done.stdout).unwrap();
    let error = &errors["errors"][0];
    assert_eq!(error["code"], "arity");
    assert_eq!(error["place"], json!({ "start": 0, "end": 9, "line": 1, "column": 1 }));
}

#[test]
fn run_npy() {
    let dir = energy();
    for tier in ["auto", "cranelift", "interpret"] {
        for threads in ["1", "2", "0"] {
            let out = ["-o", "o.npy", "--grad", "g.npy", "--tier", tier, "--threads", threads];
            assert_eq!(dir.ok(&[&["run", "energy.scm", "--batch", "in.npy"][..], &out].concat()), "");
            assert_eq!(dir.npy("o.npy"), (vec![3], ENERGIES.to_vec()));
            assert_eq!(dir.npy("g.npy"), (vec![3, 2], ENERGY_GRADIENTS.to_vec()));
        }
    }
    let swapped =
        ["run", "energy.scm", "--batch", "in.npy", "--inputs", "v,m", "-o", "o.npy", "--grad", "g.npy"];
    dir.ok(&swapped);
    assert_eq!(dir.npy("o.npy"), (vec![3], vec![6.0, 8.0, 0.25]));
    assert_eq!(dir.npy("g.npy").1[..2], [6.0, 2.0]);
    assert_eq!(dir.ok(&["run", "energy.scm", "--batch", "in.npy"]), "value\n9.0\n2.0\n0.125\n");
    let report = dir.json(&["run", "energy.scm", "--batch", "in.npy", "-o", "o.npy", "--json"]);
    assert_eq!((&report["rows"], &report["failed"]), (&json!(3), &json!(0)));
}

#[test]
fn run_large_row_major() {
    let rows = 70_001;
    let numbers: Vec<f64> = (0..rows * 5).map(|k| f64::from(k % 1009) / 64.0).collect();
    let dir = Dir::new()
        .with("p.scm", "(scale (+ a (* 2 b)) r)")
        .with("in.npy", npy(&format!("({rows}, 5)"), &numbers));
    let args =
        ["run", "p.scm", "--batch", "in.npy", "--inputs", "b,r[3],a", "-o", "o.npy", "--grad", "g.npy"];
    dir.ok(&args);
    let (shape, values) = dir.npy("o.npy");
    assert_eq!(shape, [rows as u64, 3]);
    let (gradient_shape, gradients) = dir.npy("g.npy");
    assert_eq!(gradient_shape, [rows as u64, 3, 5]);
    for (row, x) in numbers.chunks(5).enumerate() {
        let (b, r, a) = (x[0], &x[1..4], x[4]);
        let s = a + 2.0 * b;
        for k in 0..3 {
            assert_eq!(values[row * 3 + k], s * r[k]);
            let mut expected = [2.0 * r[k], 0.0, 0.0, 0.0, r[k]];
            expected[k + 1] = s;
            assert_eq!(gradients[row * 15 + k * 5..][..5], expected);
        }
    }
}

#[test]
fn run_csv() {
    let dir = energy();
    dir.ok(&["run", "energy.scm", "--batch", "in.csv", "-o", "o.csv", "--grad", "g.npz"]);
    assert_eq!(fs::read_to_string(dir.path("o.csv")).unwrap(), "value\n9.0\n2.0\n0.125\n");
    let gradient = dir.npz("g.npz");
    assert_eq!(gradient["m"], (vec![3], vec![4.5, 0.5, 0.125]));
    assert_eq!(gradient["v"], (vec![3], vec![6.0, 4.0, 0.5]));
    // Columns of a gradient stand in the order of the inputs, not of the file.
    dir.ok(&["run", "energy.scm", "--batch", "in.csv", "--grad", "g.npy"]);
    assert_eq!(dir.npy("g.npy").1, ENERGY_GRADIENTS);

    let vectors = "k,\"r[0]\",\"r[1]\"\n2,3,4\n";
    let dir = Dir::new().with("p.scm", "(values (length (norm r)) (r2 (scale k r)))").with("in.csv", vectors);
    let expected = "length,r2[0],r2[1]\n5.0,6.0,8.0\n";
    assert_eq!(dir.ok(&["run", "p.scm", "--batch", "in.csv"]), expected);
    dir.ok(&["run", "p.scm", "--batch", "in.csv", "-o", "o.csv", "--grad", "g.npz"]);
    assert_eq!(fs::read_to_string(dir.path("o.csv")).unwrap(), expected);
    let gradient = dir.npz("g.npz");
    assert_eq!(gradient["length/r"], (vec![1, 2], vec![0.6, 0.8]));
    assert_eq!(gradient["length/k"], (vec![1], vec![0.0]));
    assert_eq!(gradient["r2/r"], (vec![1, 2, 2], vec![2.0, 0.0, 0.0, 2.0]));
    assert_eq!(gradient["r2/k"], (vec![1, 2], vec![3.0, 4.0]));
}

#[test]
fn run_npz_with_parameters() {
    let dir = Dir::new()
        .with("make.scm", "(values (r [x 1 y]) (s (+ x y)))")
        .with("make.csv", "x,y\n1,2\n3,4\n")
        .with("p.scm", "(define G 2.0)\n(* G (* s (dot r w)))");
    dir.ok(&["run", "make.scm", "--batch", "make.csv", "-o", "in.npz"]);
    assert_eq!(dir.npz("in.npz")["r"], (vec![2, 3], vec![1.0, 1.0, 2.0, 3.0, 1.0, 4.0]));
    let params = ["--param", "G=10", "--param", "w=[1,0,0.5]"];
    let args = ["run", "p.scm", "--batch", "in.npz", "-o", "o.npz", "--grad", "g.npz"];
    dir.ok(&[&args[..], &params].concat());
    assert_eq!(dir.npz("o.npz")["value"], (vec![2], vec![60.0, 350.0]));
    let gradient = dir.npz("g.npz");
    assert_eq!(gradient.keys().collect::<Vec<_>>(), ["G", "r", "s", "w"]);
    assert_eq!(gradient["G"], (vec![], vec![41.0]));
    assert_eq!(gradient["w"], (vec![3], vec![240.0, 100.0, 340.0]));
    assert_eq!(gradient["s"], (vec![2], vec![20.0, 50.0]));
    assert_eq!(gradient["r"], (vec![2, 3], vec![30.0, 0.0, 15.0, 70.0, 0.0, 35.0]));
    // Of a vector, summed: Jacobians of the parameter.
    let dir = dir.with("v.scm", "(scale k r)");
    let dir = dir.with("r.csv", "r[0],r[1]\n1,2\n10,20\n");
    dir.ok(&["run", "v.scm", "--batch", "r.csv", "--param", "k=3", "--grad", "g.npz"]);
    let gradient = dir.npz("g.npz");
    assert_eq!(gradient["k"], (vec![2], vec![11.0, 22.0]));
    assert_eq!(gradient["r"].0, [2, 2, 2]);
}

#[test]
fn run_structured_npy_and_standard_input() {
    let mut data = Vec::new();
    for (v, m) in [(3.0f32, 2i16), (1.0, 4), (0.5, 1)] {
        data.extend(v.to_le_bytes());
        data.extend(m.to_le_bytes());
    }
    let dir = Dir::new().with("in.npy", npy_of("[('v', '<f4'), ('m', '<i2')]", "(3,)", &data));
    let done = dir.nc_with_input(&["run", "-", "--batch", "in.npy", "-o", "o.npy"], ENERGY.as_bytes());
    assert_eq!((done.status, done.stderr.as_str()), (0, ""));
    assert_eq!(dir.npy("o.npy"), (vec![3], ENERGIES.to_vec()));
}

#[test]
fn run_empty_batch() {
    let dir = energy().with("empty.npy", npy("(0, 2)", &[])).with("empty.csv", "m,v\n");
    let noted = |dir: &Dir, args: &[&str]| {
        let done = dir.nc(args);
        assert_eq!((done.status, done.stderr.as_str()), (0, "note: the batch has no rows\n"), "{args:?}");
        done.stdout
    };
    for batch in ["empty.npy", "empty.csv"] {
        noted(&dir, &["run", "energy.scm", "--batch", batch, "-o", "o.npy", "--grad", "g.npy"]);
        assert_eq!(dir.npy("o.npy"), (vec![0], vec![]));
        assert_eq!(dir.npy("g.npy"), (vec![0, 2], vec![]));
        noted(&dir, &["run", "energy.scm", "--batch", batch, "-o", "o.csv", "--grad", "g.npz"]);
        assert_eq!(fs::read_to_string(dir.path("o.csv")).unwrap(), "value\n");
        assert_eq!(dir.npz("g.npz")["m"], (vec![0], vec![]));
        assert_eq!(noted(&dir, &["run", "energy.scm", "--batch", batch]), "value\n");
    }
    let empty = Dir::new().with("p.scm", "(* k x)").with("x.csv", "x\n");
    noted(&empty, &["run", "p.scm", "--batch", "x.csv", "--param", "k=2", "--grad", "g.npz"]);
    assert_eq!(empty.npz("g.npz")["k"], (vec![], vec![0.0]));
}

#[test]
fn run_failed_rows() {
    let dir = Dir::new()
        .with("p.scm", "(define (f v i)\n  (+ 1 (ref v i)))\n")
        .with("in.csv", "i,\"v[0]\",\"v[1]\"\n0,10,20\n1,30,40\n2,0,0\n0.5,0,0\nnan,0,0\n");
    let args = ["run", "p.scm", "--batch", "in.csv", "-o", "o.npy", "--grad", "g.npz"];
    assert_snapshot!(dir.fails(1, &args), @"
    [row-failed] Error: rows 2, 3, 4: the index is not an integer from 0 to 1
       ╭─[ p.scm:2:8 ]
       │
     2 │   (+ 1 (ref v i)))
       │        ────┬────
       │            ╰────── here
    ───╯
    error: 3 of 5 rows failed (rows count from 0); nothing is written
    ");
    assert!(dir.fails(1, &["run", "p.scm", "--batch", "in.csv"]).contains("nothing is written"));
    let done = dir.nc(&[&args[..], &["--keep-going", "--json"]].concat());
    assert_eq!((done.status, done.stderr.as_str()), (1, ""));
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["failed"], 3);
    assert_eq!(report["failures"][0]["row"], 2);
    let (_, values) = dir.npy("o.npy");
    assert_eq!(values[..2], [11.0, 41.0]);
    assert!(values[2..].iter().all(|value| value.is_nan()));
    assert!(dir.npz("g.npz")["v"].1[4..].iter().all(|value| value.is_nan()));
}

/// The gradient by a parameter is a sum over all rows, or NaN, or what was asked for.
#[test]
fn run_parameters_beside_failed_rows() {
    let dir = Dir::new().with("p.scm", "(* k (ref [1 2 3] i))\n").with("in.csv", "i\n0\n7\n2\n");
    let args = ["run", "p.scm", "--batch", "in.csv", "--param", "k=2", "--grad", "g.npz", "-o", "o.npy"];
    let last = |text: String| text.lines().last().expect("a line").to_string();
    assert!(last(dir.fails(1, &args)).ends_with("nothing is written"));
    let keeping = |more: &[&str]| {
        let done = dir.nc(&[&args[..], &["--keep-going"], more].concat());
        assert_eq!(done.status, 1);
        last(done.stderr)
    };
    let text = keeping(&[]);
    assert!(text.contains("gradients by parameters are NaN too: --skip-failed"), "{text}");
    assert!(dir.npz("g.npz")["k"].1[0].is_nan());
    assert!(dir.npy("o.npy").1[1].is_nan());
    let text = keeping(&["--skip-failed"]);
    assert!(text.ends_with("gradients by parameters are sums without 1 row"), "{text}");
    assert_eq!(dir.npz("g.npz")["k"].1, [4.0]);
    // Rows that do not fail give the whole sum either way.
    let dir = dir.with("in.csv", "i\n0\n1\n2\n");
    dir.ok(&args);
    assert_eq!(dir.npz("g.npz")["k"].1, [6.0]);
    dir.fails(2, &[&args[..], &["--skip-failed"]].concat());
}

/// A file of the corpus.
fn corpus(path: &str) -> String {
    format!("{}/../../corpus/{path}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn run_loops() {
    let (program, batch) = (corpus("classic/pendulum-scalars.scm"), corpus("batches/pendulum.npy"));
    let dir = Dir::new();
    let args = ["run", &program, "--batch", &batch, "-o", "o.npy", "--grad", "g.npz"];
    dir.ok(&args);
    let (values, gradients) = (dir.npy("o.npy"), dir.npz("g.npz"));
    assert_eq!(values.0, [100]);
    assert_eq!(gradients.keys().collect::<Vec<_>>(), ["damping", "g_l", "omega0", "theta0"]);
    // The memory of the tape, the tier and the number of threads change no bit.
    let bits = |array: &Array| array.1.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    for more in [
        ["--tape-memory", "0"],
        ["--tape-memory", "1"],
        ["--tape-memory", "1000"],
        ["--tier", "interpret"],
        ["--threads", "3"],
    ] {
        dir.ok(&[&args[..], &more].concat());
        assert_eq!(bits(&dir.npy("o.npy")), bits(&values), "{more:?}");
        for (name, gradient) in dir.npz("g.npz") {
            assert_eq!(bits(&gradient), bits(&gradients[&name]), "{more:?}, {name}");
        }
    }
    dir.fails(2, &[&args[..], &["--tape-memory", "-1"]].concat());
}

#[test]
fn run_loops_that_fail() {
    let program = corpus("classic/newton-sqrt.scm");
    let dir = Dir::new().with("in.csv", "a\n4\n-1\n2\n0.01\n");
    let args =
        ["run", &program, "--batch", "in.csv", "-o", "o.npy", "--grad", "g.npy", "--max-iterations", "5"];
    let name = &program;
    assert_snapshot!(dir.fails(1, &args).replace(name, "newton-sqrt.scm"), @"
    [row-failed] Error: rows 1, 3: the loop takes more than 5 iterations
       ╭─[ newton-sqrt.scm:7:2 ]
       │
     7 │ (loop ((x (+ 1 a)))
       │  ──┬─
       │    ╰─── here
       │
       │ Help: --max-iterations N raises the limit, and so does a comment `nc: --max-iterations N` at the head of the program
    ───╯
      row 1 fails with x = -inf
      row 3 fails with x = 0.10034735443244117
    error: 2 of 4 rows failed (rows count from 0); nothing is written
    ");
    let done = dir.nc(&[&args[..], &["--keep-going", "--json"]].concat());
    assert_eq!((done.status, done.stderr.as_str()), (1, ""));
    let mut report: Value = serde_json::from_str(&done.stdout).unwrap();
    report["seconds"] = 0.into();
    let state = report["failures"][1]["state"]["x"].as_f64().unwrap();
    assert!(state > 0.1 && state < 0.2, "{state}");
    assert_eq!(report["failures"][1]["row"], 3);
    let (_, values) = dir.npy("o.npy");
    assert_eq!(values.iter().map(|value| value.is_nan()).collect::<Vec<_>>(), [false, true, false, true]);
    assert!(values[0] == 2.0 && (values[2] - 2f64.sqrt()).abs() < 1e-15);
    let (_, gradient) = dir.npy("g.npy");
    assert!((gradient[0] - 0.25).abs() < 1e-9 && gradient[1].is_nan() && gradient[3].is_nan());
    // More iterations are enough for the last row, and none for the root of a negative number.
    let report = dir.nc(&["run", &program, "--batch", "in.csv", "-o", "o.npy", "--json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!((report["failed"].clone(), report["failures"][0]["row"].clone()), (1.into(), 1.into()));
}

#[test]
fn ir_of_loops() {
    let program = corpus("classic/newton-sqrt.scm");
    let dir = Dir::new();
    for (stage, has) in [
        ("tco", "(recur next)"),
        ("graph", "= loop loop where true, from ["),
        ("adjoint", "= reverse loop of %1, from ["),
        ("lanes", "  while any "),
        ("clif", "brif"),
        ("asm", "j"),
    ] {
        let grad = if matches!(stage, "tco" | "graph") { &[][..] } else { &["--grad"] };
        let text = dir.ok(&[&["ir", &program, "--stage", stage][..], grad].concat());
        assert!(text.contains(has), "{stage}: {text}");
    }
}

#[test]
fn eval_recursion() {
    let dir = Dir::new();
    let program = corpus("classic/fibonacci-recursive.scm");
    let settings = ["--set", "n=10", "--set", "zero=2", "--set", "one=0.5"];
    let args = [&["eval", &program, "--grad"][..], &settings].concat();
    assert_snapshot!(dir.ok(&args), @"
    value   = 95.5
    d/dzero = 34
    d/done  = 55
    d/dn    = 0
    ");
    assert_eq!(dir.ok(&[&args[..], &["--tape-memory", "0"]].concat()), dir.ok(&args));
    let done = dir.nc(&[&args[..], &["--max-depth", "4", "--json"]].concat());
    assert_eq!(done.status, 1);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["errors"][0]["code"], "row-failed");
    assert_eq!(report["errors"][0]["state"], json!({ "n": 7.0 }));
    let message = dir.fails(1, &[&args[..], &["--max-steps", "20"]].concat());
    assert!(message.contains("the row takes more than 20 iterations and calls"), "{message}");
    assert!(message.contains("  with n = "), "{message}");
}

#[test]
fn run_columns_that_do_not_fit() {
    let dir = energy().with("three.npy", npy("(1, 3)", &[1.0, 2.0, 3.0])).with("dot.scm", "(dot r w)");
    let run = |program: &str, batch: &str, more: &[&str]| {
        let args = [&["run", program, "--batch", batch, "-o", "o.npy"][..], more].concat();
        dir.fails(1, &args)
    };
    assert_snapshot!(run("energy.scm", "three.npy", &[]), @"
    error: three.npy: 3 columns, but energy.scm takes 2
      in this order: m, v
      --inputs gives another order, or inputs that are vectors or matrices: m,r[3],A[3,3]
    ");
    fs::write(dir.path("bad.csv"), "m,V,w\n1,2,3\n").unwrap();
    assert_snapshot!(run("energy.scm", "bad.csv", &[]), @"
    error: bad.csv: columns are missing
      missing: v (is it V? --column 'v=V' takes it)
      there is also: V, w
      energy.scm takes: m, v
    ");
    fs::write(dir.path("bad.csv"), "m\n1\n").unwrap();
    assert_snapshot!(run("energy.scm", "bad.csv", &[]), @"
    error: bad.csv: columns are missing
      missing: v
      energy.scm takes: m, v
    ");
    fs::write(dir.path("bad.csv"), "r[0],r[2],w[0],w[1],w[2]\n1,2,3,4,5\n").unwrap();
    assert_snapshot!(run("dot.scm", "bad.csv", &[]), @"
    error: bad.csv: columns are missing, and others belong to no vector or matrix
      missing: r[1] (is it r[2]?)
      not taken: r[2]
      dot.scm takes: r[3], w[3]
    ");
    fs::write(dir.path("bad.csv"), "r[0],r[1],w[0],w[1],w[2]\n1,2,3,4,5\n").unwrap();
    assert_snapshot!(run("dot.scm", "bad.csv", &[]), @"
    [shape] Error: dot of vec 2 and vec 3: two vectors of one length are needed
       ╭─[ dot.scm:1:1 ]
       │
     1 │ (dot r w)
       │      ┬ ┬
       │      ╰──── vec 2
       │        │
       │        ╰── vec 3
    ───╯
    ");
    assert_snapshot!(run("energy.scm", "in.npy", &["--inputs", "m,v[3]"]), @"
    error: in.npy: 2 columns, but energy.scm takes 4
      in this order: m, v[3]
      --inputs gives another order, or inputs that are vectors or matrices: m,r[3],A[3,3]
    ");
    assert_snapshot!(run("energy.scm", "in.npy", &["--inputs", "m,w"]), @"
    error: --inputs: energy.scm has no input `w`
      the program takes: m, v
    ");
    assert_snapshot!(run("energy.scm", "in.npy", &["--param", "c=1"]), @"
    error: --param: energy.scm has no input `c`
      the program takes: m, v
    ");
    fs::write(dir.path("A.npy"), npy_of("[('m', '<f8', (1, 1, 1)), ('v', '<f8')]", "(1,)", &[0; 16]))
        .unwrap();
    assert_snapshot!(run("energy.scm", "A.npy", &[]), @r#"error: A.npy, array "m": 3 dimensions: a value is a scalar, a vector or a matrix"#);
}

#[test]
fn run_usage() {
    let dir = energy();
    let run = |more: &[&str]| dir.fails(2, &[&["run", "energy.scm", "--batch", "in.npy"][..], more].concat());
    assert_snapshot!(run(&["--param", "m=1", "--grad", "g.npy"]), @"
    error: --grad: with --param the file has to be an npz file: gradients by parameters are arrays of their own

    For more information, try '--help'.
    ");
    assert_snapshot!(run(&["-o", "o.npy", "--grad", "o.npy"]), @"
    error: -o and --grad name the same file

    For more information, try '--help'.
    ");
    assert_snapshot!(run(&["-o", "o.txt"]), @"
    error: -o: the name of the file has to end in .npy, .npz or .csv

    For more information, try '--help'.
    ");
    assert_snapshot!(run(&["--inputs", "m"]), @"
    error: --inputs: v is missing: it has to list every column of in.npy

    For more information, try '--help'.
    ");
    assert_snapshot!(run(&["--inputs", "m,v,m"]), @"
    error: --inputs: `m` is named twice

    For more information, try '--help'.
    ");
    assert_snapshot!(run(&["--inputs", "m[0]"]), @"
    error: invalid value 'm[0]' for '--inputs <LIST>': `m[0]`: a size is a positive integer

    For more information, try '--help'.
    ");
    assert_snapshot!(run(&["--param", "m=1", "--inputs", "m,v"]), @"
    error: --inputs: `m` is a parameter, which has no column

    For more information, try '--help'.
    ");
    run(&["--grad", "g.txt"]);
    run(&["--threads", "1000000"]);
    run(&["--tier", "magic"]);
    dir.fails(2, &["run", "energy.scm"]);
    dir.fails(2, &["fly"]);
}

#[test]
fn run_bad_files() {
    let dir = energy();
    let run = |name: &str, contents: &[u8]| {
        fs::write(dir.path(name), contents).unwrap();
        let report = dir.fails(1, &["run", "energy.scm", "--batch", name, "-o", "o.npy", "--grad", "g.npz"]);
        fs::remove_file(dir.path(name)).unwrap();
        report
    };
    let whole = npy("(3, 2)", &[1.0; 6]);
    assert_snapshot!(run("bad.csv", b"m,v\n1,2\n3\n"), @"
    error: bad.csv: line 3 has 1 fields where the line of names has 2
      lines before the names, and others that are no rows, may begin with #
    ");
    assert_snapshot!(run("bad.csv", b"m,v\n1,2\n3,x\n"), @r#"error: bad.csv: line 3, column 2 ("v"): "x" is not a number; if the line holds units or more names, take it out or begin it with #"#);
    assert_snapshot!(run("bad.csv", b"m,m\n1,2\n"), @r#"
    error: bad.csv: the name "m" stands for two columns
      other names keep them apart
    "#);
    assert_snapshot!(run("bad.csv", b""), @"error: bad.csv: the first line must name the columns, such as x,y");
    assert_snapshot!(run("bad.csv", b"1,2\n3,4\n"), @"error: bad.csv: the first line must name the columns, such as x,y");
    assert_snapshot!(run("bad.csv", b"m,v\n\xff,2\n"), @"error: bad.csv: line 2, column 1 is not UTF-8 text; save the file in UTF-8");
    assert_snapshot!(run("bad.npy", b""), @r"error: bad.npy: this is no npy file: it does not start with \x93NUMPY");
    assert_snapshot!(run("bad.npy", &whole[..20]), @"error: bad.npy: the header is said to have 118 bytes; 10 are possible");
    assert_snapshot!(run("bad.npy", &whole[..whole.len() - 8]), @"error: bad.npy: an array of shape [3, 2] needs 48 bytes of data; there are 40");
    assert_snapshot!(run("bad.npy", &npy("(1000000000000, 2)", &[1.0; 6])), @"error: bad.npy: an array of shape [1000000000000, 2] needs 16000000000000 bytes of data; there are 48");
    assert_snapshot!(run("bad.npy", &npy("(9223372036854775807, 9223372036854775807)", &[])), @"error: bad.npy: an array of shape [9223372036854775807, 9223372036854775807] is too large for any memory");
    assert_snapshot!(run("bad.npy", &npy("(3, 2", &[1.0; 6])), @"error: bad.npy: the header is malformed at byte 67 of the file: a size expected");
    assert_snapshot!(run("bad.npy", &npy("()", &[1.0])), @"
    error: bad.npy: the array is a single number; it needs a dimension of rows
      nc eval takes single numbers: --set x=1
    ");
    assert_snapshot!(run("bad.npy", &npy_of("'|O'", "(3, 2)", &[0; 48])), @r#"error: bad.npy: elements of type "|O" cannot be read: Python objects are not numbers"#);
    assert_snapshot!(run("bad.npy", &npy_of("'<U8'", "(3, 2)", &[0; 192])), @r#"error: bad.npy: elements of type "<U8" cannot be read: text is not a number"#);
    assert_snapshot!(run("bad.npz", b"PK\x03\x04 nothing more"), @"error: bad.npz: the archive cannot be read: invalid Zip archive: Could not find EOCD");
    for cut in 0..whole.len() {
        run("cut.npy", &whole[..cut]);
    }
}

#[test]
fn files_that_cannot_be_used() {
    let dir = energy();
    fs::create_dir(dir.path("d.npy")).unwrap();
    fs::create_dir(dir.path("d.scm")).unwrap();
    let run = |more: &[&str]| dir.fails(1, &[&["run", "energy.scm"][..], more].concat());
    assert_snapshot!(run(&["--batch", "none.npy"]), @"error: none.npy: cannot open the file: No such file or directory (os error 2)");
    assert_snapshot!(run(&["--batch", "d.npy"]), @"error: d.npy: cannot read the file: Is a directory (os error 21)");
    assert_snapshot!(run(&["--batch", "energy.scm"]), @"
    error: energy.scm: the name of the file has to end in .npy, .npz or .csv
      --format says what a batch of another name is
    ");
    assert_snapshot!(run(&["--batch", "in.npy", "-o", "none/o.npy"]), @"error: none/o.npy: cannot create the file: its directory does not exist");
    assert_snapshot!(run(&["--batch", "in.npy", "-o", "o.npz", "--grad", "none/g.npy"]), @"error: none/g.npy: cannot create the file: its directory does not exist");
    assert_snapshot!(run(&["--batch", "in.npy", "-o", "d.npy"]), @"error: d.npy: cannot replace the file: it is a directory or device");
    assert_snapshot!(dir.fails(1, &["check", "none.scm"]), @"error: none.scm: cannot open the file: No such file or directory (os error 2)");
    assert_snapshot!(dir.fails(1, &["check", "d.scm"]), @"error: d.scm: cannot read the file: Is a directory (os error 21)");
    let names = Dir::new().with("p.scm", "(values (a x) (b y))").with("in.csv", "x,y\n1,2\n");
    assert_snapshot!(names.fails(1, &["run", "p.scm", "--batch", "in.csv", "-o", "o.npy"]), @"error: -o: p.scm has 2 results (a, b), and an npy file holds one array; use npz");
    assert_snapshot!(names.fails(1, &["run", "p.scm", "--batch", "in.csv", "-o", "o.npz", "--grad", "g.npy"]), @"error: --grad: p.scm has 2 results (a, b), and an npy file holds one array; use npz");
}

#[test]
fn programs_with_errors() {
    let check = |text: &[u8]| Dir::new().with("p.scm", text).fails(1, &["check", "p.scm"]);
    assert_snapshot!(check(b"(* m (pow c 2)"), @"
    [unclosed] Error: this `(` is never closed
       ╭─[ p.scm:1:1 ]
       │
     1 │ (* m (pow c 2)
       │ ┬
       │ ╰── here
       │
       │ Help: the text ends where a `)` is expected
    ───╯
    ");
    assert_snapshot!(check(b"(* m (pow c 2)))"), @"
    [unopened] Error: this `)` closes nothing
       ╭─[ p.scm:1:16 ]
       │
     1 │ (* m (pow c 2)))
       │                ┬
       │                ╰── here
    ───╯
    ");
    assert_snapshot!(check(b"(define e 1.6e-19)\n\n(+ (sine x)\n   (f y))"), @"
    [unknown-name] Error: there is no function `sine`
       ╭─[ p.scm:3:5 ]
       │
     3 │ (+ (sine x)
       │     ──┬─
       │       ╰─── here
       │
       │ Help: did you mean `sin`?
    ───╯
    [unknown-name] Error: there is no function `f`
       ╭─[ p.scm:4:5 ]
       │
     4 │    (f y))
       │     ┬
       │     ╰── here
    ───╯
    ");
    assert_snapshot!(check(b"; nc: --max-iterations many\n(+ x 1)"), @"
    [header] Error: `--max-iterations` is followed by a number
       ╭─[ p.scm:1:24 ]
       │
     1 │ ; nc: --max-iterations many
       │                        ──┬─
       │                          ╰─── here
       │
       │ Help: such as `--max-iterations 1000000`, written in digits
    ───╯
    ");
    assert_snapshot!(check(b"(atan x y z)"), @"
    [arity] Error: `atan` takes 1 or 2 operands, not 3
       ╭─[ p.scm:1:1 ]
       │
     1 │ (atan x y z)
       │ ──────┬─────
       │       ╰─────── here
       │
       │ Help: it is written `(atan y [x])`: inverse tangent of y, or the angle of the point (x, y)
    ───╯
    ");
    assert_snapshot!(check(b"(dot [1 2 3]\n     [x y])"), @"
    [shape] Error: dot of vec 3 and vec 2: two vectors of one length are needed
       ╭─[ p.scm:1:1 ]
       │
     1 │ (dot [1 2 3]
       │      ───┬───
       │         ╰───── vec 3
     2 │      [x y])
       │      ──┬──
       │        ╰──── vec 2
    ───╯
    ");
    assert_snapshot!(check(b"(set! x 1)"), @"
    [refused] Error: the language has no mutation: a name has one value
       ╭─[ p.scm:1:2 ]
       │
     1 │ (set! x 1)
       │  ──┬─
       │    ╰─── `set!`
       │
       │ Help: bind a new name with `let`
    ───╯
    ");
    assert_snapshot!(check(b"(+ x \xff)"), @"
    [encoding] Error: byte 5 starts no UTF-8 character
       ╭─[ p.scm:1:6 ]
       │
     1 │ (+ x �)
       │      │
       │      ╰─ here
    ───╯
    ");
    assert_snapshot!(check(b"(+ x\x1b[31m 1)"), @"
    [token] Error: a name with the control character U+001B
       ╭─[ p.scm:1:4 ]
       │
     1 │ (+ x?[31m 1)
       │    ─┬
       │     ╰── here
    ───╯
    [number] Error: `31m` is no number
       ╭─[ p.scm:1:7 ]
       │
     1 │ (+ x?[31m 1)
       │       ─┬─
       │        ╰─── here
       │
       │ Help: a name does not start with a digit
    ───╯
    [mismatched] Error: this `)` closes a `[`
       ╭─[ p.scm:1:12 ]
       │
     1 │ (+ x?[31m 1)
       │      ┬     ┬
       │      ╰──────── opened here
       │            │
       │            ╰── here
    ───╯
    [unclosed] Error: this `(` is never closed
       ╭─[ p.scm:1:1 ]
       │
     1 │ (+ x?[31m 1)
       │ ┬
       │ ╰── here
       │
       │ Help: the text ends where a `)` is expected
    ───╯
    ");
    assert_snapshot!(check(b""), @"
    [empty] Error: the program is empty
       ╭─[ p.scm:1:1 ]
       │
     1 │
       │ │
       │ ╰─ here
       │
       │ Help: write an expression, such as `(* m (pow c 2))`
    ───╯
    ");
}

#[test]
fn excerpts_of_long_programs() {
    let names: String = (0..200_000).map(|k| format!(" x{k}")).collect();
    let dir = Dir::new()
        .with("line.scm", format!("(+{names}\u{20ac} (sine y){names})"))
        .with("lines.scm", format!("(+{}\n  (sine y)\n{})", "\n x".repeat(500), "\n y".repeat(500)))
        .with("open.scm", "(".repeat(1_000_000))
        .with("deep.scm", "(".repeat(1_000_001))
        .with("many.scm", format!("(+{})", " (none 1)".repeat(1000)));
    let report = dir.fails(1, &["check", "line.scm"]);
    assert!(report.len() < 2000, "{}", report.len());
    assert!(report.contains("line.scm:1:1488896 ]"), "{report}");
    assert!(report.contains("did you mean `sin`"), "{report}");
    assert_snapshot!(dir.fails(1, &["check", "lines.scm"]), @"
    [unknown-name] Error: there is no function `sine`
         ╭─[ lines.scm:502:4 ]
         │
     502 │   (sine y)
         │    ──┬─
         │      ╰─── here
         │
         │ Help: did you mean `sin`?
    ─────╯
    ");
    assert_snapshot!(dir.fails(1, &["check", "open.scm"]), @"
    [unclosed] Error: 1000000 lists are never closed; the innermost starts here
       ╭─[ open.scm:1:1000000 ]
       │
     1 │ …(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
       │                                                              ┬
       │                                                              ╰── here
       │
       │ Help: the text ends where a `)` is expected
       │
       │ Note: the outermost: open.scm:1:1
    ───╯
    ");
    assert_snapshot!(dir.fails(1, &["check", "deep.scm"]), @"
    [too-deep] Error: nesting deeper than the limit of 1000000
       ╭─[ deep.scm:1:1000001 ]
       │
     1 │ …(((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((
       │                                                              ┬
       │                                                              ╰── here
    ───╯
    ");
    let report = dir.fails(1, &["check", "many.scm"]);
    assert_eq!(report.matches("there is no function `none`").count(), 20);
    assert!(report.ends_with("… and 80 more\n"), "{report}");
}

#[test]
fn check() {
    let dir = energy().with("r.scm", "(define G 6.674e-11)\n(values (a (norm r)) (b (scale G r)))");
    assert_snapshot!(dir.ok(&["check", "--inputs", "r[3]", "energy.scm", "r.scm"]), @"
    energy.scm: ok
      input   m      scalar
      input   v      scalar
      result  value  scalar
    r.scm: ok
      input     r  [3]
      constant  G  6.674e-11
      result    a  scalar
      result    b  [3]
    ");
    assert_eq!(
        dir.json(&["check", "--inputs", "r[3]", "r.scm", "--json"]),
        json!({
            "program": "r.scm", "ok": true, "inputs": { "r": [3] }, "constants": { "G": 6.674e-11 },
            "results": { "a": [], "b": [3] }, "domain": [], "domain_complete": true, "warnings": [],
        })
    );
    let done = dir.nc(&["check", "energy.scm", "r.scm"]);
    assert_eq!(done.status, 1);
    assert!(done.stdout.starts_with("energy.scm: ok"));
    assert!(
        done.stderr.contains("norm of a scalar") || done.stderr.contains("norm of scalar"),
        "{}",
        done.stderr
    );
    let done = dir.nc(&["check", "energy.scm", "r.scm", "--json"]);
    let lines: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["ok"], &lines[1]["ok"]), (&json!(true), &json!(false)));
    assert_eq!(lines[1]["errors"][0]["code"], "shape");
    let dir = dir.with("e.scm", "(* e x)").with("pi.scm", "(* pi x)");
    let said = dir.nc(&["check", "e.scm"]).stderr;
    let wanted = [
        "[constant] Warning: `e` is not predefined, so it is an input",
        "e.scm:1:4",
        "(define e 2.718281828459045)",
    ];
    assert!(wanted.iter().all(|words| said.contains(words)), "{said}");
    assert_eq!(dir.nc(&["check", "pi.scm"]).stderr, "");
}

#[test]
fn check_safe_domain() {
    let dir = Dir::new().with(
        "p.scm",
        "(define c 299792458)\n(define (f v x)\n  (if (> x 0)\n      (/ x (sqrt (- 1 (square (/ v c)))))\n      (/ 1 0)))\n",
    );
    let done = dir.nc(&["check", "p.scm"]);
    assert_snapshot!(done.stdout, @"
    p.scm: ok
      input     v      scalar
      input     x      scalar
      constant  c      299792458
      result    value  scalar
      safe domain
        1 − (v/c)² > 0 where x > 0
    ");
    assert_snapshot!(done.stderr, @"
    [outside-domain] Warning: `/` is always outside its safe domain
       ╭─[ p.scm:5:7 ]
       │
     5 │       (/ 1 0)))
       │       ───┬───  
       │          ╰───── needs 0 ≠ 0
       │ 
       │ Help: its value is what IEEE 754 gives: infinite, or a NaN
    ───╯
    ");
    let report = dir.json(&["check", "p.scm", "--json"]);
    assert_eq!(report["warnings"][0]["code"], "outside-domain");
    assert_eq!(
        report["domain"],
        json!([{
            "condition": "1 − (v/c)² > 0", "where": "x > 0", "op": "sqrt",
            "place": { "start": 62, "end": 91, "line": 4, "column": 12 },
        }])
    );
}

#[test]
fn run_and_eval_check_domain() {
    let dir = Dir::new()
        .with("p.scm", "(define (f x y)\n  (/ (log x)\n     (- y 1)))\n")
        .with("in.csv", "x,y\n1,2\n0,2\n2,1\n-1,1\n5,1\n");
    let args = ["run", "p.scm", "--batch", "in.csv", "--check-domain"];
    let done = dir.nc(&args);
    assert_eq!(done.status, 0);
    assert_eq!(done.stdout, "value\n0.0\n-inf\ninf\nNaN\ninf\n");
    assert_snapshot!(done.stderr, @"
    [outside-domain] Warning: rows 1, 3: `log` is outside its safe domain (x > 0)
       ╭─[ p.scm:2:6 ]
       │
     2 │   (/ (log x)
       │      ───┬───  
       │         ╰───── needs x > 0
    ───╯
    [outside-domain] Warning: rows 2, 4: `/` is outside its safe domain (b ≠ 0)
       ╭─[ p.scm:2:3 ]
       │
     2 │ ╭─▶   (/ (log x)
     3 │ ├─▶      (- y 1)))
       │ │                   
       │ ╰─────────────────── needs y − 1 ≠ 0
    ───╯
    warning: 4 of 5 rows noted (rows count from 0); their values count
    ");
    let plain = dir.nc(&args[..4]);
    assert_eq!((plain.status, plain.stdout, plain.stderr.as_str()), (0, done.stdout, ""));
    for tier in ["interpret", "cranelift"] {
        let more = ["--tier", tier, "--json", "-o", "o.npy", "--grad", "g.npy"];
        let report = dir.json(&[&args[..], &more].concat());
        assert_eq!((&report["failed"], &report["noted"]), (&json!(0), &json!(4)));
        assert_eq!(
            report["notes"][1],
            json!({
                "row": 2, "code": "outside-domain", "reason": "`/` is outside its safe domain (b ≠ 0)", "op": "/",
                "condition": "y − 1 ≠ 0", "start": 18, "end": 42,
            })
        );
    }
    let eval = ["eval", "p.scm", "--set", "x=-1", "--set", "y=1", "--check-domain"];
    let done = dir.nc(&eval);
    assert_eq!((done.status, done.stdout.as_str()), (0, "value = NaN\n"));
    assert!(done.stderr.contains("`log` is outside its safe domain") && done.stderr.contains("needs x > 0"));
    let report = dir.json(&[&eval[..], &["--json"]].concat());
    assert_eq!((&report["note"]["op"], &report["note"]["start"]), (&json!("log"), &json!(21)));
    let report = dir.json(&["eval", "-e", "(log x)", "--set", "x=1", "--check-domain", "--json"]);
    assert_eq!(report, json!({ "value": 0.0, "note": null }));
    let done = dir.nc(&["eval", "-e", "(abs x)", "--set", "x=0", "--check-kinks"]);
    assert!(done.stderr.contains("`abs` is at a kink (x = 0)"), "{}", done.stderr);
}

#[test]
fn infix() {
    let law = "# Kinetic energy\nk = 1/2;\nkinetic(m, v) = k*m*v^2;\n";
    let dir = Dir::new()
        .with("law.nci", law)
        .with("law.txt", law)
        .with("law.scm", "(define (kinetic m v) (* 1/2 (* m (pow v 2))))")
        .with("wrong.nci", "m*v^2 2");
    let values = ["--set", "m=2", "--set", "v=3"];
    let eval = |args: &[&str]| dir.ok(&[&["eval"][..], args, &values].concat());
    assert_eq!(eval(&["-e", "m*v^2/2", "--dialect", "infix"]), "value = 9\n");
    assert_eq!(eval(&["law.nci", "--grad"]), "value = 9\nd/dm  = 4.5\nd/dv  = 6\n");
    assert_eq!(eval(&["law.txt", "--dialect", "infix"]), "value = 9\n");
    assert_eq!(dir.ok(&["eval", "law.nci", "-e", "kinetic(2, 1 + 2)"]), "value = 9\n");
    assert!(dir.fails(1, &["check", "law.txt"]).contains("of `#` the language has `#t`, `#f` and comments"));
    dir.fails(2, &["eval", "-e", "x", "--dialect", "fortran"]);
    assert!(dir.ok(&["check", "law.nci"]).contains("law.nci: ok"));
    assert_eq!(dir.ok(&["ir", "law.scm", "--stage", "infix"]), "kinetic(m, v) = 0.5*(m*v^2);\n");
    assert_snapshot!(dir.ok(&["ir", "law.nci", "--stage", "scheme"]), @"
    (define k (/ 1 2))
    (define (kinetic m v) (* k m (pow v 2)))
    ");
    assert_snapshot!(dir.fails(1, &["ir", "law.scm", "--stage", "eml"]), @"
    [unsayable] Error: this program has no spelling in the dialect eml: it defines a function
       ╭─[ law.scm:1:10 ]
       │
     1 │ (define (kinetic m v) (* 1/2 (* m (pow v 2))))
       │          ───┬───
       │             ╰───── here
    ───╯
    ");
    assert_snapshot!(dir.fails(1, &["check", "wrong.nci"]), @"
    [operand] Error: `2` follows an operand
       ╭─[ wrong.nci:1:7 ]
       │
     1 │ m*v^2 2
       │       ┬
       │       ╰── here
       │
       │ Help: an operator stands between them, `*` for a product
    ───╯
    ");
}

#[test]
fn ir() {
    let dir = Dir::new().with("p.scm", "(* (+ x 1) (- y 2))");
    assert_snapshot!(dir.ok(&["ir", "p.scm", "--stage", "graph"]), @"
    input x: scalar
    input y: scalar
    %0 = add x, 1
    %1 = sub y, 2
    %2 = mul %0, %1
    value = %2
    ");
    for stage in ["ast", "anf", "tco", "adjoint", "lanes"] {
        let grad = if matches!(stage, "adjoint" | "lanes") { &["--grad"][..] } else { &[] };
        assert!(!dir.ok(&[&["ir", "p.scm", "--stage", stage][..], grad].concat()).is_empty(), "{stage}");
    }
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    for stage in ["clif", "asm"] {
        for target in [&["--target", &target][..], &[]] {
            let args = [&["ir", "p.scm", "--stage", stage, "--param", "y"][..], target].concat();
            assert!(dir.ok(&args).lines().count() > 5, "{stage}");
        }
    }
    assert_snapshot!(dir.fails(1, &["ir", "p.scm", "--stage", "asm", "--target", "z80"]), @"error: p.scm: no native code for this processor: `z80` is no target triple");
    assert_snapshot!(dir.fails(1, &["ir", "p.scm", "--stage", "graph", "--param", "z"]), @"
    error: --param: p.scm has no input `z`
      the program takes: x, y
    ");
    dir.fails(2, &["ir", "p.scm", "--stage", "soup"]);
    dir.ok(&["eval", "-e", "(+ 1 2)", "--max-iterations", "5", "--max-depth", "5", "--max-steps", "5"]);
    dir.fails(2, &["eval", "-e", "(+ 1 2)", "--max-steps", "-5"]);
    let dir = dir.with("sum.scm", "(loop ((i 0) (s 0)) (if (= i n) s (recur (+ i 1) (+ s i))))");
    assert_snapshot!(dir.ok(&["ir", "sum.scm", "--stage", "tco", "--max-iterations", "5"]), @"
    (define (loop %i %s n)
      (let* ((%4 (loop ((i %i) (s %s))
              (let* ((%0 (= i n))
                    (%3 (if %0
                        s
                        (let* ((%1 (+ i 1))
                              (%2 (+ s i)))
                          (recur %1 %2)))))
                %3))))
      %4))
    ; inputs: n
    (let* ((%5 (loop 0 0 n)))
      %5)
    ");
}

/// The header entry for the type of an npy file, and its numbers.
fn single(dir: &Dir, name: &str) -> (Vec<u64>, Vec<f32>) {
    let bytes = fs::read(dir.path(name)).unwrap();
    let header = String::from_utf8_lossy(&bytes[..64]).into_owned();
    assert!(header.contains("'descr': '<f4'"), "{header}");
    let file = NpyFile::new(&bytes[..]).unwrap();
    (file.shape().to_vec(), file.into_vec().unwrap())
}

fn npy_single(shape: &str, numbers: &[f32]) -> Vec<u8> {
    npy_of("'<f4'", shape, &numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>())
}

#[test]
fn run_binary32() {
    let numbers = [2.0f32, 3.0, 4.0, 0.1, 1.0, 0.3];
    let dir = Dir::new()
        .with("energy.scm", ENERGY)
        .with("in.npy", npy_single("(3, 2)", &numbers))
        .with("wide.npy", npy("(3, 2)", &[2.0, 3.0, 4.0, 0.1, 1.0, 0.3]))
        .with("even.npy", npy("(1, 2)", &[0.5, 3.0]))
        .with("large.npy", npy_of("'<i4'", "(1, 2)", &[1, 0, 0, 1, 2, 0, 0, 0]))
        .with("in.csv", "v,m\n3,2\n0.1,4\n0.3,1\n");
    let rows: Vec<(f32, f32)> = numbers.chunks(2).map(|row| (row[0], row[1])).collect();
    let energies: Vec<f32> = rows.iter().map(|(m, v)| 0.5 * (m * (v * v))).collect();
    let by_mass: Vec<f32> = rows.iter().map(|(_, v)| v * v * 0.5).collect();
    for tier in ["auto", "cranelift", "interpret"] {
        let out = ["-o", "o.npy", "--grad", "g.npy", "--tier", tier, "--dtype", "f32"];
        assert_eq!(dir.ok(&[&["run", "energy.scm", "--batch", "in.npy"][..], &out].concat()), "");
        assert_eq!(single(&dir, "o.npy"), (vec![3], energies.clone()));
        let (shape, gradients) = single(&dir, "g.npy");
        assert_eq!(shape, [3, 2]);
        assert_eq!(gradients.iter().step_by(2).copied().collect::<Vec<f32>>(), by_mass);
    }
    // Numbers that f32 does not have are rounded, once and not without saying so.
    let done = dir.nc(&["run", "energy.scm", "--batch", "wide.npy", "-o", "w.npy", "--dtype", "f32"]);
    assert_eq!((done.status, done.stderr.as_str()), (0, "note: wide.npy: its numbers are rounded to f32\n"));
    assert_eq!(single(&dir, "w.npy"), (vec![3], energies.clone()));
    assert_eq!(dir.ok(&["run", "energy.scm", "--batch", "even.npy", "--dtype", "f32"]), "value\n2.25\n");
    let done = dir.nc(&["run", "energy.scm", "--batch", "large.npy", "--dtype", "f32"]);
    assert_eq!((done.stdout.as_str(), done.stderr.lines().count()), ("value\n33554432.0\n", 1));
    // An f64 program takes them as the numbers that they are.
    dir.ok(&["run", "energy.scm", "--batch", "in.npy", "-o", "d.npy"]);
    let wide: Vec<f64> =
        rows.iter().map(|&(m, v)| 0.5 * (f64::from(m) * (f64::from(v) * f64::from(v)))).collect();
    assert_eq!(dir.npy("d.npy"), (vec![3], wide));
    // Decimal text is read and written as f32.
    let text = dir.ok(&["run", "energy.scm", "--batch", "in.csv", "--dtype", "f32"]);
    let expected: Vec<String> =
        [(2.0f32, 3.0f32), (4.0, 0.1), (1.0, 0.3)].map(|(m, v)| format!("{:?}", 0.5 * (m * (v * v)))).into();
    assert_eq!(text, format!("value\n{}\n", expected.join("\n")));
    let report =
        dir.json(&["run", "energy.scm", "--batch", "in.npy", "-o", "o.npy", "--json", "--dtype", "f32"]);
    assert_eq!(report["dtype"], "f32");
}

#[test]
fn run_binary32_with_parameters() {
    let dir = Dir::new().with("p.scm", "(* k x)").with("in.npy", npy_single("(1000,)", &[0.1; 1000]));
    let out = ["--param", "k=0.2", "-o", "o.npz", "--grad", "g.npz", "--dtype", "f32"];
    dir.ok(&[&["run", "p.scm", "--batch", "in.npy"][..], &out].concat());
    let read = |name: &str, array: &str| {
        let bytes = &dir.entries(name)[array];
        let array = NpyFile::new(&bytes[..]).unwrap();
        (array.shape().to_vec(), array.into_vec::<f32>().unwrap())
    };
    assert_eq!(read("o.npz", "value"), (vec![1000], vec![0.2f32 * 0.1; 1000]));
    assert_eq!(read("g.npz", "x"), (vec![1000], vec![0.2f32; 1000]));
    // The sum is added up in f64; in f32 it would be 99.99905.
    assert_eq!(read("g.npz", "k"), (vec![], vec![100.0f32]));
}

#[test]
fn binary32_elsewhere() {
    let dir = Dir::new().with("p.scm", "(* x 0.1)");
    assert_eq!(dir.ok(&["eval", "p.scm", "--set", "x=1", "--dtype", "f32"]), "value = 0.1\n");
    let args = ["eval", "p.scm", "--set", "x=0.3", "--grad", "--json", "--dtype", "f32"];
    assert_eq!(dir.json(&args), json!({ "value": 0.030000001, "grad": { "x": 0.1 } }));
    assert_snapshot!(dir.ok(&["ir", "p.scm", "--stage", "graph", "--dtype", "f32"]), @"
    numbers f32
    input x: scalar
    %0 = mul x, 0.1
    value = %0
    ");
    assert_snapshot!(dir.ok(&["ir", "p.scm", "--stage", "lanes", "--dtype", "f32"]), @"
    v0:f32 = column 0
    v2:f32 = mul v0, 0.1
    v3:m = ne v2, v2
    v5:f32 = select v3, +nan.0, v2
    store 0, v5
    ");
    assert!(
        dir.ok(&["ir", "p.scm", "--stage", "clif", "--dtype", "f32", "--tier", "cranelift"])
            .contains("f32x4")
    );
    let figures = dir.json(&["bench", "p.scm", "--batch-size", "100", "--json", "--dtype", "f32"]);
    assert_eq!(figures["dtype"], "f32");
    assert_snapshot!(
        dir.fails(1, &["eval", "p.scm", "--set", "x=1", "--dtype", "f32", "--max-steps", "5000000000"]),
        @"
    error: p.scm: a row of an f32 program may take 2130706431 steps at the most, and the limit is 5000000000
      --max-steps N sets the limit
    "
    );
    dir.fails(2, &["eval", "p.scm", "--set", "x=1", "--dtype", "f16"]);
    let dir = dir.with("count.scm", "(loop ((i 0) (x x)) (if (< x 1) i (recur (+ i 1) (* x 1.1))))");
    let error =
        dir.fails(1, &["eval", "count.scm", "--set", "x=1", "--dtype", "f32", "--max-iterations", "2"]);
    assert!(error.contains("i = 2, x = 1.21"), "{error}");
}

#[test]
fn ops() {
    let dir = Dir::new();
    let text = dir.ok(&["ops"]);
    assert!(text.lines().all(|line| line.trim_end() == line));
    let ops = dir.json(&["ops", "--json"]);
    let ops = ops.as_array().unwrap();
    assert_eq!(text.lines().count(), ops.len() + 1);
    let sin = ops.iter().find(|op| op["name"] == "sin").unwrap();
    assert_eq!((&sin["min_operands"], &sin["derivative"]), (&json!(1), &json!("cos x")));
    let domain = |name: &str| ops.iter().find(|op| op["name"] == name).unwrap()["domain"].clone();
    assert_eq!((domain("sin"), domain("/"), domain("log")), (json!(null), json!("b ≠ 0"), json!("x > 0")));
}

#[test]
fn bench() {
    let dir = energy();
    let figures = dir.json(&["bench", "energy.scm", "--batch-size", "1000", "--grad", "--json"]);
    for key in ["nodes", "ops", "compile_us", "ns_per_row", "rows_per_s"] {
        assert!(figures[key].as_f64().unwrap() > 0.0, "{key}: {figures}");
    }
    for stage in ["read", "graph", "derive", "lower", "codegen"] {
        assert!(figures["stages"][stage].is_f64(), "{stage}: {figures}");
    }
    assert_eq!(
        (&figures["program"], &figures["rows"], &figures["threads"]),
        (&json!("energy.scm"), &json!(1000), &json!(1))
    );
    let done = dir.nc(&["bench", "energy.scm", "none.scm", "--batch-size", "10"]);
    assert_eq!(done.status, 1);
    assert!(done.stdout.contains("energy.scm") && done.stderr.contains("none.scm"), "{}", done.stderr);
    dir.fails(2, &["bench", "energy.scm", "--batch-size", "0"]);
}

#[test]
fn help_and_version() {
    let dir = Dir::new();
    assert_eq!(dir.ok(&["--version"]), format!("nc {}\n", env!("CARGO_PKG_VERSION")));
    for command in ["eval", "run", "ir", "bench", "check", "ops"] {
        assert!(dir.ok(&[command, "--help"]).contains(&format!("Examples:\n  nc {command}")), "{command}");
    }
}
