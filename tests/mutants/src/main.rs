//! Mutation run: how many of the faults that can be put into the compiler does its test suite find?
//!
//! All mutants of five areas are in one build (mutation schemata), behind a number that is read from the environment. Which tests
//! reach which mutant is noted down in one run without any; a mutant is then run with the tests that reach it, each in a process
//! of its own within bounds of processor time and address space, first those that are quick, that reach few other places and that have found
//! many, and last those that say only that something changed: snapshots, then the fingerprint.
//!
//! CONTRIBUTING.md has the commands.

mod process;
mod sites;
mod tree;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use process::{End, Switch, Test};
use serde_json::{Value, json};
use tree::Tree;

const USAGE: &str = "nc-mutants TREE prepare [--cargo COMMAND] [--jobs N]   copy the repository to TREE, put mutants in, build, note coverage
nc-mutants TREE run [--sample N] [--seed N] [--jobs N]      run N mutants, the same number of each area
        [--budget SECONDS]                                 leave a mutant undecided that has lived for so long (processor time)
nc-mutants TREE run --only ID,…                            run these again
nc-mutants TREE run --undecided                            run those that were left undecided with the rest of the tests
nc-mutants TREE report                                     the table of all that were run, and the survivors";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (Some(root), Some(command)) = (arguments.first(), arguments.get(1)) else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    let option =
        |name: &str| arguments.iter().position(|a| a == name).and_then(|k| arguments.get(k + 1)).cloned();
    let number = |name: &str, default: usize| {
        option(name).map_or(default, |t| t.parse().unwrap_or_else(|_| panic!("{name} takes a number")))
    };
    let state = PathBuf::from(format!("{root}.state"));
    fs::create_dir_all(&state).expect("a folder beside the copy can be made");
    let jobs = number("--jobs", 2);
    match command.as_str() {
        "prepare" => prepare(Path::new(root), &state, &option("--cargo").unwrap_or("cargo".into()), jobs),
        "run" => {
            let data = State::read(&state);
            let known = results(&state.join("results.jsonl"));
            let chosen = match option("--only") {
                Some(list) => {
                    list.split(',').map(|t| t.parse().expect("--only takes numbers of mutants")).collect()
                }
                None if arguments.iter().any(|a| a == "--undecided") => {
                    known.iter().filter(|(_, row)| row["verdict"] == "undecided").map(|(id, _)| *id).collect()
                }
                None => {
                    let mut sample = data.sample(number("--sample", 150), number("--seed", 1) as u64);
                    sample.retain(|id| !known.contains_key(id));
                    sample
                }
            };
            let budget =
                option("--budget").map_or(f64::INFINITY, |t| t.parse().expect("--budget takes seconds"));
            data.run(Path::new(root), &state, chosen, jobs, budget);
            data.report(&state);
        }
        "report" => State::read(&state).report(&state),
        _ => eprintln!("{USAGE}"),
    }
}

/// Does `work` for the numbers below `count`, several at a time.
fn parallel(count: usize, jobs: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let k = next.fetch_add(1, Ordering::Relaxed);
                    if k >= count {
                        return;
                    }
                    work(k);
                }
            });
        }
    });
}

fn prepare(root: &Path, state: &Path, cargo: &str, jobs: usize) {
    let mut tree = Tree::new(root, cargo);
    eprintln!("{} mutants", tree.mutants.len());
    let kept = state.join("dropped.json");
    if let Ok(text) = fs::read_to_string(&kept) {
        let [count, list]: [Value; 2] =
            serde_json::from_str::<Vec<Value>>(&text).expect("dropped.json").try_into().expect("two entries");
        if count.as_u64() == Some(tree.mutants.len() as u64) {
            tree.dropped =
                list.as_array().into_iter().flatten().map(|v| v.as_u64().expect("a number") as u32).collect();
        }
    }
    tree.build(&["check", "--workspace", "--lib"]);
    fs::write(&kept, json!([tree.mutants.len(), tree.dropped]).to_string())
        .expect("the state can be written");
    let messages = tree.build(&["test", "--workspace", "--no-run"]);
    fs::write(&kept, json!([tree.mutants.len(), tree.dropped]).to_string())
        .expect("the state can be written");
    let tests: Vec<Test> = Tree::binaries(&messages).iter().flat_map(process::list).collect();
    eprintln!("{} tests, {} mutants that compile", tests.len(), tree.mutants.len() - tree.dropped.len());
    let bytes = tree.mutants.len() + 1;
    let done = AtomicUsize::new(0);
    let rows = Mutex::new(vec![Value::Null; tests.len()]);
    parallel(tests.len(), jobs, |k| {
        let file = state.join(format!("coverage.{k}"));
        fs::write(&file, vec![0; bytes]).expect("the state can be written");
        let (end, seconds) = process::run(&tests[k], &tree.root, Switch::Coverage(&file), 600.0);
        let reached = fs::read(&file).expect("coverage was written");
        fs::remove_file(&file).expect("coverage can be removed");
        let reached: Vec<usize> = (0..bytes).filter(|&id| reached[id] != 0).collect();
        let t = &tests[k];
        if end != End::Passed {
            eprintln!("left aside, for it does not pass without a mutant: {} {}", t.binary, t.name);
        }
        rows.lock().expect("no worker panics")[k] = json!({"binary": t.binary, "path": t.path, "folder": t.folder, "name": t.name,
            "seconds": seconds, "passes": end == End::Passed, "reaches": reached});
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        if done % 100 == 0 {
            eprintln!("{done} tests");
        }
    });
    let data = json!({"mutants": tree.data(), "tests": rows.into_inner().expect("no worker panics")});
    fs::write(state.join("state.json"), data.to_string()).expect("the state can be written");
    State::read(state).summary();
}

