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
