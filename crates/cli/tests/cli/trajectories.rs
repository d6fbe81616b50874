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
    let batch = ["ode", "van-der-pol.scm", "--state", "x=0,v=0", "--t", "0:10:1", "--batch", "starts.csv"];
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
        (
            vec!["--observe", "x", "--time", "x"],
            "times of a trajectory grow, or fall, throughout, and that of row 6",
        ),
        (
            vec!["--observe", "x", "--time", "x"],
            "--experiment COLUMN says which column tells several experiments apart; there is: t, y",
        ),
        (
            vec!["--observe", "x", "--param", "alpha=1,beta=2"],
            "one parameter in each: --param a=1 --param b=2",
        ),
        (vec!["--observe", "x", "--sigma", "0"], "one number above 0"),
        (vec!["--observe", "x,y", "--sigma", "x=0.1"], "there is none for `y`"),
        (vec!["--observe", "x", "--experiment", "z"], "--experiment: there is no column"),
        (vec!["--observe", "x", "--given", "alpha=y"], "it has to be one number in each"),
        (
            vec!["--observe", "x", "--given", "x=y", "--param", "x=4"],
            "--param or --fix says where `x` starts, too",
        ),
    ] {
        let all = ["fit", "--ode", "lotka-volterra.scm", "--data", "animals.csv", "--state", "x=4,y=1"];
        let done = dir.nc(&[&all[..], &args].concat());
        assert!(done.status != 0 && done.stderr.contains(words), "{args:?}: {}", done.stderr);
    }
}

/// A ball between two walls, of which the first takes half of its speed.
#[test]
fn several_events_at_once() {
    let dir = folder("trajectories");
    let ball = [
        "ode",
        "-e",
        "(values (x v) (v 0))",
        "--state",
        "x=0.25,v=1",
        "--t",
        "0:10:5",
        "--event",
        "x",
        "--event",
        "(- x 1)",
        "--jump",
        "1:v=(* -0.5 v)",
        "--jump",
        "2:v=(- v)",
        "--json",
    ];
    let json =
        |more: &[&str]| -> Value { serde_json::from_str(&dir.ok(&[&ball[..], more].concat())).unwrap() };
    let events = |report: &Value| -> Vec<(u64, f64, f64)> {
        let events = report["events"].as_array().unwrap().iter();
        let of = |event: &Value| {
            let (number, t, v) = (&event["event"], &event["t"], &event["states"]["v"]);
            (number.as_u64().unwrap(), t.as_f64().unwrap(), v.as_f64().unwrap())
        };
        events.map(of).collect()
    };
    let expected = [(2, 0.75, 1.0), (1, 1.75, -1.0), (2, 3.75, 0.5), (1, 5.75, -0.5), (2, 9.75, 0.25)];
    let found = events(&json(&[]));
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        let near = (found.1 - expected.1).abs() < 1e-12 && (found.2 - expected.2).abs() < 1e-12;
        assert!(found.0 == expected.0 && near, "{found:?}, not {expected:?}");
    }
    // The first of one kind, and the first of all.
    let at_wall = json(&["--stop=1"]);
    assert_eq!(events(&at_wall).len(), 2);
    assert!((at_wall["end"].as_f64().unwrap() - 1.75).abs() < 1e-12, "{at_wall}");
    let at_any = json(&["--stop"]);
    assert!((at_any["end"].as_f64().unwrap() - 0.75).abs() < 1e-12, "{at_any}");
    for (more, words) in [
        (["--jump", "v=v"], "K:NAME=EXPR says at which of them"),
        (["--jump", "3:v=v"], "there is no event 3"),
        (["--stop=3", "--threads=1"], "there is no event 3"),
        (["--jump", "x:v=v"], "K:NAME=EXPR"),
    ] {
        let done = dir.nc(&[&ball[..ball.len() - 1], &more].concat());
        assert!(done.status == 2 && done.stderr.contains(words), "{more:?}: {}", done.stderr);
    }
}

