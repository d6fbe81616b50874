//! `nc ode`, and what docs/trajectories.md says of it.

use std::fs;

use serde_json::Value;

use crate::tutorials::{folder, prints_what_it_says};

#[test]
fn the_tutorial_prints_what_it_says() {
    let dir = folder("trajectories");
    prints_what_it_says("docs/trajectories.md", &dir, 9);
    for picture in ["swing.svg", "phase.svg", "animals.svg"] {
        assert!(fs::read_to_string(dir.path(picture)).unwrap().contains("</svg>"), "{picture}");
    }
    let table = fs::read_to_string(dir.path("swing.csv")).unwrap();
    assert_eq!((table.lines().next(), table.lines().count()), (Some("t,theta,omega"), 202));
}

#[test]
fn a_report_in_json() {
    let dir = folder("trajectories");
    let json = |args: &[&str]| -> Value { serde_json::from_str(&dir.ok(args)).unwrap() };
    let pendulum = [
        "ode",
        "pendulum.scm",
        "--state",
        "theta=1,omega=0",
        "--param",
        "k=9.81,b=0",
        "--t",
        "0:10:0.5",
        "--json",
    ];
    let report = json(&pendulum);
    assert_eq!(report["t"].as_array().unwrap().len(), 21);
    assert_eq!(report["states"]["omega"].as_array().unwrap().len(), 21);
    assert_eq!((&report["method"], &report["stiff"]), (&"dop853".into(), &false.into()));
    for key in ["steps", "rejected", "evaluations"] {
        assert!(report[key].is_u64(), "{key}");
    }
    assert!(report["events"].as_array().unwrap().is_empty());
    for more in [["--threads", "1"], ["--tier", "cranelift"], ["--tier", "interpret"]] {
        assert_eq!(json(&[&pendulum[..], &more].concat()), report, "{more:?}");
    }
    let stiff = json(&[
        "ode",
        "van-der-pol.scm",
        "--state",
        "x=2,v=0",
        "--param",
        "mu=1000",
        "--t",
        "0,2000",
        "--json",
    ]);
    assert_eq!((&stiff["method"], &stiff["stiff"]), (&"rodas5p".into(), &true.into()));
    // Batches go to files.
    fs::write(dir.path("starts.csv"), "mu,x\n1,2\n5,2\n100,2\n").unwrap();
    let batch = [
        "ode",
        "van-der-pol.scm",
        "--state",
        "x=0,v=0",
        "--param",
        "mu=0",
        "--t",
        "0:10:1",
        "--batch",
        "starts.csv",
    ];
    let report = json(&[&batch[..], &["-o", "out.npz", "--json"]].concat());
    assert_eq!((&report["rows"], &report["times"]), (&3.into(), &11.into()));
    assert!(report["broken"].as_array().unwrap().is_empty());
    let table = dir.nc(&batch).stdout;
    assert_eq!((table.lines().next(), table.lines().count()), (Some("row,t,x,v"), 34));
}