/// Mutants, tests, and what reaches what.
struct State {
    mutants: Vec<Value>,
    tests: Vec<Test>,
    /// By number of mutant, the tests that reach it.
    reach: HashMap<u32, Vec<usize>>,
    /// By test, how many mutants it reaches.
    places: Vec<usize>,
}

/// What became of a mutant.
struct Judgement {
    verdict: &'static str,
    /// The test that found it.
    by: Option<usize>,
    /// Processor time that was spent.
    seconds: f64,
    /// The tests that it lived through.
    lived: Vec<usize>,
}

/// How much a test says: 0 what is right, 1 what a stage's text is, 2 that some number changed.
fn kind(test: &Test) -> u8 {
    match test.name.split("::").next() {
        Some("fingerprint") => 2,
        Some("snapshots") => 1,
        _ => 0,
    }
}

impl State {
    fn read(state: &Path) -> State {
        let text = fs::read_to_string(state.join("state.json")).expect("`prepare` was run");
        let data: Value = serde_json::from_str(&text).expect("state.json is as `prepare` writes it");
        let text = |v: &Value| v.as_str().expect("a text").to_string();
        let mut tests = Vec::new();
        let mut reach: HashMap<u32, Vec<usize>> = HashMap::new();
        let mut places = Vec::new();
        for t in data["tests"].as_array().expect("tests").iter().filter(|t| t["passes"] == true) {
            let reached = t["reaches"].as_array().expect("numbers");
            places.push(reached.len());
            for id in reached {
                reach.entry(id.as_u64().expect("a number") as u32).or_default().push(tests.len());
            }
            tests.push(Test {
                binary: text(&t["binary"]),
                path: text(&t["path"]).into(),
                folder: text(&t["folder"]).into(),
                name: text(&t["name"]),
                seconds: t["seconds"].as_f64().expect("a number"),
            });
        }
        State { mutants: data["mutants"].as_array().expect("mutants").clone(), tests, reach, places }
    }

    fn areas(&self) -> BTreeMap<&str, Vec<u32>> {
        let mut areas: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (m, id) in self.mutants.iter().zip(1..) {
            if m["compiles"] == true {
                areas.entry(m["area"].as_str().expect("an area")).or_default().push(id);
            }
        }
        areas
    }

    fn describe(&self, id: u32) -> String {
        let m = &self.mutants[id as usize - 1];
        format!("{}:{} {}", m["file"].as_str().unwrap_or(""), m["line"], m["what"].as_str().unwrap_or(""))
    }

    /// How many mutants there are, and which of them no test reaches.
    fn summary(&self) {
        println!("{:10} {:>8} {:>10}", "area", "mutants", "unreached");
        for (area, ids) in self.areas() {
            println!(
                "{area:10} {:8} {:10}",
                ids.len(),
                ids.iter().filter(|id| !self.reach.contains_key(id)).count()
            );
        }
        println!(
            "{:.0} s of processor time for all tests",
            self.tests.iter().map(|t| t.seconds).sum::<f64>()
        );
    }

    /// The same number of mutants from each area.
    fn sample(&self, count: usize, seed: u64) -> Vec<u32> {
        let mut state = seed;
        let mut random = move || {
            // SplitMix64.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let z = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ z >> 31
        };
        let mut areas: Vec<Vec<u32>> = self.areas().into_values().collect();
        for ids in &mut areas {
            for k in (1..ids.len()).rev() {
                ids.swap(k, (random() % (k as u64 + 1)) as usize);
            }
        }
        // By turns, so that an unfinished run is fair, too.
        (0..count.div_ceil(areas.len()))
            .flat_map(|k| areas.iter().filter_map(move |ids| ids.get(k).copied()))
            .take(count)
            .collect()
    }

