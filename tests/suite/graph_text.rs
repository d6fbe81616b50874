//! Graphs as text: what is printed reads back as a graph that prints and evaluates alike, and what is no graph is refused
//! with its line.

use crate::support;

use neural_compiler::internals::graph::Graph;
use neural_compiler::internals::graph::print::dump;
use neural_compiler::internals::graph::read::{ReadError, read};
use neural_compiler::internals::kernel::derived;
use neural_compiler::internals::ops::Algebra;
use neural_compiler::{
    CompileOptions, Derivative, Dtype, Kernel, Limits, Op, Program, Role, Shape, Signature, Source, Tier,
};
use support::corpus;
use support::generate::{Rng, program};
use support::{native_tier, run, whole_derivative};

/// Reads the text of a graph and prints it again.
fn there_and_back(graph: &Graph, what: &str) -> Graph {
    let text = dump(graph);
    let again = read(&text).unwrap_or_else(|e| panic!("{what}: {e}\n{text}"));
    assert_eq!(dump(&again), text, "{what}");
    again
}

/// A graph and what is read from its text give the same bits.
fn evaluates_alike(graph: &Graph, rows: usize, inputs: &[Vec<f64>], params: &[f64], what: &str) {
    let again = there_and_back(graph, what);
    for tier in [Tier::Interpret, native_tier()] {
        let options = CompileOptions::default().tier(tier);
        let [one, two] = [graph, &again].map(|graph| {
            let kernel = Kernel::from_graph(graph.clone(), &options).expect("a kernel");
            run(&kernel, inputs, params, rows, 1)
        });
        assert_eq!(one, two, "{what}, {tier}");
    }
}

#[test]
fn corpus_reads_back() {
    for entry in corpus::load().into_iter().chain(corpus::load_from("classic")) {
        for dtype in [Dtype::F64, Dtype::F32] {
            for (derivative, evaluated) in
                [(Derivative::None, false), (Derivative::Gradient, dtype == Dtype::F64)]
            {
                let options = entry.options(derivative).dtype(dtype);
                let graph = derived(&entry.program.graph_for(&options).expect("a graph"), &options).unwrap();
                // With a gradient, the value is among the results.
                if graph.len() < 3000 && evaluated {
                    evaluates_alike(&graph, entry.points.len(), &entry.columns(), &[], &entry.name);
                } else {
                    there_and_back(&graph, &entry.name);
                }
            }
        }
    }
}

/// The graph of a generated program with a derivative of some kind, and numbers for its inputs.
fn generated(seed: u64) -> Option<(Graph, Vec<Vec<f64>>, Vec<f64>)> {
    let generated = program(seed, false);
    let program = Program::parse(&generated.text).unwrap_or_else(|e| panic!("{generated}\n{e}"));
    let inputs: Vec<&str> = program.inputs().collect();
    let mut signature = Signature::scalars();
    for (name, shape) in generated.shapes.iter().filter(|(name, _)| inputs.contains(&name.as_str())) {
        signature = signature.shape(name, *shape);
    }
    for name in &generated.parameters {
        if inputs.contains(&name.as_str()) || program.constants().any(|(known, _)| known == name) {
            signature = signature.parameter(name);
        }
    }
    let dtype = if seed.is_multiple_of(3) { Dtype::F32 } else { Dtype::F64 };
    let watch = seed.is_multiple_of(2);
    let options =
        CompileOptions::default().signature(signature).dtype(dtype).check_domain(watch).check_kinks(watch);
    // A generated index that folds to a constant out of range is an error of the program.
    let graph = program.graph_for(&options).ok()?;
    let derivative = match seed % 4 {
        0 => Derivative::None,
        1 => whole_derivative(&graph),
        2 => Derivative::Vjp,
        _ => Derivative::Jvp { seeds: 2 },
    };
    let graph = derived(&graph, &options.derivative(derivative)).expect("derivatives exist");
    let rng = &mut Rng(seed);
    let (mut columns, mut params) = (Vec::new(), Vec::new());
    for input in &graph.inputs {
        for _ in 0..input.shape.len() {
            if input.source == Source::Shared {
                params.push(graph.precision.round(rng.tame()));
            } else {
                columns.push((0..5).map(|_| graph.precision.round(rng.wild())).collect());
            }
        }
    }
    (graph.len() < 4000).then_some((graph, columns, params))
}

#[test]
fn generated_programs_read_back() {
    let (mut count, mut regions, mut functions) = (0, 0, 0);
    for seed in 0..600 {
        let Some((graph, columns, params)) = generated(seed) else { continue };
        count += 1;
        regions += usize::from(graph.nodes().any(|node| graph.region(node).is_some()));
        functions += usize::from(!graph.functions.is_empty());
        if seed.is_multiple_of(3) {
            evaluates_alike(&graph, 5, &columns, &params, &format!("seed {seed}"));
        } else {
            there_and_back(&graph, &format!("seed {seed}"));
        }
    }
    println!("{count} graphs, {regions} with regions, {functions} with functions");
    assert!(count > 400 && regions > 60 && functions > 10);
}

