//! Complex numbers from the command line: literals, columns, files, EML programs over them.

use crate::command::{Dir, npy, npy_of};
use num_complex::Complex64;
use serde_json::json;

fn z(re: f64, im: f64) -> Complex64 {
    Complex64::new(re, im)
}

fn complex_npy(shape: &str, numbers: &[Complex64]) -> Vec<u8> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|z| [z.re, z.im]).flat_map(f64::to_le_bytes).collect();
    npy_of("'<c16'", shape, &bytes)
}

const POINTS: [Complex64; 3] =
    [Complex64::new(1.0, 2.0), Complex64::new(-0.5, 0.0), Complex64::new(0.0, -3.0)];

#[test]
fn one_row() {
    let dir = Dir::new();
    let text = dir.ok(&["eval", "-e", "(* z z)", "--set", "z=1+2i", "--grad"]);
    assert_eq!(text, "value = -3+4i\nd/dz  = 2+4i\n");
    let json = dir.json(&[
        "eval",
        "-e",
        "(values (a (* x z)) (b (magnitude z)))",
        "--set",
        "x=2",
        "--set",
        "z=-3-4i",
        "--grad",
        "--json",
    ]);
    let number = |re: f64, im: f64| json!({ "re": re, "im": im });
    assert_eq!(json["value"], json!({ "a": number(-6.0, -8.0), "b": 5.0 }));
    assert_eq!(json["grad"]["x"], json!({ "a": number(-3.0, -4.0), "b": 0.0 }));
    assert_eq!(json["grad"]["z"], json!({ "a": number(2.0, 0.0), "b": number(-0.6, 0.8) }));
    let checked = dir.with("p.scm", "(* z 2)").json(&["check", "p.scm", "--inputs", "z:complex", "--json"]);
    assert_eq!(
        (&checked["inputs"]["z"], &checked["results"]["value"]),
        (&json!("complex"), &json!("complex"))
    );
}

#[test]
fn npy_files() {
    let dir = Dir::new().with("p.scm", "(* z w)").with(
        "in.npy",
        complex_npy("(3, 2)", &[POINTS[0], POINTS[1], POINTS[1], POINTS[2], POINTS[2], POINTS[0]]),
    );
    // All columns are complex, and so are all inputs.
    dir.ok(&["run", "p.scm", "--batch", "in.npy", "-o", "out.npy", "--grad", "g.npy"]);
    let (shape, values) = dir.complex_npy("out.npy");
    assert_eq!((shape, values), (vec![3], vec![z(-0.5, -1.0), z(0.0, 1.5), z(6.0, -3.0)]));
    let (shape, slopes) = dir.complex_npy("g.npy");
    assert_eq!(shape, [3, 2]);
    assert_eq!(slopes, [POINTS[1], POINTS[0], POINTS[2], POINTS[1], POINTS[0], POINTS[2]]);
    // A real file gives a complex input two columns.
    let dir =
        dir.with("q.scm", "(+ (* x z) 1)").with("real.npy", npy("(2, 3)", &[2.0, 1.0, -1.0, 3.0, 0.5, 4.0]));
    dir.ok(&["run", "q.scm", "--batch", "real.npy", "--inputs", "x,z:complex", "-o", "out.npy"]);
    assert_eq!(dir.complex_npy("out.npy"), (vec![2], vec![z(3.0, -2.0), z(2.5, 12.0)]));
    // Derivatives that are partly real do not fit one array.
    let dir = dir.with("r.scm", "(+ x (magnitude z))");
    let message = dir.fails(
        1,
        &["run", "r.scm", "--batch", "real.npy", "--inputs", "x,z:complex", "-o", "o.npy", "--grad", "h.npy"],
    );
    assert!(
        message.contains("some derivatives are complex and others real") && message.contains("npz"),
        "{message}"
    );
    dir.ok(&[
        "run",
        "r.scm",
        "--batch",
        "real.npy",
        "--inputs",
        "x,z:complex",
        "-o",
        "o.npz",
        "--grad",
        "h.npz",
    ]);
    let message =
        dir.fails(1, &["run", "p.scm", "--batch", "in.npy", "--inputs", "z:complex,w", "-o", "o2.npy"]);
    assert!(message.contains("the columns are complex, and `w` is real"), "{message}");
}