/// Decay into a second state from two starts: numbers that are missing, and some that were measured twice.
#[test]
fn several_experiments_in_one_file() {
    let dir = folder("trajectories");
    let k = 0.7_f64;
    let mut table = "run,t,x0,x,y,dx\n".to_owned();
    for (run, start, times) in
        [("hot", 2.0, vec![0.0, 0.5, 0.5, 1.0, 2.0]), ("cold", 0.5, vec![0.0, 1.0, 3.0])]
    {
        for (row, t) in times.iter().enumerate() {
            let x = start * (-k * t).exp();
            let y = if row % 2 == 0 { String::new() } else { format!("{:?}", 0.1 + start - x) };
            table += &format!("{run},{t},{start},{x:?},{y},{}\n", 0.01 * (1.0 + t));
        }
    }
    fs::write(dir.path("runs.csv"), table).unwrap();
    let program = "(values (x (* -1 k x)) (y (* k x)))";
    let fit = |more: &[&str]| -> Value {
        let args = [
            "fit",
            "-e",
            program,
            "--ode",
            "--data",
            "runs.csv",
            "--experiment",
            "run",
            "--observe",
            "x,y",
            "--starts",
            "1",
            "--json",
        ];
        // Notes go to standard error.
        let done = dir.nc(&[&args[..], more].concat());
        assert_eq!(done.status, 0, "{}", done.stderr);
        serde_json::from_str(&done.stdout).unwrap()
    };
    let value = |report: &Value, name: &str| report["parameters"][name]["value"].as_f64().unwrap();
    // Starts from the file, and the other one common to both.
    let report = fit(&["--state", "x=1,y=0.1", "--given", "x=x0"]);
    assert!((value(&report, "k") - k).abs() < 1e-9, "{report}");
    assert_eq!((&report["rows"], &report["dof"]), (&8.into(), &(8 + 3 - 1).into()));
    // Starts of their own that are fitted, with an error for each of the states.
    let more =
        ["--state", "x=1,y=0.1", "--fit-start", "--fix", "y=0.1", "--sigma", "x=dx", "--sigma", "y=0.02"];
    let report = fit(&more);
    for (name, truth) in [("k", k), ("x@hot", 2.0), ("x@cold", 0.5)] {
        assert!((value(&report, name) - truth).abs() < 1e-8, "{name}: {report}");
    }
    assert_eq!(report["parameters"]["y"]["value"], 0.1);
    // A constant that each experiment has.
    let args = [
        "fit",
        "-e",
        "(values (x (* -1 k s x)))",
        "--ode",
        "--data",
        "runs.csv",
        "--experiment",
        "run",
        "--observe",
        "x",
        "--state",
        "x=1",
        "--given",
        "x=x0,s=x0",
        "--starts",
        "1",
        "--json",
    ];
    let report: Value = serde_json::from_str(&dir.ok(&args)).unwrap();
    assert!(value(&report, "k").is_finite() && report["rmse"].as_f64().unwrap() > 1e-3, "{report}");
}

/// A frequency from a start that is far off: the whole trajectory has many minima, segments lead to the one that is sought.
#[test]
fn segments_lead_to_a_fit_that_the_whole_does_not_find() {
    let dir = folder("trajectories");
    let mut table = "t,x\n".to_owned();
    for k in 0..=60 {
        let t = 0.2 * f64::from(k);
        table += &format!("{t:?},{:?}\n", (3.0 * t).cos());
    }
    fs::write(dir.path("swing.csv"), table).unwrap();
    let fit = |more: &[&str]| -> Value {
        let args = [
            "fit",
            "-e",
            "(values (x v) (v (* -1 w w x)))",
            "--ode",
            "--data",
            "swing.csv",
            "--observe",
            "x",
            "--state",
            "x=1,v=0",
            "--param",
            "w=1.5",
            "--integrator",
            "tsit5",
            "--rtol",
            "1e-9",
            "--starts",
            "1",
            "--json",
        ];
        // Notes go to standard error.
        let done = dir.nc(&[&args[..], more].concat());
        assert_eq!(done.status, 0, "{}", done.stderr);
        serde_json::from_str(&done.stdout).unwrap()
    };
    let value = |report: &Value| report["parameters"]["w"]["value"].as_f64().unwrap();
    assert!((value(&fit(&[])) - 3.0).abs() > 0.1);
    let report = fit(&["--shooting", "6"]);
    assert!((value(&report) - 3.0).abs() < 1e-6, "{report}");
    assert_eq!(report["parameters"].as_object().unwrap().len(), 3);
}

/// Where a fit goes astray it says what leads further: a minimum that leaves the data unexplained, and a column that takes no part.
#[test]
fn hints_of_fits_of_trajectories() {
    let dir = folder("trajectories");
    let law = "(values (theta omega) (omega (* -1 k (sin theta))))";
    dir.ok(&[
        "ode",
        "-e",
        law,
        "--state",
        "theta=1,omega=0",
        "--param",
        "k=9.81",
        "--t",
        "0:10:0.1",
        "-o",
        "d.csv",
    ]);
    let with_k = fs::read_to_string(dir.path("d.csv")).unwrap();
    let with_k: Vec<String> = with_k
        .lines()
        .enumerate()
        .map(|(n, line)| format!("{line},{}", if n == 0 { "k" } else { "9.81" }))
        .collect();
    fs::write(dir.path("k.csv"), with_k.join("\n")).unwrap();
    let fit = |data: &str, more: &[&str]| {
        let args =
            ["fit", "-e", law, "--ode", "--data", data, "--observe", "theta", "--state", "theta=1,omega=0"];
        let done = dir.nc(&[&args[..], more].concat());
        assert_eq!(done.status, 0, "{}", done.stderr);
        done.stderr
    };
    let astray = fit("d.csv", &["--param", "k=1", "--starts", "1"]);
    assert!(
        astray.contains("% of the scatter of the data are left") && astray.contains("--shooting K"),
        "{astray}"
    );
    assert!(!fit("d.csv", &["--param", "k=9", "--starts", "1"]).contains("scatter"));
    let aside = fit("k.csv", &["--param", "k=9", "--starts", "1"]);
    assert!(aside.contains("--given k takes it from here"), "{aside}");
    assert!(!fit("k.csv", &["--fix", "k=9.81", "--param", "theta=1.1"]).contains("takes no part"));
}

