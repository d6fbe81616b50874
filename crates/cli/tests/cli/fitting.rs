//! `nc fit` and `nc compare`, and what docs/fitting.md says of them.

use std::fs;

use serde_json::Value;

use crate::command::Dir;
use crate::tutorials::{folder, prints_what_it_says};

/// A directory with the files of the tutorial.
fn tutorial() -> Dir {
    folder("fitting")
}

#[test]
fn the_tutorial_prints_what_it_says() {
    let dir = tutorial();
    prints_what_it_says("docs/fitting.md", &dir, 10);
    assert!(fs::read_to_string(dir.path("tea.svg")).unwrap().contains("</svg>"));
}

#[test]
fn a_report_in_json_has_what_it_should() {
    let dir = tutorial();
    let report: Value =
        serde_json::from_str(&dir.ok(&["fit", "tea.scm", "--data", "tea.csv", "--target", "T", "--json"]))
            .unwrap();
    let rate = &report["parameters"]["rate"];
    let (value, stderr) = (rate["value"].as_f64().unwrap(), rate["stderr"].as_f64().unwrap());
    assert!((value - 0.047).abs() < 3.0 * stderr && stderr > 0.0);
    let interval: Vec<f64> =
        rate["interval"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    assert!(interval[0] < value && value < interval[1]);
    assert_eq!(
        (&rate["at_bound"], &report["converged"], &report["dof"]),
        (&false.into(), &true.into(), &37.into())
    );
    assert_eq!(report["correlation"]["names"].as_array().unwrap().len(), 3);
    assert_eq!(report["starts"]["tried"], 64);
    for key in ["rss", "rmse", "rows", "evaluations", "iterations", "seed"] {
        assert!(report[key].is_number(), "{key}");
    }
    for key in ["reason", "program_hash"] {
        assert!(report[key].is_string(), "{key}");
    }
    assert!(report["undetermined"].as_array().unwrap().is_empty() && report["overlap"].is_object());
    // The bits do not depend on threads or tiers.
    for more in [["--threads", "1"], ["--threads", "3"], ["--tier", "cranelift"], ["--tier", "interpret"]] {
        let args = [&["fit", "tea.scm", "--data", "tea.csv", "--target", "T", "--json"][..], &more].concat();
        let other: Value = serde_json::from_str(&dir.ok(&args)).unwrap();
        assert_eq!(other, report, "{more:?}");
    }
}

#[test]
fn a_replay_finds_what_has_changed() {
    let dir = tutorial();
    let fit =
        ["fit", "tea.scm", "--data", "tea.csv", "--target", "T", "--param", "rate=0.1:0..1", "-o", "r.json"];
    dir.ok(&fit);
    let replay = ["fit", "tea.scm", "--data", "tea.csv", "--replay", "r.json"];
    let done = dir.nc(&replay);
    assert_eq!((done.status, done.stderr.as_str()), (0, "r.json: the same bits came out\n"));
    let data = fs::read_to_string(dir.path("tea.csv")).unwrap();
    fs::write(dir.path("tea.csv"), data.replacen("1.5,", "1.6,", 1)).unwrap();
    let done = dir.nc(&replay);
    assert_eq!(done.status, 1);
    assert!(done.stderr.contains("the data is not that of the report"), "{}", done.stderr);
    // A report that says something else, and options beside it.
    let report = fs::read_to_string(dir.path("r.json")).unwrap();
    let mut other: Value = serde_json::from_str(&report).unwrap();
    fs::write(dir.path("tea.csv"), &data).unwrap();
    other["rss"] = 1.0.into();
    fs::write(dir.path("r.json"), other.to_string()).unwrap();
    let done = dir.nc(&replay);
    assert!(done.status == 1 && done.stderr.contains("the sum of squares was 1"), "{}", done.stderr);
    let done = dir.nc(&[&replay[..], &["--seed", "3"]].concat());
    assert!(done.status == 2 && done.stderr.contains("cannot be used with"), "{}", done.stderr);
    fs::write(dir.path("r.json"), "{}").unwrap();
    let done = dir.nc(&replay);
    assert!(done.status == 1 && done.stderr.contains("it has no settings"), "{}", done.stderr);
}

#[test]
fn refusals_name_the_place_and_the_remedy() {
    let dir = tutorial().with("holes.csv", "minutes,T\n0,80\n1.5,\n3,75\n4.5,72\n6,70\n");
    let refused = |args: &[&str], words: &[&str]| {
        let done = dir.nc(args);
        assert_ne!(done.status, 0, "{args:?}");
        for word in words {
            assert!(done.stderr.contains(word), "{args:?} {word:?}: {}", done.stderr);
        }
    };
    let fit = ["fit", "tea.scm", "--data", "tea.csv"];
    refused(&fit, &["--target is needed"]);
    refused(&[&fit[..], &["--target", "temp"]].concat(), &["no column \"temp\"", "there is: "]);
    refused(
        &[&fit[..], &["--target", "T", "--param", "rat=1"]].concat(),
        &["no parameter `rat`", "room, start, rate"],
    );
    refused(&[&fit[..], &["--target", "T", "--param", "minutes=1"]].concat(), &["a column of the data"]);
    refused(&[&fit[..], &["--target", "T", "--sigma", "-1"]].concat(), &["above 0"]);
    refused(&[&fit[..], &["--target", "T", "--param", "rate=5:0..1"]].concat(), &["not within 0 … 1"]);
    refused(&[&fit[..], &["--target", "T", "--tie", "rate=(* 2 rat)"]].concat(), &["no parameter `rat`"]);
    refused(&[&fit[..], &["--target", "T", "--tie", "rate=(* 2"]].concat(), &["--tie rate"]);
    refused(&[&fit[..], &["--target", "T", "--plot", "p.gif"]].concat(), &[".svg or .png"]);
    refused(&[&fit[..], &["--target", "y=T"]].concat(), &["one result without a name"]);
    refused(&["fit", "tea.scm", "--data", "holes.csv", "--target", "T"], &["--skip-nan"]);
    let done = dir.nc(&["fit", "tea.scm", "--data", "holes.csv", "--target", "T", "--skip-nan"]);
    assert!(
        done.status == 0 && done.stdout.contains("1 rows were skipped"),
        "{}{}",
        done.stdout,
        done.stderr
    );
    let log = [
        "fit",
        "-e",
        "(log (* room (- minutes 100)))",
        "--data",
        "tea.csv",
        "--target",
        "T",
        "--param",
        "room:0..",
    ];
    refused(&log, &["not finite at the start, first in row 0", "`log` is outside its safe domain"]);
    assert!(!dir.files().iter().any(|name| name.starts_with("p.")));
    // What is read is not written over, and no result goes into another.
    for output in [["-o", "tea.csv"], ["-o", "tea.scm"], ["-o", "./tea.csv"]] {
        refused(&[&fit[..], &["--target", "T"], &output[..]].concat(), &["would replace"]);
    }
    refused(
        &[&fit[..], &["--target", "T", "-o", "r.svg", "--plot", "r.svg"]].concat(),
        &["name the same file"],
    );
    refused(&[&fit[..], &["--target", "T", "-o", "none/r.json"]].concat(), &["there is no folder none"]);
    refused(&[&fit[..], &["--target", "T", "--param", "tau=1"]].concat(), &["(define tau 1)"]);
}

#[test]
fn several_targets_and_columns_by_other_names() {
    let mut table = String::from("time,angle,speed\n");
    for k in 0..30 {
        let t = f64::from(k) * 0.1;
        table += &format!("{t},{},{}\n", (2.0 * t).sin(), 2.0 * (2.0 * t).cos());
    }
    let program = "(values (theta (* A (sin (* w t)))) (omega (* A w (cos (* w t)))))";
    let dir = Dir::new().with("swing.scm", program).with("swing.csv", table);
    let args = [
        "fit",
        "swing.scm",
        "--data",
        "swing.csv",
        "--column",
        "t=time",
        "--param",
        "A:0..",
        "--param",
        "w:0..",
        "--json",
    ];
    let both = [&args[..], &["--target", "theta=angle", "--target", "omega=speed"]].concat();
    let report: Value = serde_json::from_str(&dir.ok(&both)).unwrap();
    for (name, expected) in [("A", 1.0), ("w", 2.0)] {
        let found = report["parameters"][name]["value"].as_f64().unwrap();
        assert!((found - expected).abs() < 1e-12, "{name} {found}");
    }
    assert_eq!(report["dof"], 58);
    let one: Value =
        serde_json::from_str(&dir.ok(&[&args[..], &["--target", "omega=speed"]].concat())).unwrap();
    assert_eq!(one["dof"], 28);
    let done = dir.nc(&[&args[..], &["--target", "speed"]].concat());
    assert!(done.stdout.contains("its results are: theta, omega"), "{}", done.stdout);
}

#[test]
fn data_come_from_standard_input() {
    let dir = tutorial();
    let csv = fs::read(dir.path("tea.csv")).unwrap();
    let args = ["fit", "tea.scm", "--target", "T", "--data"];
    let piped = dir.nc_with_input(&[&args[..], &["-"]].concat(), &csv);
    assert_eq!((piped.status, piped.stderr.as_str()), (0, ""));
    assert_eq!(piped.stdout, dir.ok(&[&args[..], &["tea.csv"]].concat()));
    let done = dir.nc_with_input(&["fit", "-", "--target", "T", "--data", "-"], b"1");
    assert_eq!(done.status, 2, "{}", done.stderr);
    assert!(done.stderr.contains("cannot both come from standard input"), "{}", done.stderr);
}

#[test]
fn derived_numbers_residuals_and_goodness_are_reported() {
    let dir = tutorial();
    let args = ["fit", "tea.scm", "--data", "tea.csv", "--target", "T", "--sigma", "sT", "--json"];
    let more = [
        "--derive",
        "half=(/ (log 2) rate)",
        "--residuals",
        "rows.csv",
        "--log",
        "y",
        "--plot",
        "tea.svg",
        "-o",
        "r.json",
    ];
    let report: Value = serde_json::from_str(&dir.ok(&[&args[..], &more].concat())).unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let (rate, half) = (&report["parameters"]["rate"], &report["derived"]["half"]);
    assert!((number(&half["value"]) - 2f64.ln() / number(&rate["value"])).abs() < 1e-13);
    let stderr = 2f64.ln() / number(&rate["value"]).powi(2) * number(&rate["stderr"]);
    assert!((number(&half["stderr"]) / stderr - 1.0).abs() < 1e-12);
    assert!((number(&report["reduced_chi2"]) - number(&report["rss"]) / 37.0).abs() < 1e-14);
    // χ² of 45.006 with 37 degrees of freedom, by tables.
    assert!((number(&report["chi2_probability"]) - 0.1719).abs() < 2e-4, "{}", report["chi2_probability"]);
    let table = fs::read_to_string(dir.path("rows.csv")).unwrap();
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("row,minutes,T,T_fit,T_residual,T_weighted"));
    let mut squares = 0.0;
    for (row, line) in lines.enumerate() {
        let numbers: Vec<f64> = line.split(',').map(|x| x.parse().unwrap()).collect();
        assert_eq!(numbers[0], row as f64);
        assert_eq!(numbers[4], numbers[2] - numbers[3]);
        squares += numbers[5] * numbers[5];
    }
    assert!((squares / number(&report["rss"]) - 1.0).abs() < 1e-12);
    // The same options once more, and the same bits.
    let again = dir.nc(&["fit", "tea.scm", "--data", "tea.csv", "--replay", "r.json"]);
    assert!(again.stderr.contains("the same bits came out"), "{}", again.stderr);
    let unknown = dir.nc(&["fit", "tea.scm", "--data", "tea.csv", "--target", "T", "--derive", "h=(/ 1 q)"]);
    assert!(unknown.status == 1 && unknown.stderr.contains("`q`"), "{}", unknown.stderr);
}