#[test]
fn files_with_names() {
    let dir = Dir::new()
        .with("p.scm", "(values (product (* x z)) (size (magnitude z)))")
        .with("in.csv", "z.im,x,z.re\n4,2,3\n-1,0.5,0\n");
    let text = dir.ok(&["run", "p.scm", "--batch", "in.csv"]);
    assert_eq!(text, "product.re,product.im,size\n6.0,8.0,5.0\n0.0,-0.5,1.0\n");
    dir.ok(&["run", "p.scm", "--batch", "in.csv", "-o", "out.npz", "--grad", "g.npz"]);
    let names = |name: &str| {
        let kind = |bytes: Vec<u8>| npyz::NpyFile::new(&bytes[..]).unwrap().dtype().descr();
        dir.entries(name).into_iter().map(|(name, bytes)| (name, kind(bytes))).collect::<Vec<_>>()
    };
    let complex = "'<c16'".to_string();
    assert_eq!(
        names("out.npz"),
        [("product".to_string(), complex.clone()), ("size".to_string(), "'<f8'".to_string())]
    );
    let expected =
        [("product/x", &*complex), ("product/z", &complex), ("size/x", "'<f8'"), ("size/z", &complex)];
    assert_eq!(names("g.npz"), expected.map(|(name, kind)| (name.to_string(), kind.to_string())));
    let dir = dir.with("half.csv", "x,z.im\n1,2\n");
    let message = dir.fails(1, &["run", "p.scm", "--batch", "half.csv"]);
    assert!(message.contains("missing: z.re"), "{message}");
    let message = dir.fails(1, &["run", "p.scm", "--batch", "in.csv", "--inputs", "x,z"]);
    assert!(message.contains("missing: z"), "{message}");
}

#[test]
fn binary32() {
    let dir = Dir::new().with("p.scm", "(exp z)").with("in.npy", complex_npy("(1, 1)", &[z(0.5, 0.25)]));
    dir.ok(&["run", "p.scm", "--batch", "in.npy", "-o", "out.npy", "--dtype", "f32"]);
    let file = npyz::NpyFile::new(std::fs::File::open(dir.path("out.npy")).unwrap()).unwrap();
    assert_eq!(file.dtype().descr(), "'<c8'");
    let values: Vec<num_complex::Complex32> = file.into_vec().unwrap();
    let expected = z(0.5, 0.25).exp();
    assert!(
        (f64::from(values[0].re) - expected.re).abs() < 2e-7
            && (f64::from(values[0].im) - expected.im).abs() < 2e-7
    );
}

#[test]
fn trees_over_chosen_numbers() {
    let dir = Dir::new().with("ln.eml", "ln(x)").with("in.csv", "x\n-2\n1\n0\n");
    let failed = |over: &str| dir.nc(&["run", "ln.eml", "--batch", "in.csv", "--over", over, "--keep-going"]);
    // Over the reals two rows have no value; over the complex numbers ln 0 has none.
    let real = failed("real");
    assert_eq!(real.status, 1);
    assert!(real.stderr.contains("Error: rows 0, 2: `log`"), "{}", real.stderr);
    assert!(real.stderr.contains("2 of 3 rows without a value over these numbers"), "{}", real.stderr);
    let complex = failed("complex");
    assert_eq!(complex.status, 1);
    assert!(complex.stderr.contains("row 2: `log"), "{}", complex.stderr);
    let first = complex.stdout.lines().nth(1).unwrap().to_string();
    let parts: Vec<f64> = first.split(',').map(|x| x.parse().unwrap()).collect();
    assert!(
        (parts[0] - 2f64.ln()).abs() < 1e-15 && (parts[1] - std::f64::consts::PI).abs() < 1e-15,
        "{first}"
    );
    let extended = failed("extended");
    assert_eq!(extended.status, 1);
    assert!(extended.stderr.contains("row 0: the tree has no value here"), "{}", extended.stderr);
    assert_eq!(extended.stdout.lines().nth(3), Some("-inf"));
    let message = dir.fails(2, &["eval", "-e", "(+ 1 2)", "--over", "complex"]);
    assert!(message.contains("--over is for EML programs"), "{message}");
}

#[test]
fn raised_trees() {
    let dir = Dir::new().with("sub.eml", "sub(y,x)").with("in.npy", npy("(2, 2)", &[5.0, 3.0, 0.5, 7.0]));
    let done = dir.nc(&["run", "sub.eml", "--batch", "in.npy", "-o", "out.npy", "--raise"]);
    assert_eq!((done.status, done.stderr.as_str()), (0, "sub.eml is (- y x) where (> y 0)\n"));
    // The columns are those of the tree's variables.
    assert_eq!(dir.npy("out.npy"), (vec![2], vec![2.0, -6.5]));
    let graph = dir.nc(&["ir", "sub.eml", "--stage", "graph", "--raise"]).stdout;
    assert_eq!(graph, "input y: scalar\ninput x: scalar\n%0 = sub y, x\nvalue = %0\n");
    // A variable that is called like a function.
    let done =
        dir.nc(&["eval", "-e", "eml(1,eml(eml(1,log),1))", "--dialect", "eml", "--raise", "--set", "log=1"]);
    assert_eq!((done.status, done.stdout.as_str()), (0, "value = 0\n"), "{}", done.stderr);
    // The formula is that of the reals.
    for over in ["--raise", "--over=extended", "--over=real"] {
        let done = dir.nc(&["eval", "sub.eml", "--set", "x=1", "--set", "y=+4i", over]);
        assert!(
            done.status == 1 && done.stderr.contains("`y` is complex, and the program is over the reals"),
            "{over}: {}",
            done.stderr
        );
    }
    let message = dir.fails(2, &["eval", "-e", "(+ 1 2)", "--raise"]);
    assert!(message.contains("--raise is for EML programs"), "{message}");
}