    fn run(&self, root: &Path, state: &Path, chosen: Vec<u32>, jobs: usize, budget: f64) {
        let root = fs::canonicalize(root).expect("the copy exists");
        let file = state.join("results.jsonl");
        let known = results(&file);
        let output =
            fs::OpenOptions::new().create(true).append(true).open(&file).expect("the state can be written");
        let output = Mutex::new(output);
        let kills: Vec<AtomicUsize> = self.tests.iter().map(|_| AtomicUsize::new(0)).collect();
        for row in known.values() {
            if let Some(k) = self.tests.iter().position(|t| row["by"] == Value::from(&*t.name)) {
                kills[k].fetch_add(1, Ordering::Relaxed);
            }
        }
        parallel(chosen.len(), jobs, |k| {
            let id = chosen[k];
            let before = known.get(&id).filter(|row| row["verdict"] == "undecided").map(|row| &row["lived"]);
            let before: BTreeSet<&str> =
                before.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            let Judgement { verdict, by, seconds, lived } = self.judge(&root, id, &kills, &before, budget);
            let name = |t: usize| &*self.tests[t].name;
            let lived: Option<Vec<&str>> = (verdict == "undecided")
                .then(|| before.iter().copied().chain(lived.into_iter().map(name)).collect());
            let row = json!({"id": id, "verdict": verdict, "by": by.map(name), "kind": by.map(|t| kind(&self.tests[t])), "lived": lived});
            writeln!(output.lock().expect("no worker panics"), "{row}").expect("the state can be written");
            eprintln!("{id}\t{verdict}\t{seconds:.1} s\t{}\t{}", by.map_or("", name), self.describe(id));
        });
    }

    /// What becomes of a mutant under the tests that are not among those that it has lived through `before`.
    fn judge(
        &self,
        root: &Path,
        id: u32,
        kills: &[AtomicUsize],
        before: &BTreeSet<&str>,
        budget: f64,
    ) -> Judgement {
        let mut judgement = Judgement { verdict: "unreached", by: None, seconds: 0.0, lived: Vec::new() };
        let Some(reach) = self.reach.get(&id) else { return judgement };
        // What a test of few places says is about this one rather.
        let price = |t: usize| {
            self.tests[t].seconds * self.places[t] as f64 / (1.0 + kills[t].load(Ordering::Relaxed) as f64)
        };
        let mut order: Vec<(u8, f64, usize)> = reach
            .iter()
            .filter(|&&t| !before.contains(&*self.tests[t].name))
            .map(|&t| (kind(&self.tests[t]), price(t), t))
            .collect();
        order.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        judgement.verdict = "survived";
        for (_, _, t) in order {
            let test = &self.tests[t];
            if judgement.seconds + test.seconds > budget {
                // One behind it may be shorter.
                judgement.verdict = "undecided";
                continue;
            }
            let (end, seconds) = process::run(test, root, Switch::Mutant(id), 5.0 * test.seconds + 5.0);
            judgement.seconds += seconds;
            if end != End::Passed {
                kills[t].fetch_add(1, Ordering::Relaxed);
                judgement.verdict = if end == End::Endless { "endless" } else { "killed" };
                judgement.by = Some(t);
                break;
            }
            judgement.lived.push(t);
        }
        judgement
    }

    fn report(&self, state: &Path) {
        self.summary();
        let results = results(&state.join("results.jsonl"));
        println!(
            "\n{:10} {:>6} {:>6} {:>9} {:>9} {:>9} {:>7}",
            "area", "run", "killed", "right", "snapshot", "changed", "share"
        );
        let mut all = [0; 5];
        for (area, ids) in self.areas() {
            let rows: Vec<&Value> = ids.iter().filter_map(|id| results.get(id)).collect();
            let by = |kind: u64| rows.iter().filter(|r| r["kind"] == kind).count();
            let counts =
                [rows.len(), rows.iter().filter(|r| !r["by"].is_null()).count(), by(0), by(1), by(2)];
            line(area, counts);
            all.iter_mut().zip(counts).for_each(|(a, c)| *a += c);
        }
        line("all", all);
        println!("\nkilled: by tests of what is right, by snapshots alone, by the fingerprint alone\n");
        for (id, row) in &results {
            if row["by"].is_null() || row["kind"] != 0 {
                println!("{id}\t{}\t{}", row["verdict"].as_str().unwrap_or(""), self.describe(*id));
            }
        }
    }
}

fn line(area: &str, [run, killed, right, snapshot, changed]: [usize; 5]) {
    let share = 100.0 * killed as f64 / run.max(1) as f64;
    println!("{area:10} {run:6} {killed:6} {right:9} {snapshot:9} {changed:9} {share:6.1}%");
}

/// The last result of each mutant.
fn results(file: &Path) -> BTreeMap<u32, Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let rows = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("results are written line by line"));
    rows.map(|row| (row["id"].as_u64().expect("a number") as u32, row)).collect()
}