/// Rows that end early are named, and the exit status tells; a run that takes too many steps counts none.
#[test]
fn rows_that_end_early_have_an_exit_status() {
    let dir = folder("trajectories");
    fs::write(dir.path("starts.csv"), "x\n1\n-1\n").unwrap();
    let root = ["ode", "-e", "(- (sqrt x))", "--state", "x=1", "--t", "0,1", "--batch", "starts.csv"];
    let done = dir.nc(&root);
    assert_eq!(done.status, 1, "{}", done.stderr);
    assert!(
        done.stderr.contains("note: row 1 ends at t = 0") && done.stdout.lines().count() == 5,
        "{}",
        done.stderr
    );
    let report: Value = serde_json::from_str(&dir.nc(&[&root[..], &["--json"]].concat()).stdout).unwrap();
    assert!(report["steps"].is_u64() && report["evaluations"].is_u64(), "{report}");
    let chatter = [
        "ode",
        "-e",
        "(if (> x 0) -1 1)",
        "--state",
        "x=1",
        "--t",
        "0,2",
        "--no-switching",
        "--max-iterations",
        "5000",
    ];
    let done = dir.nc(&chatter);
    let said = done.stderr.contains("no steps to the end") && done.stderr.contains("if they are followed");
    assert!(done.status == 1 && said, "{}", done.stderr);
}

#[test]
fn a_start_that_explodes_says_where() {
    let dir = folder("trajectories");
    fs::write(dir.path("grown.csv"), "t,x\n0,1\n1,2\n5,3\n").unwrap();
    let args = [
        "fit",
        "-e",
        "(* k x x)",
        "--ode",
        "--data",
        "grown.csv",
        "--observe",
        "x",
        "--state",
        "x=1",
        "--starts",
        "1",
    ];
    let done = dir.nc(&args);
    let ends = "with the parameters' starts, the trajectory ends at t = 1";
    assert!(done.status == 1 && done.stderr.contains(ends), "{}", done.stderr);
}

/// Windows are rows: the constants of a known law, what is refused, and gaps.
#[test]
fn windows_start_where_states_were_measured() {
    let dir = folder("hybrids");
    fs::write(dir.path("known.scm"), "(values (theta omega) (omega (- (* (- b) omega) (* k (sin theta)))))")
        .unwrap();
    let data = fs::read_to_string(dir.path("swings.csv")).unwrap();
    let mut lines: Vec<&str> = data.lines().collect();
    lines[30] = "1.45,,0.5";
    fs::write(dir.path("gap.csv"), lines.join("\n")).unwrap();
    let fit = |data: &str, more: &[&str]| {
        let args = [
            "fit",
            "--ode",
            "known.scm",
            "--data",
            data,
            "--state",
            "theta=1,omega=0",
            "--starts",
            "1",
            "--json",
        ];
        dir.nc(&[&args[..], more].concat())
    };
    let both = ["--observe", "theta,omega", "--windows", "20"];
    let done = fit("swings.csv", &both);
    assert_eq!(done.status, 0, "{}", done.stderr);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    let value = |name: &str| report["parameters"][name]["value"].as_f64().unwrap();
    assert!((value("k") - 9.81).abs() < 0.1 && (value("b") - 0.3).abs() < 0.05, "{report}");
    assert_eq!(report["rows"], 101);
    assert!(report["parameters"]["k"]["stderr"].is_null() && report["without_errors"].is_string());
    // 20 windows have that row, or 21 if it can be a start as well.
    let done = fit("gap.csv", &both);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(report["rows"], 101 - 21);
    assert!(done.stderr.contains("without 21 windows in which a number is missing"), "{}", done.stderr);
    for (data, more, why) in [
        ("swings.csv", &["--observe", "theta", "--windows", "20"][..], "`omega` was not"),
        ("swings.csv", &["--observe", "theta,omega", "--windows", "200"], "no whole window of 200 steps"),
        (
            "swings.csv",
            &["--observe", "theta,omega", "--windows", "20", "--fix", "theta=1"],
            "`theta` starts where it was measured",
        ),
        (
            "swings.csv",
            &["--observe", "theta,omega", "--windows", "20", "--shooting", "4"],
            "cannot be used with",
        ),
    ] {
        let done = fit(data, more);
        let said = done.stderr + &done.stdout;
        assert!(done.status == 2 && said.contains(why), "{more:?}: {said}");
    }
}