#[test]
fn each_target_has_a_sigma_and_a_panel() {
    let mut table = String::from("t,angle,speed,da\n");
    for k in 0..40 {
        let t = f64::from(k) * 0.1;
        table += &format!(
            "{t},{},{},{}\n",
            (2.0 * t).sin() + 1e-3 * t.cos(),
            2.0 * (2.0 * t).cos(),
            0.01 + 0.001 * t
        );
    }
    let program = "(values (theta (* A (sin (* w t)))) (omega (* A w (cos (* w t)))))";
    let dir = Dir::new().with("swing.scm", program).with("swing.csv", table);
    let args =
        ["fit", "swing.scm", "--data", "swing.csv", "--target", "theta=angle", "--target", "omega=speed"];
    let args = [&args[..], &["--param", "A:0..", "--param", "w:0.."]].concat();
    let sigmas = ["--sigma", "theta=da", "--sigma", "speed=0.02"];
    let report: Value =
        serde_json::from_str(&dir.ok(&[&args[..], &sigmas, &["--json", "--plot", "swing.svg"]].concat()))
            .unwrap();
    assert_eq!(report["stderr_from"], "sigma");
    let svg = fs::read_to_string(dir.path("swing.svg")).unwrap();
    for name in [">angle<", ">speed<", ">residual<"] {
        assert!(svg.replace('\n', "").contains(name), "{name}");
    }
    let one = dir.nc(&[&args[..], &["--sigma", "theta=da"]].concat());
    assert!(one.status == 2 && one.stderr.contains("none for `speed`"), "{}", one.stderr);
    let wrong = dir.nc(&[&args[..], &["--sigma", "theta=da", "--sigma", "phi=1"]].concat());
    assert!(wrong.status == 2 && wrong.stderr.contains("targets are: angle, speed"), "{}", wrong.stderr);
    let log = dir.nc(&[&args[..], &["--log", "y", "--plot", "l.svg"]].concat());
    assert!(log.status == 2 && log.stderr.contains("cannot be logarithmic"), "{}", log.stderr);
}