#[test]
fn what_goes_wrong() {
    let dir = folder("trajectories");
    let run = |args: &str| {
        let args: Vec<&str> = args.split_whitespace().collect();
        dir.nc(&args)
    };
    for (args, status, words) in [
        ("ode -e x --state x=0 --t 0:1 --batch nowhere.csv", 1, "nowhere.csv"),
        ("ode pendulum.scm --state theta=1 --param k=1,b=0 --t 0:1", 1, "takes `omega`"),
        ("ode pendulum.scm --state theta=1,omega=0 --param k=1 --t 0:1", 1, "takes `b`, which is no state"),
        ("ode pendulum.scm --state theta=1,omega=0 --param k=1,b=0,c=3 --t 0:1", 1, "has no input `c`"),
        (
            "ode pendulum.scm --state theta=1,omega=0 --param k=1,b=0 --t 1:0:0.1",
            2,
            "no step of 0.1 leads from 1 to 0",
        ),
        ("ode pendulum.scm --state theta=1,omega=0 --param k=1,b=0 --t 0:1 --method rk4", 2, "--step"),
        (
            "ode pendulum.scm --state theta=1,omega=0 --param k=1,b=0 --t 0:1 --step 0.1",
            2,
            "finds the lengths of its steps",
        ),
        (
            "ode pendulum.scm --state theta=1,omega=0 --param k=1,b=0 --t 0:1 -o pendulum.scm",
            2,
            "would replace the program",
        ),
        ("ode pendulum.scm --state theta=1,omega=0 --param k=1,b=0 --t 0:1 --plot a.pdf", 2, ".svg or .png"),
        (
            "ode pendulum.scm --state theta=1,omega=0 --param k=1,b=0 --t 0:1 --grad q",
            1,
            "neither a state nor a parameter",
        ),
        ("ode pendulum.scm --state theta=1,omega=0 --param k=1,b=0 --t 0:1 --event nope", 1, "nope"),
    ] {
        let done = run(args);
        assert_eq!(done.status, status, "{args}: {}", done.stderr);
        assert!(done.stderr.contains(words), "{args}: {}", done.stderr);
    }
    // Where a trajectory ends too early: the place in the program, and what there is so far.
    let done = dir.nc(&["ode", "-e", "(sqrt (- 1 t))", "--state", "x=0", "--t", "0:2:0.5"]);
    assert_eq!(done.status, 1);
    assert!(done.stderr.contains("sqrt` is outside its safe domain"), "{}", done.stderr);
    assert!(done.stdout.starts_with("t,x\n0.0,0.0\n0.5,0.43096"), "{}", done.stdout);
    let report = dir.nc(&["ode", "-e", "(sqrt (- 1 t))", "--state", "x=0", "--t", "0:2:0.5", "--json"]);
    let report: Value = serde_json::from_str(&report.stdout).unwrap();
    assert!((report["broken"]["t"].as_f64().unwrap() - 1.0).abs() < 1e-9);
    // A stiff problem under an explicit method says so.
    let done = dir.nc(&[
        "ode",
        "van-der-pol.scm",
        "--state",
        "x=2,v=0",
        "--param",
        "mu=1000",
        "--t",
        "0,1",
        "--method",
        "dop853",
    ]);
    assert!(done.status == 0 && done.stderr.contains("the equation is stiff"), "{}", done.stderr);
}

/// Constants and start of Lotka and Volterra's equations from noisy counts, from a start that is far off, in several ways of writing them.
#[test]
fn constants_from_a_trajectory() {
    let dir = folder("trajectories");
    let fit = |more: &[&str]| -> Value {
        let args = [
            "fit",
            "--ode",
            "lotka-volterra.scm",
            "--data",
            "animals.csv",
            "--state",
            "x=4,y=1",
            "--starts",
            "2",
            "--json",
        ];
        serde_json::from_str(&dir.ok(&[&args[..], more].concat())).unwrap()
    };
    let report = fit(&["--observe", "x,y", "--fit-start", "--param", "alpha=0.5", "--sigma", "0.05"]);
    assert_eq!(report["converged"], true, "{report}");
    assert_eq!(report["dof"], 122 - 6);
    for (name, truth) in
        [("alpha", 1.0), ("beta", 0.5), ("gamma", 0.5), ("delta", 0.25), ("x", 4.0), ("y", 1.0)]
    {
        let estimate = &report["parameters"][name];
        let (value, stderr) = (estimate["value"].as_f64().unwrap(), estimate["stderr"].as_f64().unwrap());
        assert!((value - truth).abs() < 3.5 * stderr && stderr < 0.02 * truth, "{name}: {estimate}");
    }
    // With both starts held, and from one of the two alone.
    let held = fit(&["--observe", "y", "--tie", "delta=(* 0.5 beta)"]);
    assert_eq!(held["parameters"]["x"]["value"], 4.0);
    assert!((held["parameters"]["gamma"]["value"].as_f64().unwrap() - 0.5).abs() < 0.03);
    for (args, words) in [
        (vec!["--observe", "z"], "`z` is observed and is no state"),
        (vec!["--observe", "x=z"], "there is no column"),
        (vec!["--observe", "x=t,w=y"], "`w` is observed and is no state"),
        (vec!["--observe", "x", "--time", "x"], "times have to grow, or to fall"),
        (vec!["--observe", "x", "--sigma", "0"], "one number above 0"),
    ] {
        let all = ["fit", "--ode", "lotka-volterra.scm", "--data", "animals.csv", "--state", "x=4,y=1"];
        let done = dir.nc(&[&all[..], &args].concat());
        assert!(done.status != 0 && done.stderr.contains(words), "{args:?}: {}", done.stderr);
    }
}