/// A damaged text is refused, or it is another graph: nothing panics.
#[test]
fn damaged_texts() {
    let (mut refused, mut read_back) = (0, 0);
    for seed in 0..80 {
        let Some((graph, ..)) = generated(seed) else { continue };
        let text = dump(&graph);
        let lines: Vec<&str> = text.lines().collect();
        let rng = &mut Rng(seed);
        for _ in 0..60 {
            let mut damaged: Vec<String> = lines.iter().map(ToString::to_string).collect();
            let at = rng.below(lines.len());
            let words: Vec<&str> = lines[at].split(' ').collect();
            match rng.below(5) {
                0 => drop(damaged.remove(at)),
                1 => damaged.insert(at, lines[rng.below(lines.len())].to_string()),
                2 => damaged[at] = format!("  {}", damaged[at]),
                _ => {
                    let other: Vec<&str> = lines[rng.below(lines.len())].split(' ').collect();
                    let mut words = words;
                    let place = rng.below(words.len());
                    words[place] = other[rng.below(other.len())];
                    damaged[at] = words.join(" ");
                }
            }
            match read(&damaged.join("\n")) {
                Ok(graph) => {
                    there_and_back(&graph, "a damaged text");
                    read_back += 1;
                }
                Err(_) => refused += 1,
            }
        }
    }
    println!("{refused} damaged texts refused, {read_back} read");
    assert!(refused > 1000 && read_back > 100);
}

/// Inputs whose names could be something else, or stand for two of them.
#[test]
fn awkward_names() {
    let names =
        ["x", "x", "%0", "true", "1e3", "+inf.0", "-", ":", "@1", "=", "a b", "\\", "#0", "é", "", ","];
    let mut graph = Graph::default();
    let nodes: Vec<_> = names.iter().map(|name| graph.input(*name, Shape::Scalar, Source::Row)).collect();
    let mut sum = graph.number(0.0);
    for node in nodes {
        sum = graph.apply(Op::Sub, &[sum, node]).expect("numbers fit");
    }
    for (k, name) in names.iter().enumerate() {
        let role = if k % 2 == 0 { Role::Value } else { Role::Gradient { of: k as u32, input: k as u32 } };
        graph.outputs.push(neural_compiler::internals::graph::Output {
            name: name.to_string(),
            node: sum,
            role,
        });
    }
    graph.limits = Limits { iterations: 1, depth: 2, steps: 3 };
    let again = there_and_back(&graph, "awkward names");
    assert_eq!(again.inputs, graph.inputs);
    let roles = |graph: &Graph| graph.outputs.iter().map(|o| (o.name.clone(), o.role)).collect::<Vec<_>>();
    assert_eq!(roles(&again), roles(&graph));
}

#[test]
fn operations_have_names_of_their_own() {
    for (k, op) in Op::ALL.iter().enumerate() {
        let name = op.info().name;
        assert!(!name.contains([' ', ',']) && !["loop", "reverse", "call"].contains(&name), "{name}");
        assert!(Op::ALL[..k].iter().all(|other| other.info().name != name), "{name} names two operations");
    }
}

#[test]
fn errors_have_lines() {
    let head = "input x: scalar\ninput v: vec 3\n";
    let cases: &[(&str, &str)] = &[
        ("%0 = add x, y", "line 3: `y` is not defined before this line"),
        ("%0 = add x", "line 3: add of 1 operands"),
        ("%0 = plus x, x", "line 3: there is no operation `plus`"),
        ("%0 = add x, 1 : vec", "line 3: `vec` is not a type"),
        ("%0 = add v, 1 : vec 0", "line 3: `vec 0` is not a type"),
        ("%0 = slice v @-1", "line 3: `@-1` is not an attribute"),
        ("%0 = slice v @3", "%2 = slice "),
        ("%0 = add v, 1", "%3 = add "),
        ("%0 = neg x\n%0 = neg v : vec 3", "line 4: %0 is defined twice"),
        ("input x: scalar", "line 3: x is declared twice"),
        ("input y", "line 3: `input y` is not a declaration"),
        ("input true: scalar", "line 3: `true` is a truth value"),
        ("value = v", "line 3: `v` is vec 3"),
        ("value = true", "output %2 is a truth value"),
        ("gradient y = x", "line 3: `y` is not an input"),
        ("fail if true: too late", "line 3: `too late` is not a reason"),
        ("fail if x: index out of 3", "check %0 is scalar"),
        ("%0 = call function0 where true, [x], failure 1", "line 3: there is no function0"),
        (
            "%0 = loop f where true, from [x], with []\n  state y: scalar\n  value while = true",
            "line 3: its body has 0 next states, not 1",
        ),
        (
            "%0 = loop f where true, from [x], with []\n  state y: scalar\n  value while = true\n  value next 1 = y",
            "line 6: `value next 1 = y` is not the next output of the body of a loop",
        ),
        ("    %0 = neg x", "line 3: its indentation is not that of a line before it"),
        ("numbers f16", "line 3: `numbers f16` is not a line of a graph"),
        ("nonsense", "line 3: `nonsense` is not a line of a graph"),
    ];
    for (text, expected) in cases {
        let error = read(&format!("{head}{text}\n")).expect_err(text);
        assert!(error.to_string().starts_with(expected), "{text}: {error}, not {expected}");
    }
    assert!(matches!(read("numbers f16"), Err(ReadError::Line { line: 1, .. })));
    assert!(matches!(read("limits many"), Err(ReadError::Line { line: 1, .. })));
    let nested: String =
        (0..200).map(|k| format!("{:1$}%0 = loop f where true, from [1], with []\n", "", 2 * k)).collect();
    assert!(read(&nested).is_err_and(|e| e.to_string().contains("nested deeper than 100")));
}
