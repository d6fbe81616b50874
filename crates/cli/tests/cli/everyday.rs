//! What people do with the command line: names of files, pipes, options, signals and full disks.

use std::fs;
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::command::{Dir, npy};

fn product() -> Dir {
    Dir::new().with("p.scm", "(* x y)").with("in.csv", "x,y\n1,2\n3,4\n")
}

/// A call by the shell, which sets limits and joins pipes.
fn shell(dir: &Dir, script: &str) -> (Option<i32>, String, String) {
    let nc = env!("CARGO_BIN_EXE_nc");
    let output = Command::new("bash")
        .args(["-c", &format!("nc() {{ {nc} \"$@\"; }}; {script}")])
        .current_dir(dir.path("."))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What was written is said, whatever the format, and not where a program reads.
#[test]
fn files_that_were_written_are_named() {
    let dir = product();
    let run = |more: &[&str]| {
        let done = dir.nc(&[&["run", "p.scm", "--batch", "in.csv"][..], more].concat());
        assert_eq!((done.status, done.stderr.as_str()), (0, ""), "{more:?}");
        done.written
    };
    for (values, grad) in [("o.npy", "g.npy"), ("o.npz", "g.npz"), ("o.csv", "g.csv")] {
        let written = run(&["-o", values, "--grad", grad]);
        let [first, second] = &written[..] else { panic!("{written:?}") };
        assert!(first.starts_with(&format!("wrote {values}: ")) && first.ends_with(" rows\n"), "{first}");
        assert!(second.starts_with(&format!("wrote {grad}: x")), "{second}");
        assert!(run(&["-o", values, "--grad", grad, "--json"]).is_empty());
    }
    assert!(run(&[]).is_empty());
    // Without inputs there are no derivatives, and by a parameter they are sums.
    for (grad, words) in [("g.npy", "nothing"), ("g.npz", "nothing"), ("g.csv", "nothing")] {
        let done = dir.nc(&["run", "-e", "7", "--batch", "in.csv", "-o", "o.npy", "--grad", grad]);
        assert!(done.status == 0 && done.written[1].contains(words), "{grad}: {}", done.stderr);
    }
    let param =
        ["run", "-e", "(* a x)", "--batch", "in.csv", "--param", "a=2", "-o", "o.npz", "--grad", "g.npz"];
    assert!(dir.nc(&param).written[1].contains("g.npz: x, a (a sum), of "), "{:?}", dir.nc(&param).written);
    // A name does not begin a line of its own.
    let done = dir.nc(&["run", "p.scm", "--batch", "in.csv", "-o", "a\nwrote b.npy"]);
    assert_eq!(
        (done.status, &done.written[..]),
        (0, &["wrote a\\nwrote b.npy: value, of 2 rows\n".to_string()][..])
    );
    // What binary32 does not hold is refused; the only result is called value.
    for args in [
        &["eval", "-e", "(* z z)", "--dtype", "f32", "--set", "z=1e39"][..],
        &["run", "-e", "(* a x)", "--batch", "in.csv", "--dtype", "f32", "--param", "a=-1e39"],
    ] {
        let done = dir.nc(args);
        assert!(done.status == 2 && done.stderr.contains("largest number of binary32"), "{}", done.stderr);
    }
    assert_eq!(
        dir.ok(&["eval", "-e", "(* z z)", "--set", "z=3", "--vjp", "value=2"]),
        "value      = 9\n--vjp by z = 12\n"
    );
}

#[cfg(unix)]
#[test]
fn outputs_are_files_of_their_own() {
    use std::os::unix::fs::symlink;
    let dir = product().with("law.npz", "").with("out.npy", npy("(1,)", &[7.0]));
    fs::create_dir(dir.path("d")).unwrap();
    fs::hard_link(dir.path("out.npy"), dir.path("hard.npy")).unwrap();
    symlink("out.npy", dir.path("soft.npy")).unwrap();
    symlink("d/new.npy", dir.path("dangling.npy")).unwrap();
    fs::hard_link(dir.path("in.csv"), dir.path("d/copy.csv")).unwrap();
    fs::hard_link(dir.path("p.scm"), dir.path("p.npz")).unwrap();
    let absolute = dir.path("new.npz").to_str().unwrap().to_string();
    let run = |more: &[&str]| dir.fails(2, &[&["run", "p.scm", "--batch", "in.csv"][..], more].concat());
    for (output, grad) in [
        ("out.npy", "./out.npy"),
        ("out.npy", "d/../out.npy"),
        ("out.npy", "hard.npy"),
        ("out.npy", "soft.npy"),
        ("new.npz", absolute.as_str()),
        ("d/new.npy", "dangling.npy"),
        ("dangling.npy", "d/new.npy"),
    ] {
        let message = run(&["-o", output, "--grad", grad]);
        assert!(
            message.starts_with(&format!("error: -o and --grad name the same file: {output} and {grad}\n")),
            "{message}"
        );
    }
    for (option, path) in [("-o", "in.csv"), ("-o", "./in.csv"), ("--grad", "d/copy.csv")] {
        let message = run(&[option, path]);
        assert!(
            message.starts_with(&format!("error: {option} would replace the batch, in.csv")),
            "{message}"
        );
    }
    let message = run(&["-o", "p.npz"]);
    assert!(message.starts_with("error: -o would replace the program, p.scm, which is p.npz"), "{message}");
    assert_eq!(dir.npy("out.npy").1, [7.0]);
    // Links are written through, also those that lead to nothing yet.
    dir.ok(&["run", "p.scm", "--batch", "in.csv", "-o", "dangling.npy", "--grad", "soft.npy"]);
    assert!(dir.path("dangling.npy").is_symlink() && dir.path("soft.npy").is_symlink());
    assert_eq!(dir.npy("d/new.npy").1, [2.0, 12.0]);
    assert_eq!(dir.npy("out.npy").1, [2.0, 1.0, 4.0, 3.0]);
}

#[test]
fn batches_from_pipes() {
    let dir = product().with("in.npy", npy("(2, 2)", &[1.0, 2.0, 3.0, 4.0])).with("data.txt", "x;y\n1,5;2\n");
    let expected = "value\n2.0\n12.0\n";
    let csv = fs::read(dir.path("in.csv")).unwrap();
    assert_eq!(dir.nc_with_input(&["run", "p.scm", "--batch", "-"], &csv).stdout, expected);
    let binary = fs::read(dir.path("in.npy")).unwrap();
    assert_eq!(
        dir.nc_with_input(&["run", "p.scm", "--batch", "-", "--format", "npy"], &binary).stdout,
        expected
    );
    assert_eq!(dir.nc_with_input(&["run", "p.scm", "--batch", "-"], &binary).stdout, expected);
    let (status, out, err) =
        shell(&dir, "nc run p.scm --batch <(cat in.csv); nc run p.scm --batch <(cat in.npy)");
    assert_eq!((status, out.as_str(), err.as_str()), (Some(0), format!("{expected}{expected}").as_str(), ""));
    assert!(dir.fails(1, &["run", "p.scm", "--batch", "data.txt"]).contains("--format says what"));
    let done = dir.nc(&["run", "p.scm", "--batch", "data.txt", "--format", "csv"]);
    assert_eq!(done.stdout, "value\n3.0\n");
    assert_snapshot!(done.stderr, @r"
    note: data.txt: columns are separated by ';'
    note: data.txt: numbers have decimal commas
    ");
    assert!(dir.fails(2, &["run", "-", "--batch", "-"]).contains("cannot both"));
}

#[test]
fn what_is_taken_and_what_is_left_aside() {
    let dir = product().with("more.csv", "t,x,y,label\n0,1,2,a\n").with("other.csv", "freq,y\n3,4\n");
    let done = dir.nc(&["run", "p.scm", "--batch", "more.csv"]);
    assert_eq!((done.status, done.stdout.as_str()), (0, "value\n2.0\n"));
    assert_snapshot!(done.stderr, @"note: more.csv: t, label are left aside (p.scm takes x, y)");
    let report = dir.nc(&["run", "p.scm", "--batch", "more.csv", "--grad", "g.npy", "--json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(report["left_aside"], json!(["t", "label"]));
    assert_eq!(report["gradient_columns"], json!(["x", "y"]));
    assert_eq!(dir.ok(&["run", "p.scm", "--batch", "other.csv", "--column", "x=freq"]), "value\n12.0\n");
    assert_snapshot!(dir.fails(1, &["run", "p.scm", "--batch", "in.csv", "--column", "z=freq"]), @"
    error: --column: p.scm has no input `z`
      the program takes: x, y
    ");
    dir.fails(2, &["run", "p.scm", "--batch", "in.csv", "--column", "x"]);
    dir.fails(2, &["run", "p.scm", "--batch", "in.csv", "--column", "x=a", "--column", "x=b"]);
}

#[test]
fn inputs_beside_results() {
    let dir = product().with("v.npz", "");
    let both = ["run", "p.scm", "--batch", "in.csv", "--with-inputs"];
    assert_eq!(dir.ok(&both), "x,y,value\n1.0,2.0,2.0\n3.0,4.0,12.0\n");
    dir.ok(&[&both[..], &["-o", "o.npz"]].concat());
    let arrays = dir.npz("o.npz");
    assert_eq!(arrays.keys().collect::<Vec<_>>(), ["value", "x", "y"]);
    assert_eq!(arrays["y"], (vec![2], vec![2.0, 4.0]));
    assert!(dir.fails(2, &[&both[..], &["-o", "o.npy"]].concat()).contains("an npy file holds one array"));
    fs::write(dir.path("in.csv"), "value,y\n1,2\n").unwrap();
    let clash = ["run", "-e", "(* value y)", "--batch", "in.csv", "--with-inputs", "-o", "new.csv"];
    assert!(dir.fails(1, &clash).contains(r#"would have two arrays or columns called "value""#));
}

#[test]
fn expressions_in_place_of_programs() {
    let dir = product().with("laws.scm", "(define k 3)\n(define (f x) (* k x))\n");
    assert_eq!(dir.ok(&["run", "-e", "(+ x y)", "--batch", "in.csv"]), "value\n3.0\n7.0\n");
    let done = dir.nc_with_input(&["run", "laws.scm", "-e", "(f y)", "--batch", "-"], b"y\n2\n");
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("value\n6.0\n", ""));
    assert_eq!(dir.ok(&["eval", "-e", "-5"]), "value = -5\n");
    assert_eq!(dir.ok(&["eval", "-e", "-x", "--dialect", "infix", "--set", "x=2"]), "value = -2\n");
    // A byte order mark in front of a program, in every dialect, also where texts were joined.
    let mark = "\u{feff}";
    for (name, text) in [("b.scm", "(* x 2)"), ("b.nci", "x*2"), ("b.eml", "eml(x,1)")] {
        fs::write(dir.path(name), format!("{mark}{text}")).unwrap();
        dir.ok(&["eval", name, "--set", "x=1"]);
    }
    fs::write(
        dir.path("b.scm"),
        format!("{mark}; nc: --max-iterations 7\n(define (f x) (* x 2)){mark}\n(f 3)"),
    )
    .unwrap();
    assert_eq!(dir.ok(&["eval", "b.scm"]), "value = 6\n");
    assert_eq!(dir.json(&["check", "b.scm", "--json"])["ok"], true);
}

#[test]
fn gradients_as_text() {
    let dir = product().with("v.scm", "(values (a (* x y)) (b [x y]))");
    dir.ok(&["run", "p.scm", "--batch", "in.csv", "-o", "o.csv", "--grad", "g.csv"]);
    assert_eq!(fs::read_to_string(dir.path("g.csv")).unwrap(), "x,y\n2.0,1.0\n4.0,3.0\n");
    dir.ok(&["run", "v.scm", "--batch", "in.csv", "-o", "o.csv", "--grad", "g.csv"]);
    let text = fs::read_to_string(dir.path("g.csv")).unwrap();
    assert_eq!(
        text,
        "a/x,a/y,b/x[0],b/x[1],b/y[0],b/y[1]\n2.0,1.0,1.0,0.0,0.0,1.0\n4.0,3.0,1.0,0.0,0.0,1.0\n"
    );
    let args = ["run", "p.scm", "--batch", "in.csv", "-o", "o.csv", "--param", "x=2", "--grad", "h.csv"];
    assert!(dir.fails(2, &args).contains("with --param the file has to be an npz file"));
    let done = dir.nc(&[&args[..], &["--wrt", "y"]].concat());
    assert_eq!(done.stderr, "note: in.csv: x is left aside (p.scm takes y)\n");
    assert_eq!(fs::read_to_string(dir.path("h.csv")).unwrap(), "y\n2.0\n2.0\n");
    // Entries of one name would hide each other.
    fs::write(dir.path("c.scm"), "(values (a (* 2 b/c)) (a/b (* 3 c)))").unwrap();
    fs::write(dir.path("c.csv"), "b/c,c\n1,1\n").unwrap();
    let message = dir.fails(1, &["run", "c.scm", "--batch", "c.csv", "-o", "c.npz", "--grad", "d.npz"]);
    assert!(
        message.contains(r#"--grad: d.npz would have two arrays or columns called "a/b/c""#),
        "{message}"
    );
    fs::write(dir.path("c.scm"), "(values (a (make-rectangular b/c c)) (a.re c))").unwrap();
    let message = dir.fails(1, &["run", "c.scm", "--batch", "c.csv", "-o", "d.csv"]);
    assert!(message.contains(r#"called "a.re""#), "{message}");
}

#[test]
fn derivatives_of_every_kind() {
    let dir = Dir::new().with("in.csv", "x,y\n2,3\n-1,0.5\n");
    let at = ["--set", "x=2", "--set", "y=3"];
    let eval = |program: &str, more: &[&str]| {
        dir.json(&[&["eval", "-e", program, "--json"][..], &at, more].concat())
    };
    // x²y: gradient (2xy, x²), Hessian [[2y, 2x], [2x, 0]].
    let all = eval("(* x x y)", &["--grad", "--hessian", "--jvp", "x=1,y=-1", "--vjp", "-2"]);
    assert_eq!(all["value"], 12.0);
    assert_eq!(all["grad"], json!({ "x": 12.0, "y": 4.0 }));
    assert_eq!(all["hessian"], json!({ "x": { "x": 6.0, "y": 4.0 }, "y": { "x": 4.0, "y": 0.0 } }));
    assert_eq!((&all["jvp"], &all["vjp"]), (&json!(8.0), &json!({ "x": -24.0, "y": -8.0 })));
    assert_eq!(eval("(* x x y)", &["--hessian", "--wrt", "y"])["hessian"], json!({ "y": { "y": 0.0 } }));
    assert_eq!(eval("(* x x y)", &["--grad", "--wrt", "y,x"])["grad"].as_object().unwrap().len(), 2);
    let vector = dir.json(&[
        "eval",
        "-e",
        "(* s (dot v v))",
        "--set",
        "s=2",
        "--set",
        "v=[3,4]",
        "--hessian",
        "--json",
    ]);
    let expected = json!({
        "s": { "s": 0.0, "v": [6.0, 8.0] },
        "v": { "s": [6.0, 8.0], "v": [[4.0, 0.0], [0.0, 4.0]] },
    });
    assert_eq!(vector["hessian"], expected);
    let named = eval("(values (a (* x y)) (b [x y]))", &["--jvp", "x=1", "--vjp", "a=1,b=[0,10]"]);
    assert_eq!(named["jvp"], json!({ "a": 3.0, "b": [1.0, 0.0] }));
    assert_eq!(named["vjp"], json!({ "x": 3.0, "y": 12.0 }));
    // A top-level number that is set is differentiated by as well.
    let constant = dir.json(&[
        "eval",
        "-e",
        "(define k 2)(* k k x)",
        "--set",
        "x=3",
        "--set",
        "k=5",
        "--hessian",
        "--json",
    ]);
    assert_eq!(constant["hessian"]["k"], json!({ "k": 6.0, "x": 10.0 }));
    assert_snapshot!(dir.ok(&["eval", "-e", "(* x x y)", "--set", "x=2", "--set", "y=3", "--hessian", "--jvp", "y=1", "--vjp", "1"]), @"
    value         = 12
    d²/dxdx       = 6
    d²/dxdy       = 4
    d²/dydx       = 4
    d²/dydy       = 0
    d along --jvp = 4
    --vjp by x    = 12
    --vjp by y    = 4
    ");
    // The same of a batch, in every format.
    let run = |program: &str, more: &[&str]| {
        dir.ok(&[&["run", "-e", program, "--batch", "in.csv", "-o", "o.npy", "--grad"][..], more].concat())
    };
    run("(* x x y)", &["h.npy", "--hessian"]);
    assert_eq!(dir.npy("h.npy"), (vec![2, 2, 2], vec![6.0, 4.0, 4.0, 0.0, 1.0, -2.0, -2.0, 0.0]));
    run("(* x x y)", &["h.npz", "--hessian"]);
    assert_eq!(dir.npz("h.npz")["x/y"], (vec![2], vec![4.0, -2.0]));
    run("(* x x y)", &["h.csv", "--hessian"]);
    assert!(fs::read_to_string(dir.path("h.csv")).unwrap().starts_with("x/x,x/y,y/x,y/y\n6.0,4.0,4.0,0.0\n"));
    run("(* x x y)", &["j.npy", "--jvp", "x=1,y=-1"]);
    assert_eq!(dir.npy("j.npy"), (vec![2], vec![8.0, -2.0]));
    run("[(* x y) x]", &["j.npy", "--jvp", "y=1"]);
    assert_eq!(dir.npy("j.npy"), (vec![2, 2], vec![2.0, 0.0, -1.0, 0.0]));
    run("[(* x y) x]", &["w.npy", "--vjp", "[1,10]"]);
    assert_eq!(dir.npy("w.npy"), (vec![2, 2], vec![13.0, 2.0, 10.5, -1.0]));
    fs::write(dir.path("x.csv"), "x\n2\n-1\n").unwrap();
    let weighted =
        ["run", "-e", "[(* x y) x]", "--batch", "x.csv", "-o", "o.npy", "--grad", "w.npz", "--vjp", "[1,10]"];
    dir.ok(&[&weighted[..], &["--param", "y=2"]].concat());
    assert_eq!(dir.npz("w.npz")["y"], (vec![], vec![1.0]));
    run("(* x y)", &["g.npy", "--wrt", "y"]);
    assert_eq!(dir.npy("g.npy"), (vec![2, 1], vec![2.0, -1.0]));
    for (status, args, words) in [
        (1, &["--jvp", "z=1"][..], "--jvp: expression has no input `z`"),
        (1, &["--jvp", "x=[1,2]"], "--jvp: `x` is scalar, and its value is [2]"),
        (2, &["--jvp", "x=1,x=2"], "`x` is given twice"),
        (2, &["--jvp", "x=1", "--wrt", "y"], "none of the inputs to differentiate by"),
        (1, &["--vjp", "a=1"], "--vjp: expression has no result `a`"),
        (1, &["--vjp", "[1,2]"], "--vjp: `value` is scalar, and its value is [2]"),
        (1, &["--grad", "--wrt", "z"], "--wrt: expression has no input `z`"),
        (2, &["--wrt", "x"], "--grad, --hessian, --jvp or --vjp say which"),
    ] {
        let message = dir.fails(status, &[&["eval", "-e", "(* x y)"][..], &at, args].concat());
        assert!(message.contains(words), "{message}");
    }
    let run = ["run", "-e", "(* x y)", "--batch", "in.csv", "-o", "o2.npy"];
    for (args, words) in [
        (&["--hessian"][..], "--hessian: --grad has to say where"),
        (&["--wrt", "x"], "--wrt: --grad has to say where"),
        (&["--grad", "n.npy", "--hessian", "--jvp", "x=1"], "a run computes one kind"),
    ] {
        assert!(dir.fails(2, &[&run[..], args].concat()).contains(words), "{words}");
    }
}

#[test]
fn limits_say_how_they_are_raised() {
    let dir = Dir::new().with("n.csv", "n\n100\n");
    let loops = "(let l ((i 0)) (if (= i n) i (l (+ i 1))))";
    let recursive = "(letrec ((f (lambda (n) (if (= n 0) 0 (+ 1 (f (- n 1))))))) (f n))";
    for (option, program) in [("--max-iterations", loops), ("--max-steps", loops), ("--max-depth", recursive)]
    {
        let words = format!("{option} N raises the limit");
        let message = dir.fails(1, &["eval", "-e", program, "--set", "n=100", option, "5"]);
        assert!(message.contains(&words), "{message}");
        let message = dir.fails(1, &["run", "-e", program, "--batch", "n.csv", option, "5"]);
        assert!(message.contains(&words), "{message}");
    }
    let large = ["eval", "-e", "(ref (* x (ones 1000000)) 3)", "--set", "x=1", "--memory", "1"];
    assert!(dir.fails(1, &large).contains("on the command line `--memory MIB`"));
}

#[test]
fn time_is_limited() {
    let dir = Dir::new().with("x.csv", "x\n1\n2\n");
    // Neither ends before steps of more than a century have been taken.
    let loops = "(loop ((y x)) (if (< y 0) y (recur (sqrt y))))";
    let recursive = "(define (f n) (if (< n 2) n (+ (f (- n 1)) (f (- n 2))))) (f (* x 300))";
    let limits = [
        "--max-iterations",
        "1000000000000000000",
        "--max-steps",
        "1000000000000000000",
        "--time-limit",
        "0.1",
    ];
    for program in [loops, recursive] {
        for derivative in [&[][..], &["--grad"]] {
            let args = [&["eval", "-e", program, "--set", "x=1"], derivative, &limits].concat();
            let message = dir.fails(1, &args);
            assert!(
                message.contains("the time limit is over") && message.contains("--time-limit"),
                "{message}"
            );
        }
        let run = ["run", "-e", program, "--batch", "x.csv", "-o", "o.npy", "--grad", "g.npz"];
        let message = dir.fails(1, &[&run[..], &limits].concat());
        assert!(message.contains("the time limit is over"), "{message}");
        assert_eq!(dir.files(), ["x.csv"]);
    }
    // What ends in time does not notice.
    assert_eq!(dir.ok(&["eval", "-e", "(+ 1 2)", "--time-limit", "100"]), "value = 3\n");
    for wrong in ["0", "-1", "nan", "inf", "soon"] {
        assert!(
            dir.fails(2, &["eval", "-e", "1", &format!("--time-limit={wrong}")]).contains("--time-limit"),
            "{wrong}"
        );
    }
}

#[test]
fn pages_of_primitives() {
    let dir = Dir::new();
    let page = dir.ok(&["ops", "sqrt"]);
    assert!(page.starts_with("sqrt\n  what it is  ") && page.lines().count() < 12, "{page}");
    assert_eq!(dir.json(&["ops", "sqrt", "--json"])[0]["name"], "sqrt");
    let vectors = dir.json(&["ops", "--family", "vector", "--json"]);
    assert!(vectors.as_array().unwrap().iter().all(|entry| entry["family"] == "vector"));
    let found = dir.json(&["ops", "--find", "ROOT", "--json"]);
    assert!(found.as_array().unwrap().iter().any(|entry| entry["name"] == "cbrt"), "{found}");
    assert!(dir.fails(1, &["ops", "sqrtt"]).contains("is it `sqrt`?"));
    assert!(dir.fails(1, &["ops", "--family", "none"]).contains("there are arithmetic"));
}

#[cfg(unix)]
#[test]
fn readers_that_have_had_enough() {
    let rows: String = (0..200_000).map(|k| format!("{k},1\n")).collect();
    let dir = product().with("long.csv", format!("x,y\n{rows}"));
    let script = "set -o pipefail; nc run p.scm --batch long.csv | head -1";
    assert_eq!(shell(&dir, script), (Some(0), "value\n".into(), String::new()));
    let (status, _, err) = shell(&dir, "nc run p.scm --batch long.csv > /dev/full");
    assert_eq!(status, Some(1));
    assert!(err.starts_with("error: cannot write to standard output: No space left"), "{err}");
}

#[cfg(unix)]
#[test]
fn files_beyond_the_limit_of_their_size() {
    let rows: String = (0..20_000).map(|k| format!("{k},1\n")).collect();
    let dir = product().with("long.csv", format!("x,y\n{rows}"));
    for name in ["o.npy", "o.npz", "o.csv"] {
        let script = format!("ulimit -f 16; nc run p.scm --batch long.csv -o {name}");
        let (status, _, err) = shell(&dir, &script);
        assert_eq!(status, Some(1), "{name}: {err}");
        assert!(
            err.starts_with(&format!("error: {name}: cannot ")) && err.lines().count() == 1,
            "{name}: {err}"
        );
        assert_eq!(dir.files(), ["in.csv", "long.csv", "p.scm"], "{name}");
    }
}

#[cfg(unix)]
#[test]
fn signals_leave_nothing_behind() {
    let dir = product();
    // A row that takes for ever, once its files have been begun.
    fs::write(dir.path("slow.scm"), "; nc: --max-iterations 1000000000000 --max-steps 1000000000000\n(let l ((i x)) (if (< i 0) i (l (+ i 1))))").unwrap();
    let before = dir.files();
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_nc"))
            .args([
                "run",
                "slow.scm",
                "--batch",
                "in.csv",
                "-o",
                "o.npy",
                "--grad",
                "g.npz",
                "--threads",
                "1",
            ])
            .current_dir(dir.path("."))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let unfinished = || dir.files().iter().filter(|name| name.ends_with(".part")).count();
        let start = std::time::Instant::now();
        while unfinished() < 2 {
            assert!(start.elapsed().as_secs() < 60, "no files");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let kill = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(kill.unwrap().success());
        assert!(!child.wait().unwrap().success());
        if signal == "KILL" {
            // Nobody can do anything then; the next one sweeps.
            assert_eq!(unfinished(), 2);
            dir.ok(&["run", "p.scm", "--batch", "in.csv", "-o", "o.npy"]);
            fs::remove_file(dir.path("o.npy")).unwrap();
        }
        assert_eq!(dir.files(), before, "{signal}");
    }
}

#[test]
fn names_do_not_steer_the_terminal() {
    let dir =
        Dir::new().with("a\u{1b}[31m.csv", "x\n1\n").with("evil\u{202e}mcs.scm", "(foo\u{1b}[2J x\u{2066})");
    let calls: [&[&str]; 6] = [
        &["run", "-e", "(+ y 1)", "--batch", "a\u{1b}[31m.csv"],
        &["run", "evil\u{202e}mcs.scm", "--batch", "none.csv"],
        &["check", "evil\u{202e}mcs.scm"],
        &["check", "evil\u{202e}mcs.scm", "--json"],
        &["eval", "-e", "(+ x\u{1b}[31m 1)", "--set", "x\u{1b}[31m=\u{202e}"],
        &["eval", "-e", "(values (a\u{202e} 1) (b 2))"],
    ];
    for args in calls {
        let done = dir.nc(args);
        let text = done.stdout + &done.stderr;
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2066}']), "{args:?}: {text:?}");
        assert!(text.contains("\\u{1b}") || text.contains("\\u{202e}") || text.contains("\\u202e"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn absurd_numbers_of_threads() {
    let dir = product();
    for asked in ["1000000", "99999999999999999999"] {
        let (status, out, err) =
            shell(&dir, &format!("RAYON_NUM_THREADS={asked} nc run p.scm --batch in.csv"));
        assert_eq!((status, out.as_str()), (Some(0), "value\n2.0\n12.0\n"));
        assert!(err.starts_with("note: RAYON_NUM_THREADS: at most 1024 threads"), "{err}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn links_to_what_has_no_end() {
    let dir = product();
    for name in ["in.npy", "zero.csv", "zero.npz"] {
        std::os::unix::fs::symlink("/dev/zero", dir.path(name)).unwrap();
        let message = dir.fails(1, &["run", "p.scm", "--batch", name]);
        assert!(message.contains("it is a device, which may have no end"), "{message}");
    }
    let (status, _, err) = shell(&dir, "yes 1,2 | nc run p.scm --batch - --format csv --batch-memory 8");
    assert_eq!(status, Some(1));
    assert!(err.contains("8388608 are allowed") && err.contains("--batch-memory MIB"), "{err}");
}

#[test]
fn gradients_by_parameters_with_failed_rows() {
    let dir = Dir::new().with("in.csv", "i\n0\n1\n7\n").with("missing.csv", "i\n0\nNA\n1\n");
    let run = |batch: &str, more: &[&str]| {
        let call = [
            "run",
            "-e",
            "(* k (ref [10 20] i))",
            "--batch",
            batch,
            "--param",
            "k=1",
            "-o",
            "o.npy",
            "--grad",
            "g.npz",
            "--wrt",
            "k",
        ];
        dir.nc(&[&call[..], more].concat())
    };
    let gradient = || dir.npz("g.npz")["k"].1[0];
    let done = run("in.csv", &["--keep-going"]);
    assert_eq!(done.status, 1);
    assert!(gradient().is_nan());
    assert!(
        done.stderr.contains("gradients by parameters are NaN too: --skip-failed sums them"),
        "{}",
        done.stderr
    );
    let done = run("in.csv", &["--keep-going", "--skip-failed"]);
    assert_eq!((done.status, gradient()), (1, 30.0));
    assert!(done.stderr.contains("gradients by parameters are sums without 1 row"), "{}", done.stderr);
    let done = run("missing.csv", &["--keep-going", "--skip-failed", "--missing", "fail-row", "--json"]);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(
        (report["failed"].clone(), report["rows"].clone(), report["summed_rows"].clone()),
        (1.into(), 3.into(), 2.into())
    );
    assert_eq!(report["failures"][0]["row"], 1);
    assert_eq!(gradient(), 30.0);
    let values = dir.npy("o.npy").1;
    assert!(values[0] == 10.0 && values[1].is_nan() && values[2] == 20.0, "{values:?}");
    dir.fails(2, &["run", "-e", "x", "--batch", "in.csv", "--skip-failed"]);
}

#[test]
fn derivatives_that_are_not_finite_are_explained() {
    let deviation = "(let ((m (/ (vsum v) 2))) (sqrt (/ (dot (- v m) (- v m)) 2)))";
    let dir = Dir::new().with("std.scm", deviation).with("v.csv", "v[0],v[1]\n1,1\n1,2\n3,3\n");
    let done = dir.nc(&["eval", "std.scm", "--set", "v=[1,1]", "--grad"]);
    assert_eq!(done.status, 0);
    assert!(done.stdout.contains("d/dv  = [NaN, NaN]"), "{}", done.stdout);
    assert!(done.stderr.contains("[singular-derivative] Warning: `sqrt` has no finite derivative (x = 0)"));
    assert!(done.stderr.contains("std.scm:1:27"), "{}", done.stderr);
    assert_eq!(dir.nc(&["eval", "std.scm", "--set", "v=[1,2]", "--grad"]).stderr, "");
    assert_eq!(dir.nc(&["eval", "std.scm", "--set", "v=[1,1]"]).stderr, "");
    let done = dir.nc(&["eval", "std.scm", "--set", "v=[1,1]", "--grad", "--json"]);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((report["note"]["op"].clone(), report["note"]["start"].clone()), ("sqrt".into(), 26.into()));
    // No operation is to blame where a product overflows.
    let done = dir.nc(&["eval", "-e", "(exp (* 800 x))", "--set", "x=1", "--grad"]);
    assert!(done.stderr.contains("a derivative is not finite, although every operation has one here"));
    let run = |more: &[&str]| {
        let call =
            ["run", "std.scm", "--inputs", "v[2]", "--batch", "v.csv", "-o", "o.npy", "--grad", "g.npz"];
        dir.nc(&[&call[..], more].concat())
    };
    let done = run(&[]);
    assert_eq!(done.status, 0);
    assert!(done.stderr.contains("rows 0, 2: `sqrt` has no finite derivative (x = 0)"), "{}", done.stderr);
    assert!(
        done.stderr.ends_with(
            "2 of 3 rows with a derivative that is not finite (rows count from 0); their values count\n"
        ),
        "{}",
        done.stderr
    );
    let report: Value = serde_json::from_str(&run(&["--json"]).stdout).unwrap();
    assert_eq!((report["noted"].clone(), report["notes"][1]["row"].clone()), (2.into(), 2.into()));
}

/// Messages show the place and nothing else of it, whatever the message says, how many lines are above and how lines end.
#[test]
fn excerpts_wherever_they_are() {
    let far = "; a line\n".repeat(150_000) + "(begin 1 2)";
    let dir = Dir::new()
        .with("expression", "(begin 1 2)")
        .with("far.scm", far)
        .with("crlf.scm", "(+ 1\r\n   (sine x))\r\n");
    let message = dir.fails(1, &["check", "expression"]);
    assert!(message.contains("takes one expression: nothing but the last could matter\n"), "{message}");
    assert!(message.contains("╭─[ expression:1:1 ]"), "{message}");
    let message = dir.fails(1, &["check", "far.scm"]);
    assert!(message.contains("╭─[ far.scm:150001:1 ]"), "{message}");
    assert!(message.contains("150001 │ (begin 1 2)"), "{message}");
    let message = dir.fails(1, &["check", "crlf.scm"]);
    assert!(message.contains("╭─[ crlf.scm:2:5 ]") && message.contains("2 │    (sine x))\n"), "{message:?}");
}

#[test]
fn advice_that_leads_on() {
    let dir = Dir::new().with("v.scm", "(dot r r)").with("f.nci", "a = 2\nb = 3;\na*b");
    // A formula that was read as a name.
    for call in [&["eval", "-e", "m*v^2/2", "--set", "m=2"][..], &["eval", "-e", "m*v^2/2"]] {
        let message = dir.fails(1, call);
        assert!(message.contains("with `--dialect infix` it is a formula"), "{message}");
    }
    let message = dir.fails(1, &["check", "v.scm"]);
    assert!(
        message.contains("the input `r` is a scalar") && message.contains("--inputs 'r[3]'"),
        "{message}"
    );
    let message = dir.fails(1, &["check", "f.nci"]);
    assert!(message.contains("a statement ends with `;`"), "{message}");
    let message = dir.fails(1, &["eval", "-e", "sin x", "--dialect", "infix"]);
    assert!(message.contains("a call is written `sin(x)`"), "{message}");
    let message = dir.fails(1, &["eval", "-e", "(vsum (slice [1 2 3] 2 1))"]);
    assert!(message.contains("slice to 1: it ends before an index from 3 to 3"), "{message}");
    let message = dir.fails(1, &["eval", "-e", "(vsum (zeros 1e300))"]);
    assert!(message.contains("size 1e300"), "{message}");
    let message = dir.fails(2, &["ir", "v.scm", "--stage", "graph", "--grad"]);
    assert!(message.contains("--grad: this stage has no derivatives"), "{message}");
    let text = dir.ok(&["ir", "v.scm", "--stage", "ast", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["text"], "(dot r r)\n");
    // Over the extended numbers the logarithm of 0 is a value, and that of a negative number is none.
    let over = |x: &str| {
        let set = format!("x={x}");
        dir.nc(&["eval", "-e", "eml(1,x)", "--dialect", "eml", "--over", "extended", "--set", &set])
    };
    assert_eq!((over("0").status, over("0").stderr), (0, String::new()));
    let done = over("-1");
    assert!(done.status == 1 && done.stderr.contains("[no-value]"), "{}", done.stderr);
    let at = dir.nc(&["eml", "eval", "-e", "eml(1,x)", "--over", "extended", "--at", "x=-1"]);
    assert!(at.status == 1 && at.stderr.contains("[no-value]"), "{}", at.stderr);
    let dir = dir.with("points.csv", "x\n0\n-1\n2\n-3\n");
    let run = |more: &[&str]| {
        let args =
            ["run", "-e", "eml(1,x)", "--dialect", "eml", "--over", "extended", "--batch", "points.csv"];
        dir.nc(&[&args, more].concat())
    };
    let done = run(&["-o", "values.csv"]);
    assert!(done.status == 1 && !dir.path("values.csv").exists(), "{}", done.stderr);
    assert!(done.stderr.contains("rows 1, 3: the tree has no value here"), "{}", done.stderr);
    assert!(done.stderr.contains("2 of 4 rows without a value"), "{}", done.stderr);
    let done = run(&["-o", "values.csv", "--keep-going"]);
    let text = fs::read_to_string(dir.path("values.csv")).unwrap();
    assert_eq!((done.status, text.as_str()), (1, "value\ninf\nNaN\n2.0251346478990997\nNaN\n"));
    let json: Value = serde_json::from_str(&run(&["--json", "--grad", "slopes.csv"]).stdout).unwrap();
    assert_eq!(json["without_value"], serde_json::json!({ "rows": 2, "first": [1, 3] }));
}

#[test]
fn values_that_are_no_numbers_are_explained() {
    let dir = Dir::new();
    for (program, blamed) in [("(log x)", "log"), ("(log1p (* 2 x))", "log1p"), ("(atanh (- x 1))", "atanh")]
    {
        let done = dir.nc(&["eval", "-e", program, "--set", "x=-1", "--grad"]);
        let warning = format!("[outside-domain] Warning: `{blamed}` is outside its safe domain");
        assert!(done.status == 0 && done.stderr.contains(&warning), "{program}: {}", done.stderr);
        let done = dir.nc(&["eval", "-e", program, "--set", "x=-1", "--json"]);
        let report: Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(
            (&report["note"]["code"], &report["note"]["op"]),
            (&"outside-domain".into(), &blamed.into())
        );
        // A NaN that was given is no surprise.
        assert_eq!(dir.nc(&["eval", "-e", program, "--set", "x=nan"]).stderr, "");
    }
    // Numbers beyond all others are refused rather than taken for infinity.
    for set in ["x=1e400", "x=-1e999", "x=[1,1e400]", "x=1+1e400i"] {
        let done = dir.nc(&["eval", "-e", "(* x 2)", "--set", set]);
        assert!(done.status == 2 && done.stderr.contains("infinity is written `inf`"), "{}", done.stderr);
    }
    assert!(dir.nc(&["eval", "-e", "(* x 2)", "--set", "x=inf"]).stdout.contains("inf"));
}

#[test]
fn expressions_stand_for_programs_in_every_command() {
    let dir = Dir::new();
    let done = dir.nc(&["check", "-e", "(/ 1 x)"]);
    assert!(
        done.status == 0 && done.stdout.starts_with("expression: ok\n"),
        "{}{}",
        done.stdout,
        done.stderr
    );
    let done = dir.nc(&["ir", "-e", "(* x x)", "--stage", "graph"]);
    assert!(done.stdout.contains("mul x, x"), "{}{}", done.stdout, done.stderr);
    let done = dir.nc(&["bench", "-e", "(* x x)", "--batch-size", "16", "--json"]);
    assert!(done.stdout.contains("\"program\":\"expression\""), "{}{}", done.stdout, done.stderr);
    assert_eq!(dir.nc(&["check"]).status, 2);
    // A function's name that is no call is an input, and the message says what a call looks like.
    let done = dir.nc(&["eval", "--dialect", "infix", "-e", "sin[x]", "--set", "x=1"]);
    assert!(done.stderr.contains("`sin` as a function is called: sin(…)"), "{}", done.stderr);
}

/// What fails in the library is said of the call in the program.
#[test]
fn rows_that_fail_in_the_library_name_the_call() {
    let dir = Dir::new().with("c.csv", "n\n2.5\n").with("sum.scm", "; sums\n(* 2 (sum n (lambda (k) k)))\n");
    let done = dir.nc(&["eval", "sum.scm", "--set", "n=2.5"]);
    assert!(done.status == 1 && done.stderr.contains("sum.scm:2:6"), "{}", done.stderr);
    for tier in ["auto", "interpret"] {
        let done = dir.nc(&["run", "sum.scm", "--batch", "c.csv", "-o", "o.npy", "--tier", tier]);
        assert!(done.status == 1 && done.stderr.contains("sum.scm:2:6"), "{tier}: {}", done.stderr);
    }
    let done = dir.nc(&["eval", "-e", "(+ 1 (interpolate [0 1] [1 2] x))", "--set", "x=3", "--check-domain"]);
    assert!(done.stderr.contains("expression:1:6"), "{}", done.stderr);
}

/// A sum of two sums of two sums, and so on.
#[cfg(target_os = "linux")]
fn balanced(depth: usize) -> String {
    (0..depth).fold("x".to_string(), |part, _| format!("(+ {part} {part})"))
}

/// A program of many tokens, parentheses among them, is checked in an address space that allows so many bytes for each beside
/// what the process needs anyway.
#[cfg(target_os = "linux")]
#[test]
fn memory_of_long_programs() {
    // Above a power of two: what grows by doubling has the most room to spare.
    let count = 600_000;
    let nested = format!("{}x{} ", "(+ 1 ".repeat(50), ")".repeat(50));
    let distinct: Vec<String> = (0..count / 2).map(|k| (10_000_000 + 37 * k).to_string()).collect();
    let programs = [
        ("numbers.scm", format!("(+ {})", "1 ".repeat(count))),
        ("names.scm", format!("(+ {})", "x ".repeat(count))),
        ("calls.scm", format!("(+ {})", "(* x y) ".repeat(count / 5))),
        ("functions.scm", format!("(+ {})", "(sin (cos x)) ".repeat(count / 7))),
        ("nested.scm", format!("(+ {})", nested.repeat(count / 201))),
        ("balanced.scm", balanced(17)),
        ("sum.nci", distinct.join(" + ")),
        ("names.nci", vec!["x"; count / 2].join(" + ")),
        ("nested.nci", vec![format!("{}x{}", "(1 + ".repeat(50), ")".repeat(50)); count / 202].join(" + ")),
    ];
    let dir = programs.iter().fold(Dir::new(), |dir, (name, text)| dir.with(name, text));
    let dir = dir.with("short.scm", "(+ 1 x)");
    let within = |program: &str, kib: usize| {
        let script = format!("ulimit -v {kib}; exec \"$0\" check {program}");
        let mut command = Command::new("sh");
        command
            .args(["-c", &script, env!("CARGO_BIN_EXE_nc")])
            .current_dir(dir.path(""))
            .env("RAYON_NUM_THREADS", "1")
            // Further arenas of the allocator reserve addresses that nothing is at.
            .env("MALLOC_ARENA_MAX", "1");
        let done = command.output().unwrap();
        done.status.success()
    };
    // What a short program needs, to 1 MiB.
    let (mut too_little, mut enough) = (0, 1 << 20);
    while enough - too_little > 1 << 10 {
        let middle = (too_little + enough) / 2;
        if within("short.scm", middle) { enough = middle } else { too_little = middle }
    }
    for (program, text) in &programs {
        let tokens = text.replace('(', " ( ").replace(')', " ) ").split_whitespace().count();
        assert!(within(program, enough + 100 * tokens / 1024), "{program}: more than 100 bytes a token");
    }
}