#[test]
fn groups_have_texts_for_names() {
    let mut table = String::from("site,x,y\n");
    for k in 0..30 {
        let (site, slope) = [("\"north, far\"", 2.0), ("south", 3.0), ("east", 4.0)][k % 3];
        table += &format!("{site},{k},{}\n", slope * k as f64 + 1.0);
    }
    let dir = Dir::new().with("d.csv", table);
    let args = ["fit", "-e", "(+ a (* b x))", "--data", "d.csv", "--target", "y", "--group", "site"];
    let out = dir.ok(&args);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "site,rows,a,a_stderr,b,b_stderr,rss,converged");
    for (line, (site, slope)) in
        lines[1..].iter().zip([("east", 4.0), ("\"north, far\"", 2.0), ("south", 3.0)])
    {
        let numbers = line.strip_prefix(&format!("{site},")).unwrap_or_else(|| panic!("{line}"));
        let numbers: Vec<f64> = numbers.split(',').map(|x| x.parse().unwrap()).collect();
        assert!(numbers[0] == 10.0 && (numbers[3] - slope).abs() < 1e-12, "{line}");
    }
    dir.ok(&[&args[..], &["-o", "t.csv"]].concat());
    assert_eq!(fs::read_to_string(dir.path("t.csv")).unwrap(), out);
    let json: Value = serde_json::from_str(&dir.ok(&[&args[..], &["--json"]].concat())).unwrap();
    assert_eq!(json["table"]["site"][1], "north, far");
    assert!(dir.fails(2, &[&args[..], &["-o", "t.npz"]].concat()).contains("a .csv file"));
}

/// An interrupt from the keyboard ends a fit with the best so far, as the help says.
#[cfg(unix)]
#[test]
fn an_interrupt_keeps_the_best_so_far() {
    use std::io::Read;
    use std::process::{Command, Stdio};

    let rows: String = (0..40).map(|k| format!("{k},{}\n", 3.0 * (-0.05 * f64::from(k)).exp())).collect();
    let dir = Dir::new().with("d.csv", format!("t,y\n{rows}"));
    // Each row takes a loop of a million steps, so that all starts would take minutes.
    let law = "(* a (/ (sum 1000000 (lambda (i) (exp (* k t)))) 1000000))";
    let mut child = Command::new(env!("CARGO_BIN_EXE_nc"))
        .args([
            "fit", "-e", law, "--data", "d.csv", "--target", "y", "--param", "k=-0.1", "--json", "-o",
            "r.json",
        ])
        .current_dir(dir.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(child.try_wait().unwrap().is_none(), "it has ended by itself");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let status = child.wait().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!(status.code(), Some(130), "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["converged"], &report["reason"]), (&false.into(), &"stopped".into()));
    let written: Value = serde_json::from_str(&fs::read_to_string(dir.path("r.json")).unwrap()).unwrap();
    assert_eq!(written["parameters"], report["parameters"]);
    assert!(
        report["parameters"]["k"]["value"].is_number() && err.contains("has not converged: stopped"),
        "{err}"
    );
}

#[test]
fn the_page_on_hybrids_prints_what_it_says() {
    prints_what_it_says("docs/hybrids.md", &folder("hybrids"), 16);
}

const TRAIN: [&str; 12] = [
    "fit",
    "swing.scm",
    "--data",
    "swing.csv",
    "--target",
    "a",
    "--method",
    "adam",
    "--batch-rows",
    "50",
    "--seed",
    "3",
];

#[test]
fn weights_go_to_a_file_and_back() {
    let dir = folder("hybrids");
    let train = |epochs: &str, more: &[&str]| -> Value {
        dir.json(&[&TRAIN[..], &["--json", "--epochs", epochs], more].concat())
    };
    let report = train("15", &["--weights-out", "w.npz", "--residuals", "rows.csv", "-o", "r.json"]);
    assert_eq!(report["networks"]["friction"]["arrays"]["friction.w1"], serde_json::json!([4, 1]));
    assert_eq!((&report["networks"]["friction"]["numbers"], &report["dof"]), (&13.into(), &Value::Null));
    assert_eq!(report["parameters"].as_object().unwrap().len(), 1);
    // The numbers of threads do not matter, and a replay brings the same.
    assert_eq!(train("15", &["--threads", "1"])["networks"], report["networks"]);
    let replay = ["fit", "swing.scm", "--data", "swing.csv", "--replay", "r.json"];
    assert_eq!(dir.nc(&replay).status, 0);
    // What the program gives with the file is what it gave in the fit.
    let run = ["run", "swing.scm", "--batch", "swing.csv", "--weights", "w.npz", "-o", "out.csv"];
    assert_eq!(dir.nc(&run).status, 0);
    let column = |file: &str, k: usize| -> Vec<f64> {
        let text = fs::read_to_string(dir.path(file)).unwrap();
        text.lines().skip(1).map(|line| line.split(',').nth(k).unwrap().parse().unwrap()).collect()
    };
    let fitted = column("rows.csv", 4);
    assert!(fitted.len() == 300 && fitted == column("out.csv", 0));
    let theta = format!("theta={}", column("rows.csv", 1)[7]);
    let omega = format!("omega={}", column("rows.csv", 2)[7]);
    let one =
        dir.json(&["eval", "swing.scm", "--weights", "w.npz", "--set", &theta, "--set", &omega, "--json"]);
    assert_eq!(one["value"].as_f64().unwrap(), fitted[7]);
    // No epoch from there leaves them as they are.
    let same = train("0", &["--weights-in", "w.npz"]);
    assert_eq!(same["networks"]["friction"]["hash"], report["networks"]["friction"]["hash"]);
    assert!(same["weights_in_hash"].is_string());
    let trajectory =
        ["ode", "field.scm", "--weights", "w.npz", "--state", "theta=1,omega=0", "--t", "0:1:0.5", "--json"];
    let state = dir.json(&trajectory);
    assert!(state["states"]["theta"][2].as_f64().unwrap().abs() < 1.0);
}

#[test]
fn files_of_weights_that_do_not_fit() {
    let dir = folder("hybrids");
    let untrained = [&TRAIN[..], &["--epochs", "0"]].concat();
    dir.ok(&[&untrained[..], &["--weights-out", "w.npz"]].concat());
    let wider = fs::read_to_string(dir.path("swing.scm")).unwrap().replace("(layers 4)", "(layers 5)");
    let deeper = wider.replace("(layers 5)", "(layers 4 4)");
    let other = wider.replace("friction", "drag");
    let dir = dir.with("wider.scm", &wider).with("deeper.scm", &deeper).with("other.scm", &other);
    let run = |program: &str| dir.fails(1, &["run", program, "--batch", "swing.csv", "--weights", "w.npz"]);
    insta::assert_snapshot!([run("wider.scm"), run("deeper.scm"), run("other.scm")].join("\n"));
    let none = dir.fails(1, &["run", "swing.scm", "--batch", "swing.csv", "--param", "k=1"]);
    assert!(none.contains("--weights FILE.npz gives networks their weights"), "{none}");
    let none = dir.fails(1, &["eval", "swing.scm", "--set", "theta=1", "--set", "omega=1", "--set", "k=1"]);
    assert!(none.contains("--weights FILE.npz"), "{none}");
    for (option, value) in
        [("--clip", "1"), ("--decay", "0.1"), ("--validation", "0.5"), ("--schedule", "constant")]
    {
        let args = ["fit", "swing.scm", "--data", "swing.csv", "--target", "a", option, value];
        assert!(dir.fails(2, &args).contains("it is for --method adam"), "{option}");
    }
    assert!(
        dir.fails(1, &[&untrained[..], &["--validation", "0.0001"]].concat()).contains("would be held out")
    );
}

#[test]
fn laws_are_credited_before_networks() {
    let dir = folder("hybrids");
    let train = [
        "fit",
        "decay.scm",
        "--data",
        "decay.csv",
        "--target",
        "a",
        "--method",
        "adam",
        "--epochs",
        "60",
        "--rate",
        "0.03",
        "--batch-rows",
        "30",
        "--json",
    ];
    let plain = dir.json(&[&train[..], &["--no-overlap"]].concat());
    assert_eq!((&plain["overlap"], &plain["orthogonal"]), (&serde_json::json!({}), &Value::Null));
    let orthogonal = ["--orthogonal", "cycles", "-o", "r.json", "--weights-out", "w.npz"];
    let report = dir.json(&[&train[..], &orthogonal].concat());
    let k = report["parameters"]["k"]["value"].as_f64().unwrap();
    assert!((k / 9.81 - 1.0).abs() < 0.005 && report["overlap"]["k"].is_number(), "{report}");
    assert_eq!(report["orthogonal"]["trained_freely"]["k"], plain["parameters"]["k"]["value"]);
    // The constants are in the file of weights, and a replay is orthogonal, too.
    let one = ["eval", "decay.scm", "--weights", "w.npz", "--set", "theta=0.5", "--set", "omega=1", "--json"];
    let value = dir.json(&one)["value"].as_f64().unwrap();
    assert!((value + 9.81 * 0.5f64.sin() + 0.3).abs() < 0.3, "{value}");
    assert_eq!(dir.nc(&["fit", "decay.scm", "--data", "decay.csv", "--replay", "r.json"]).status, 0);
    let ode = ["fit", "--ode", "field.scm", "--data", "decay.csv", "--orthogonal", "all"];
    let ode = [&ode[..], &["--time", "t", "--observe", "theta", "--state", "theta=1,omega=0"]].concat();
    assert!(dir.fails(2, &ode).contains("--windows STEPS fits short pieces"));
    assert_eq!(report["stderr_from"], "the law and residuals of the whole");
    assert_eq!(plain["stderr_from"], Value::Null);
    let least = ["fit", "decay.scm", "--data", "decay.csv", "--target", "a", "--orthogonal", "all"];
    assert!(dir.fails(1, &least).contains("--method adam or lbfgs trains those"));
}

/// A clock ends a training as Ctrl-C does: what there is so far is written, and the report says how it ended.
#[test]
fn a_clock_keeps_the_best_so_far() {
    let dir = folder("hybrids");
    let long = ["--epochs", "100000000", "--no-overlap", "--time-limit", "1.5"];
    let files = ["--weights-out", "w.npz", "-o", "r.json", "--json"];
    let done = dir.nc(&[&TRAIN[..], &long, &files].concat());
    assert_eq!(done.status, 1, "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.contains("the time limit is over: these are the results so far"), "{}", done.stderr);
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!((&report["stopped_by"], &report["converged"]), (&"time-limit".into(), &false.into()));
    let written: Value = serde_json::from_str(&fs::read_to_string(dir.path("r.json")).unwrap()).unwrap();
    assert_eq!(written["networks"], report["networks"]);
    // The weights are those of the report.
    let again = dir.json(&[&TRAIN[..], &["--epochs", "0", "--weights-in", "w.npz", "--json"]].concat());
    assert_eq!(again["networks"]["friction"]["hash"], report["networks"]["friction"]["hash"]);
    // Of a single trajectory nothing is there before its end.
    let ode = ["ode", "-e", "(* -1 k x)", "--state", "x=1", "--param", "k=1", "--t", "0:1e12:1e11"];
    let ode = [&ode[..], &["--method", "tsit5", "--max-step", "1e-3", "--time-limit", "0.3"]].concat();
    assert!(dir.fails(1, &ode).contains("the time limit is over"));
}

/// The command line counts more than a column, a column more than a file of weights, that more than the program; everywhere.
#[test]
fn values_of_parameters_have_one_order() {
    let dir = folder("hybrids")
        .with("k.csv", "theta,omega,k\n0.5,1,3\n")
        .with("plain.csv", "theta,omega\n0.5,1\n")
        .with(
            "alone.scm",
            "(network friction (omega) (layers 4) (activation tanh) (results 1)) (friction omega)",
        )
        .with("other.scm", "(network drag (omega) (layers 4) (activation tanh) (results 1)) (drag omega)");
    dir.ok(&[&TRAIN[..], &["--epochs", "0", "--fix", "k=7", "--weights-out", "w.npz"]].concat());
    let at = ["--set", "theta=0.5", "--set", "omega=1", "--weights", "w.npz"];
    let eval = |k: &[&str]| dir.ok(&[&["eval", "swing.scm"], &at[..], k].concat());
    let of = |k: &str| eval(&["--set", k]).trim_start_matches("value = ").to_string();
    let [three, five, seven] = ["k=3", "k=5", "k=7"].map(of);
    assert_eq!(eval(&[]).trim_start_matches("value = "), seven);
    let run = |batch: &str, more: &[&str]| {
        let done = dir.nc(&[&["run", "swing.scm", "--weights", "w.npz", "--batch", batch], more].concat());
        assert_eq!(done.status, 0, "{}", done.stderr);
        (done.stdout.lines().nth(1).unwrap_or_default().to_string() + "\n", done.stderr)
    };
    assert_eq!(run("plain.csv", &[]).0, seven);
    let (value, notes) = run("k.csv", &[]);
    assert_eq!(value, three);
    assert!(notes.contains("k: the columns of k.csv count, not the numbers in w.npz"), "{notes}");
    let (value, notes) = run("k.csv", &["--param", "k=5"]);
    assert_eq!(value, five);
    assert!(notes.contains("k is left aside"), "{notes}");
    // Trajectories, of which one row starts as --state says.
    let ode = ["ode", "field.scm", "--weights", "w.npz", "--state", "theta=0.5,omega=1", "--t", "0,1"];
    let end = |more: &[&str]| {
        let done = dir.nc(&[&ode[..], more].concat());
        assert_eq!(done.status, 0, "{}", done.stderr);
        let last = done.stdout.lines().last().unwrap_or_default().to_string();
        (last.rsplit(',').take(2).map(str::to_string).collect::<Vec<_>>(), done.stderr)
    };
    let [three, five, seven] = ["k=3", "k=5", "k=7"].map(|k| end(&["--param", k]).0);
    assert_eq!((end(&[]).0, end(&["--batch", "plain.csv"]).0), (seven.clone(), seven));
    let (found, notes) = end(&["--batch", "k.csv"]);
    assert_eq!(found, three);
    assert!(notes.contains("k: the columns of k.csv count"), "{notes}");
    let (found, notes) = end(&["--batch", "k.csv", "--param", "k=5"]);
    assert_eq!(found, five);
    assert!(notes.contains("k.csv: k: the value of --param counts"), "{notes}");
    // A fit of data that have the constant in a column.
    let columns = fs::read_to_string(dir.path("swing.csv")).unwrap();
    let columns: Vec<String> = columns
        .lines()
        .enumerate()
        .map(|(k, line)| if k == 0 { format!("{line},k") } else { format!("{line},9.81") })
        .collect();
    let dir = dir.with("swing.csv", columns.join("\n"));
    let done = dir.nc(&[&TRAIN[..], &["--epochs", "0", "--weights-in", "w.npz", "--json"]].concat());
    let report: Value = serde_json::from_str(&done.stdout).unwrap();
    assert!(done.stderr.contains("k: the columns of swing.csv count"), "{}", done.stderr);
    assert!(report["parameters"].as_object().unwrap().is_empty(), "{report}");
    // The network alone takes what it needs of the file.
    let done = dir.nc(&["eval", "alone.scm", "--set", "omega=1", "--weights", "w.npz"]);
    assert_eq!(done.status, 0, "{}", done.stderr);
    assert!(done.stderr.contains("w.npz: k is left aside: alone.scm does not take it"), "{}", done.stderr);
    let missing = dir.fails(1, &["eval", "other.scm", "--set", "omega=1", "--weights", "w.npz"]);
    assert!(missing.contains("there are no arrays for: drag.w1[4,1], drag.b1[4]"), "{missing}");
    assert!(missing.contains("there is also: ") && missing.contains("friction.w1"), "{missing}");
    // The time of a program with its weights.
    let bench = ["bench", "swing.scm", "--batch-size", "100", "--weights", "w.npz", "--grad", "--json"];
    assert!(dir.json(&bench)["ns_per_row"].as_f64().unwrap() > 0.0);
    assert!(dir.fails(1, &["bench", "swing.scm", "--batch-size", "100"]).contains("--weights FILE.npz"));
    let none = ["ode", "field.scm", "--state", "theta=1,omega=0", "--param", "k=1", "--t", "0,1"];
    let missing = dir.fails(1, &none);
    assert!(
        missing.contains("inputs without a value: friction.w1, friction.b1, friction.w2, friction.b2"),
        "{missing}"
    );
    assert!(missing.contains("give those of networks with --weights FILE.npz"), "{missing}");
}

/// Options that the method has no use for are refused with the method that takes them.
#[test]
fn options_of_other_methods() {
    let dir = folder("hybrids");
    let fit = ["fit", "swing.scm", "--data", "swing.csv", "--target", "a"];
    for (method, option, takes) in [
        ("adam", "--starts=3", "--starts: it is for --method lsq: the others begin at one start"),
        ("lbfgs", "--starts=3", "--starts: it is for --method lsq"),
        ("adam", "--max-steps=3", "--max-steps: it is for --method lsq"),
        ("lbfgs", "--rate=0.1", "--rate: it is for --method adam"),
        ("lbfgs", "--batch-rows=10", "--batch-rows: it is for --method adam"),
        ("lbfgs", "--schedule=constant", "--schedule: it is for --method adam"),
        ("lsq", "--epochs=10", "--epochs: it is for --method adam and lbfgs"),
        ("lsq", "--rate=0.1", "--rate: it is for --method adam"),
        ("lsq", "--no-overlap", "--no-overlap: it is for --method adam and lbfgs"),
    ] {
        let message = dir.fails(2, &[&fit[..], &["--method", method, option]].concat());
        assert!(message.contains(takes), "{method} {option}: {message}");
        let compare = ["compare", "swing.scm", "swing.scm", "--data", "swing.csv", "--target", "a"];
        let message = dir.fails(2, &[&compare[..], &["--method", method, option]].concat());
        assert!(message.contains(takes), "{method} {option}: {message}");
    }
    let ode = [
        "fit",
        "--ode",
        "field.scm",
        "--data",
        "decay.csv",
        "--observe",
        "theta",
        "--state",
        "theta=1,omega=0",
    ];
    for option in ["--validation=0.2", "--batch-rows=10"] {
        let message = dir.fails(2, &[&ode[..], &["--method", "adam", option]].concat());
        assert!(message.contains("with --ode all trajectories are one row"), "{option}: {message}");
    }
    let dir = dir.with("g.csv", "g,t,y\n1,1,2\n1,2,4\n2,1,3\n2,2,6\n");
    let groups =
        ["fit", "-e", "(* a t)", "--data", "g.csv", "--target", "y", "--group", "g", "--method", "adam"];
    assert!(dir.fails(1, &groups).contains("groups of rows are fitted by least squares"));
    // Second derivatives are those of a row, so there are none by what is one for all rows.
    let hessian = [
        "run",
        "-e",
        "(* y (square k))",
        "--batch",
        "g.csv",
        "--param",
        "k=2",
        "--grad",
        "h.npz",
        "--hessian",
        "--wrt",
        "k",
    ];
    let message = dir.fails(1, &hessian);
    assert!(
        message.contains("`k` has one value for all rows, and second derivatives are those of a row"),
        "{message}"
    );
}
