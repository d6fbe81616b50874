//! Trees of the operator `eml`: the cases of `corpus/eml/cases.json`, the reader, evaluation, the validator and costs.

use nc_eml::check::{self, Options};
use nc_eml::cost::{self, Table};
use nc_eml::paths::{Side, diagnose};
use nc_eml::precise::Context;
use nc_eml::scaled;
use nc_eml::target::Target;
use nc_eml::{FaultKind, Kind, Mode, Tree, evaluate};
use nc_runtime::batch::{Kernel as _, Workspace, evaluate_row};
use neural_compiler::internals::dialect::eml::derived::Derived;
use neural_compiler::internals::dialect::eml::{Grammar, reader};
use neural_compiler::{CompileOptions, Derivative, Dialect, Dtype, Primitive, Program, ReaderLimits, Tier};
use num_complex::Complex64;
use serde_json::Value;

fn cases() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/eml/cases.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn case(id: &str) -> Value {
    cases().into_iter().find(|case| case["id"] == id).unwrap()
}

fn read(text: &str) -> Tree {
    reader::read(text, Grammar::Literal, &ReaderLimits::default()).unwrap()
}

fn codes(text: &str, grammar: Grammar) -> Vec<&'static str> {
    match reader::read(text, grammar, &ReaderLimits::default()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(|error| error.code).collect(),
    }
}

fn inputs(tree: &Tree, case: &Value) -> Vec<Complex64> {
    tree.variables().iter().map(|name| Complex64::new(case["inputs"][name].as_f64().unwrap(), 0.0)).collect()
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}

/// Rounded to 15 digits, as references are written.
fn same_digits(value: f64, reference: f64) -> bool {
    (value - reference).abs() <= 2e-14 * reference.abs().max(f64::MIN_POSITIVE)
}

/// The value of a program with scalar inputs, and its derivatives.
fn compiled(program: &Program, tier: Tier, inputs: &[f64]) -> Vec<f64> {
    let options = CompileOptions::default().tier(tier).derivative(Derivative::Gradient);
    let kernel = program.compile(&options).unwrap();
    let mut outputs = vec![0.0; kernel.shape().outputs];
    evaluate_row(&kernel, inputs, &[], &mut outputs, &mut [], &mut Workspace::new()).unwrap();
    outputs
}

fn scheme(text: &str) -> Program {
    Program::parse(text).unwrap()
}

#[test]
fn sizes_of_all_cases() {
    let mut seen = 0;
    for case in cases() {
        let Some(text) = case["expanded"].as_str() else { continue };
        let tree = read(text);
        let sizes = tree.sizes();
        assert_eq!(sizes.nodes, u128::from(case["eml_nodes"].as_u64().unwrap()), "{case}");
        assert_eq!(sizes.rpn_length, u128::from(case["rpn_len_K"].as_u64().unwrap()), "{case}");
        assert_eq!(sizes.rpn_length, u128::from(case["board_total_nodes"].as_u64().unwrap()), "{case}");
        assert_eq!(u64::from(sizes.depth), case["depth_edges"].as_u64().unwrap(), "{case}");
        assert_eq!(u64::from(sizes.board_depth), case["board_depth"].as_u64().unwrap(), "{case}");
        assert_eq!(sizes.shared_nodes as u64, case["dag_distinct_eml_nodes"].as_u64().unwrap(), "{case}");
        assert_eq!(tree.text(1000).as_deref().map(read).map(|again| again.sizes()), Some(sizes));
        seen += 1;
    }
    assert_eq!(seen, 28);
}

#[test]
fn values_of_all_valid_cases() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case["valid"] == true && case["expanded"].is_string()) {
        let tree = read(case["expanded"].as_str().unwrap());
        let at = inputs(&tree, case);
        if case["expected_im"].is_string() {
            let value = evaluate(&tree, Mode::Complex, &at).unwrap();
            let expected = Complex64::new(number(&case["expected_re"]), number(&case["expected_im"]));
            assert!((value - expected).norm() <= 2e-14, "{case}: {value}");
        } else {
            let expected = number(&case["expected"]);
            let value = evaluate(&tree, Mode::Real, &at).unwrap().re;
            assert!(same_digits(value, expected), "{case}: {value}");
            // Complex arithmetic agrees, the infinite interval of exponents aside.
            let complex = evaluate(&tree, Mode::Complex, &at).unwrap();
            assert!((complex - expected).norm() <= 1e-10 * expected.abs().max(1.0), "{case}: {complex}");
            // The compiled program has the same bits.
            let program = Program::parse_as(
                case["expanded"].as_str().unwrap(),
                Dialect::Eml(Mode::Real),
                &ReaderLimits::default(),
            )
            .unwrap();
            let real: Vec<f64> = at.iter().map(|x| x.re).collect();
            for tier in [Tier::Interpret, Tier::Cranelift, Tier::Auto] {
                assert_eq!(compiled(&program, tier, &real)[0].to_bits(), value.to_bits(), "{case}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 24);
}

#[test]
fn board_trees_are_those_of_the_derived_functions() {
    for (id, call) in [
        ("neg_shift", "neg(x)"),
        ("add_board", "add(x,y)"),
        ("rej_div_board_real", "div(x,y)"),
        ("sub_neg", "sub(x,y)"),
        ("ln_tiny", "ln(x)"),
    ] {
        let expanded = case(id)["expanded"].as_str().unwrap().to_string();
        assert_eq!(read(call).text(1000), read(&expanded).text(1000), "{id}");
    }
    // Advertised and actual numbers of nodes.
    for (call, advertised, nodes) in [
        ("exp(x)", 1, 1),
        ("ln(x)", 3, 3),
        ("sub(x,y)", 5, 5),
        ("neg(x)", 9, 15),
        ("add(x,y)", 11, 20),
        ("mul(x,y)", 13, 27),
        ("div(x,y)", 15, 42),
        ("pow(x,y)", 15, 31),
        ("recip(x)", 5, 19),
    ] {
        assert_eq!(read(call).sizes().nodes, nodes, "{call}, advertised with {advertised}");
    }
    assert_eq!(read("sqrt(x)").text(100), read("pow(x,0.5)").text(100));
    assert!(Derived::ALL.iter().all(|derived| Derived::from_name(derived.name()) == Some(*derived)));
}

#[test]
fn rejected_cases() {
    let fault = |id: &str, mode: Mode| {
        let case = case(id);
        let tree = read(case["expanded"].as_str().unwrap());
        evaluate(&tree, mode, &inputs(&tree, &case)).map_err(|fault| (fault.kind, tree.excerpt(fault.node)))
    };
    let inner = "eml(1,eml(1,eml(eml(1,1),1)))".to_string();
    for mode in [Mode::Real, Mode::Complex] {
        assert_eq!(fault("rej_neg15_ext", mode), Err((FaultKind::LogOfZero, inner.clone())));
        assert_eq!(fault("rej_subzero", mode), Err((FaultKind::LogOfZero, "eml(1,x)".into())));
    }
    assert_eq!(fault("rej_neg15_ext", Mode::Extended), Ok(Complex64::new(-2.0, 0.0)));
    assert_eq!(fault("rej_subzero", Mode::Extended), Ok(Complex64::new(-3.0, 0.0)));
    assert!(matches!(fault("rej_sin_zero", Mode::Complex), Err((FaultKind::LogOfZero, _))));
    assert!(matches!(fault("rej_div_board_real", Mode::Real), Err((FaultKind::LogOfNegative, _))));
    // Complex, the board's quotient is right.
    assert!((fault("rej_div_board_real", Mode::Complex).unwrap() - 3.0).norm() < 1e-14);
    let text = |id: &str| case(id)["expr"].as_str().unwrap().to_string();
    for (id, code) in [
        ("rej_sin", "not-a-primitive"),
        ("rej_pi", "not-a-primitive"),
        ("rej_plus", "infix"),
        ("rej_unbalanced", "unclosed"),
        ("rej_comma", "top-level-comma"),
    ] {
        assert_eq!(codes(&text(id), Grammar::Literal), [code], "{id}");
    }
    // Every case has been looked at here or above.
    let rejected = cases().iter().filter(|case| case["valid"] == false).count();
    assert_eq!(rejected, 9);
}

/// `EXL(LEdiv(0,x),y)` as a program.
fn construction(text: &str) -> String {
    let text = text.replace("e^-1", "(exp_-1)");
    let mut program = String::new();
    for part in text.to_lowercase().split_inclusive(['(', ')', ',']) {
        match part.strip_suffix('(') {
            Some(name) => program += &format!("({name} "),
            None => program += &part.replace(',', " "),
        }
    }
    program.replace("exp_", "exp ")
}

#[test]
fn constructions_of_the_family() {
    let mut seen = 0;
    for case in cases().iter().filter(|case| case["construction"].is_string()) {
        let text = construction(case["construction"].as_str().unwrap());
        let program = scheme(&text);
        let at: Vec<f64> = program.inputs().map(|name| case["inputs"][name].as_f64().unwrap()).collect();
        let value = compiled(&program, Tier::Interpret, &at)[0];
        assert!(same_digits(value, number(&case["expected"])), "{text}: {value}");
        let total = cost::price(&program, &[]).unwrap().total(Table::Checked);
        assert_eq!(total, case["f16_cost"].as_u64(), "{text}");
        seen += 1;
    }
    assert_eq!(seen, 7);
}

#[test]
fn arithmetic_of_version_4() {
    for (id, program) in [
        ("v4_sigmoid", "(/ 1 (+ 1 (exp (- x))))"),
        ("v4_arrhenius", "(* a (deml (/ ea (* r t)) 1))"),
        ("v4_nguyen1", "(+ (pow x 3) (pow x 2) x)"),
    ] {
        let pricing = cost::price(&scheme(program), &[]).unwrap();
        assert_eq!(pricing.total(Table::V4), case(id)["v4_table_cost"].as_u64(), "{id}");
    }
    let total = |text: &str, table| cost::price(&scheme(text), &["x".into()]).unwrap().total(table);
    assert_eq!(total("(+ x 1)", Table::V4), Some(3));
    assert_eq!(total("(+ y 1)", Table::V4), Some(11));
    assert_eq!(total("(abs x)", Table::V4), None);
    assert_eq!(total("(tanh x)", Table::V52), None);
    assert_eq!(cost::price(&scheme("(if x 1 2)"), &[]).unwrap_err()[0].code, "not-priced");
    // A tree costs its nodes, shared ones once.
    let tree =
        Program::parse_as("sub(x,sub(x,1))", Dialect::Eml(Mode::Real), &ReaderLimits::default()).unwrap();
    assert_eq!(cost::price(&tree, &[]).unwrap().total(Table::V53), Some(7));
}

#[test]
fn claims_and_constructions() {
    // Each construction computes its operation on its domain, with as many operators as the last column says.
    let reference = |of| match of {
        "exp" => "(exp x)",
        "ln" => "(log x)",
        "recip" => "(/ x)",
        "neg" => "(- x)",
        "mul" => "(* x y)",
        "div" => "(/ x y)",
        "sub" => "(- x y)",
        "sqrt" => "(sqrt x)",
        "pow" => "(pow x y)",
        "abs" => "(abs x)",
        _ => "(+ x y)",
    };
    let points = [(0.3, 0.7), (1.0, 2.5), (2.5, 0.4), (7.25, 3.0)];
    let close = |value: f64, expected: f64| (value - expected).abs() <= 1e-13 * expected.abs().max(1.0);
    let at = |program: &Program, (x, y): (f64, f64)| -> f64 {
        let named = |name: &str| if name == "x" { x } else { y };
        let inputs: Vec<f64> = program.inputs().map(named).collect();
        compiled(program, Tier::Interpret, &inputs)[0]
    };
    for entry in cost::ENTRIES {
        let Some(construction) = entry.construction else { continue };
        let (tree, plain) = (scheme(construction), scheme(reference(entry.name)));
        for point in points {
            assert!(close(at(&tree, point), at(&plain, point)), "{construction} at {point:?}");
        }
        let operators = cost::price(&tree, &[]).unwrap().total(Table::Checked);
        assert_eq!(operators, cost::cost(entry.of, Table::Checked).map(u64::from), "{construction}");
    }
    for published in cost::PUBLISHED {
        if let Some(priced) = published.priced_as {
            let total = cost::price(&scheme(priced), &[]).unwrap().total(Table::V4);
            assert_eq!(total, published.claim.map(u64::from), "{}", published.name);
        }
        let Some(construction) = published.construction else { continue };
        let (tree, formula) = (scheme(construction), scheme(published.formula));
        for x in [0.2, 0.9, 1.5, 3.0] {
            let named = |name: &str| match name {
                "a" => 3.5,
                "c" => 2.25,
                "lnc" => 2.25f64.ln(),
                _ => x,
            };
            let of = |program: &Program| {
                let inputs: Vec<f64> = program.inputs().map(named).collect();
                compiled(program, Tier::Interpret, &inputs)[0]
            };
            assert!(close(of(&tree), of(&formula)), "{} at {x}", published.name);
        }
        let operators = cost::price(&tree, &[]).unwrap().total(Table::Checked);
        assert_eq!(operators, Some(u64::from(published.operators)), "{}", published.name);
    }
    // Published constructions that compute something else.
    assert_eq!(at(&scheme("(exl 0 (deml 0 x))"), (2.0, 0.0)), (1.0 - 2f64.ln()).ln());
    assert_eq!(at(&scheme("(deml 0 x)"), (2.0, 0.0)), 1.0 - 2f64.ln());
    // As a power epl takes every base; by a logarithm it does not.
    assert_eq!(at(&scheme("(epl 1/2 (epl 2 x))"), (-0.5, 0.0)), 0.5);
    assert!(at(&scheme("(exp (* 1/2 (log (exp (* 2 (log x))))))"), (-0.5, 0.0)).is_nan());
}

#[test]
fn operators_of_the_census() {
    // Values at (1, 2), recomputed; the census prints others for eal, deal, exl, dexl, edl, dedl, lead, elad and lex.
    for (name, expected) in [
        ("eml", 2.025135),
        ("emn", -2.025135),
        ("deml", -0.325268),
        ("demn", 0.325268),
        ("eal", 3.411429),
        ("deal", 1.061027),
        ("exl", 1.884169),
        ("dexl", 0.254995),
        ("edl", 3.921652),
        ("dedl", 0.530738),
        ("epl", 2.0),
        ("depl", 0.5),
        ("lead", 1.551445),
        ("elad", 5.436564),
        ("elsb", 1.359141),
        ("lex", -0.330893),
    ] {
        let value = compiled(&scheme(&format!("({name} x y)")), Tier::Interpret, &[1.0, 2.0])[0];
        assert!((value - expected).abs() < 5e-7, "{name}: {value}");
    }
    // Every tier has the same bits, derivatives included.
    let family = Primitive::all().filter(|primitive| primitive.info().family == "eml");
    let mut seen = 0;
    for primitive in family {
        let program = scheme(&format!("({} x y)", primitive.name()));
        for (x, y) in
            [(1.0, 2.0), (-0.5, 0.25), (0.0, 1.0), (3.5, -1.5), (-745.0, 3.0), (800.0, 0.5), (2.0, 0.0)]
        {
            let bits = |tier| -> Vec<u64> {
                let canonical = |v: f64| if v.is_nan() { f64::NAN.to_bits() } else { v.to_bits() };
                compiled(&program, tier, &[x, y]).into_iter().map(canonical).collect()
            };
            assert_eq!(bits(Tier::Interpret), bits(Tier::Cranelift), "{} {x} {y}", primitive.name());
            assert_eq!(bits(Tier::Interpret), bits(Tier::Auto), "{} {x} {y}", primitive.name());
        }
        seen += 1;
    }
    assert_eq!(seen, 25);
    // Left times exp, right times −1/y.
    let gradient = compiled(&scheme("(eml x y)"), Tier::Interpret, &[0.0, 4.0]);
    assert_eq!(gradient, [1.0 - 4f64.ln(), 1.0, -0.25]);
}

#[test]
fn any_text_is_read_or_refused() {
    let words = [
        "eml", "(", ")", ",", "1", "x", "2.5", "-3e2", "neg", "add", " ", ";", "\n", ".", "+", "π", "e",
        "pi", "1e999",
    ];
    let mut state = 7u64;
    let (mut read, mut refused) = (0, 0);
    for _ in 0..20_000 {
        let mut text = String::new();
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % below
        };
        for _ in 0..draw(14) {
            text += words[draw(words.len())];
        }
        for grammar in [Grammar::Strict, Grammar::Literal] {
            match reader::read(&text, grammar, &ReaderLimits::default()) {
                Ok(tree) => {
                    let again = tree.text(1000).map(|text| self::read(&text).text(1000));
                    assert_eq!(again, Some(tree.text(1000)), "{text}");
                    read += 1;
                }
                Err(errors) => {
                    let inside =
                        |span: neural_compiler::Span| text.get(span.start as usize..span.end as usize);
                    assert!(errors.iter().all(|error| inside(error.span).is_some()), "{text}: {errors:?}");
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 500 && refused > 500, "{read} {refused}");
}

#[test]
fn stable_log_of_sum() {
    let lead = scheme("(lead x r)");
    let at = |x: f64, r: f64| compiled(&lead, Tier::Interpret, &[x, r]);
    assert_eq!(at(1000.0, 1.0), [1000.0, 1.0, 0.0]);
    assert_eq!(at(-1000.0, 1.0)[0], 0.0);
    assert_eq!(at(-40.0, 1.0)[0], (-40f64).exp());
    assert_eq!(at(0.0, 1.0), [std::f64::consts::LN_2, 0.5, 0.5]);
    assert_eq!(at(-800.0, 0.0)[0], -800.0);
    assert_eq!(at(3.0, 0.0)[..2], [3.0, 1.0]);
    assert!((at(0.0, -0.5)[0] - 0.5f64.ln()).abs() < 1e-15);
    assert!(at(0.0, -2.0)[0].is_nan());
    // The same in binary32, whose exponentials overflow sooner.
    let options = CompileOptions::default().dtype(Dtype::F32).tier(Tier::Interpret);
    let kernel = lead.compile(&options).unwrap();
    for (x, r, expected) in [(-100.0, 0.0, -100.0), (100.0, 1.0, 100.0), (-100.0, 1.0, 0.0)] {
        let mut value = [f32::NAN];
        evaluate_row(&kernel, &[x, r], &[], &mut value, &mut [], &mut Workspace::new()).unwrap();
        assert!((value[0] - expected).abs() < 1e-30, "{x} {r}: {}", value[0]);
    }
    // The slope is σ(x − ln r), which is σ(x) only for r = 1.
    let slope = at(0.7, 3.0)[1];
    assert!((slope - 1.0 / (1.0 + 3.0 * (-0.7f64).exp())).abs() < 1e-15);
}

#[test]
fn what_the_reader_refuses() {
    use Grammar::{Literal, Strict};
    for (text, grammar, code) in [
        ("eml.constructor(1)", Literal, "member-access"),
        ("x.y", Literal, "member-access"),
        ("Math.sin(x)", Literal, "member-access"),
        ("eml(1,2)", Strict, "not-strict"),
        ("neg(x)", Strict, "not-strict"),
        ("eml(x)", Literal, "arity"),
        ("add(1,2,3)", Literal, "arity"),
        ("exp", Literal, "arity"),
        ("", Literal, "empty"),
        ("; nothing", Literal, "empty"),
        ("x)", Literal, "unopened"),
        ("eml(,1)", Literal, "operand"),
        ("eml(1,)", Literal, "operand"),
        ("eml(x 1)", Literal, "trailing"),
        ("x y", Literal, "trailing"),
        ("(x)", Literal, "token"),
        ("eml(x,\"1\")", Literal, "token"),
        ("eml(x,1e999)", Literal, "number"),
        ("-x", Literal, "infix"),
        ("eml(x,x*x)", Literal, "infix"),
        ("x=1", Literal, "infix"),
        ("e", Literal, "not-a-primitive"),
    ] {
        assert_eq!(codes(text, grammar), [code], "{text}");
    }
    assert!(codes("eml(x , ; the rest\n 1.0)", Strict).is_empty());
    assert!(codes("eml(-1.5e-3,x1)", Literal).is_empty());
    // Tokens that the text ends with are whole.
    for text in ["3.25", "-2.5e-7", "x12", "_a_1"] {
        assert_eq!(read(text).text(0).as_deref(), Some(text));
    }
    // Errors that hide nothing are reported together.
    assert_eq!(codes("eml(sin(pi),cos(1))", Literal).len(), 3);
    let errors = reader::read("eml(x, eml.constructor(1))", Literal, &ReaderLimits::default()).unwrap_err();
    assert_eq!((errors[0].span.start, errors[0].span.end), (10, 11));
}

#[test]
fn limits_of_the_reader() {
    let nested = |depth: usize| format!("{}x{}", "eml(1,".repeat(depth), ")".repeat(depth));
    let limits = ReaderLimits::default();
    let tree = reader::read(&nested(limits.nesting), Grammar::Strict, &limits).unwrap();
    assert_eq!((tree.sizes().nodes, tree.sizes().depth), (1_000_000, 1_000_000));
    let errors = reader::read(&nested(limits.nesting + 1), Grammar::Strict, &limits).unwrap_err();
    assert_eq!((errors[0].code, errors[0].span.start), ("too-deep", 6_000_000));
    let long = ReaderLimits { source_bytes: 10, ..limits };
    assert_eq!(
        reader::read("eml(1,eml(1,1))", Grammar::Strict, &long).unwrap_err()[0].code,
        "source-too-long"
    );
    // A million nodes that are not deep: 2^20 leaves, all variables distinct.
    let mut row: Vec<String> = (0..1 << 12).map(|k| format!("x{k}")).collect();
    while row.len() > 1 {
        row = row.chunks(2).map(|pair| format!("eml({},{})", pair[0], pair[1])).collect();
    }
    assert_eq!(read(&row[0]).sizes().shared_nodes, (1 << 12) - 1);
}

#[test]
fn deep_programs_compile() {
    let text = format!("{}x{}", "eml(1,".repeat(20_000), ")".repeat(20_000));
    let program = Program::parse_as(&text, Dialect::Eml(Mode::Real), &ReaderLimits::default()).unwrap();
    let value = compiled(&program, Tier::Interpret, &[1.5])[0];
    let tree = read(&text);
    assert_eq!(value.to_bits(), evaluate(&tree, Mode::Real, &[1.5.into()]).unwrap().re.to_bits());
}

#[test]
fn inputs_stand_in_the_order_of_the_text() {
    // The shared operand is a definition, and stands before what uses it.
    let program = Program::parse_as(
        "eml(eml(b,eml(a,1)),eml(a,1))",
        Dialect::Eml(Mode::Real),
        &ReaderLimits::default(),
    )
    .unwrap();
    assert_eq!(program.inputs().collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn arithmetic_in_high_precision() {
    let mut context = Context::new(256).unwrap();
    for (re, im) in [(1.5, 0.25), (-0.75, 2.0), (-3.0, -0.5), (1e-3, 40.0), (0.25, -1e-3), (-2.0, 0.0)] {
        let z = Complex64::new(re, im);
        let big = context.complex(z);
        let log = context.ln(&big);
        assert!((log.to_complex() - z.ln()).norm() <= 4e-16 * z.ln().norm(), "{z}");
        let again = context.exp(&log).unwrap();
        let error = context.abs(&context.sub(&again, &big));
        assert!(nc_eml::precise::to_f64(&error) <= 1e-73 * z.norm(), "{z}");
    }
    let huge = context.real(f64::MAX);
    assert!(context.exp(&huge).is_none());
}

fn verdict(target: &str, text: &str, options: &Options) -> check::Verdict {
    let (target, variables) = Target::parse(target).unwrap();
    check::check(text, target, &variables, options).unwrap()
}

#[test]
fn verdicts() {
    let (strict, literal) = (Options::default(), Options { grammar: Grammar::Literal, ..Options::default() });
    let text = |id: &str| case(id)["expanded"].as_str().unwrap().to_string();
    for (target, id, modes) in [
        ("neg", "neg_k17", "real complex extended"),
        ("neg(x)", "neg_14", "real complex extended"),
        ("add", "add_k19", "real complex extended"),
        ("mul", "mul_blog", "complex"),
        ("mul(x,y)", "mul_10", "complex"),
        ("pow", "pow_k25", ""),
        ("recip", "inv_blog", "complex"),
        ("square", "sq_k17", "complex"),
        ("successor", "succ_9", "real complex extended"),
        ("minus-one", "minus_one", "real complex extended"),
        ("zero", "zero", "real complex extended"),
        ("i", "i", "complex"),
    ] {
        let verdict = verdict(target, &text(id), &strict);
        assert!(verdict.valid(), "{id}: {:?}", verdict.reason());
        if !modes.is_empty() {
            let names: Vec<&str> = verdict.modes.iter().map(|mode| mode.name()).collect();
            assert_eq!(names.join(" "), modes, "{id}");
        }
    }
    // Over the reals the short product is right only for positive x.
    let real = Options { mode: Mode::Real, ..strict };
    assert!(!verdict("mul", &text("mul_10"), &real).valid());
    // `ln 0` inside, though the value would be finite.
    let extended = verdict("neg", &text("rej_neg15_ext"), &strict);
    assert_eq!((extended.valid(), extended.modes), (false, vec![Mode::Extended]));
    // The board's own point 0 refuses the trees for sine and cosine; they are right elsewhere.
    for (target, id) in [("sin", "rej_sin_zero"), ("cos", "cos_cplx")] {
        let verdict = verdict(target, &text(id), &strict);
        let failed: Vec<f64> =
            verdict.points.iter().filter(|point| !point.passed()).map(|point| point.at[0]).collect();
        assert_eq!(failed, [0.0], "{id}");
        assert!(verdict.precise.iter().all(check::AtPoint::passed), "{id}");
    }
    // Near misses: −x + 1.58e-11 passes the published tolerance everywhere.
    let miss = verdict("neg", "eml(-24.8716,eml(x,1))", &literal);
    assert!(miss.points.iter().all(check::AtPoint::passed));
    assert!(!miss.valid() && miss.reason().unwrap().contains("high precision"), "{:?}", miss.reason());
    // A coincidence: over the reals the short −x is right at all points of the table and below e, not beyond.
    let beyond = Options { domain: Some((-9.0, 9.0)), ..real };
    let half = verdict("neg", &text("neg_k17"), &beyond);
    assert!(half.points.iter().all(check::AtPoint::passed));
    for point in &half.precise {
        assert_eq!(point.passed(), point.at[0] < std::f64::consts::E, "{point:?}");
    }
    assert!(!half.valid());
    // A rounded constant is no constant; the decimal agrees to 17 digits.
    let pi = verdict("pi", "3.141592653589793", &literal);
    assert!(pi.points[0].passed() && !pi.precise[0].passed(), "{pi:?}");
    // −x + 10⁻¹¹³, and a term of which no digit shows: e^−1000 is 0 in doubles, and to 434 digits.
    let near = "eml(eml(1,eml(eml(eml(eml(1,eml(1,1)),1),1),1)),eml(x,1))";
    for (text, options, words) in [
        (near, &strict, "allowed 1e-150"),
        ("eml(-1000,eml(x,1))", &literal, "too small to be told from none at eml(-1000,eml(x,1))"),
        ("eml(eml(-1000,1),eml(eml(1,eml(eml(1,eml(x,1)),1)),1))", &literal, "error"),
        ("eml(eml(1,eml(eml(1,x),1)),eml(eml(-1000,1),1))", &literal, "too small"),
    ] {
        let target = if text.contains("-1000,1),1))") { "identity" } else { "neg" };
        let options = &Options { domain: Some((0.5, 2.0)), ..*options };
        let verdict = verdict(target, text, options);
        assert!(!verdict.valid(), "{text}");
        let precise = verdict.precise.iter().find(|point| !point.passed()).unwrap();
        let said = match &precise.value {
            Err(fault) => format!("{} at {}", fault.kind, verdict.tree.excerpt(fault.node)),
            Ok(_) => format!("error {:.3e}, allowed {:e}", precise.error, precise.tolerance),
        };
        assert!(said.contains(words), "{text}: {said}");
    }
}

#[test]
fn beside_the_real_line() {
    let domain = |target: &str, text: &str, options: &Options| {
        let verdict = verdict(target, text, options);
        assert!(verdict.valid(), "{target}: {:?}", verdict.reason());
        verdict.beyond.map(|beyond| beyond.domain())
    };
    let both = Some("real line and complex numbers beside it");
    let strict = Options::default();
    assert_eq!(domain("exp", "eml(x,1)", &strict), both);
    assert_eq!(domain("ln", "eml(1,eml(eml(1,x),1))", &strict), both);
    // x by way of ln(exp x): right where the imaginary part is within ±π.
    let identity = "eml(1,eml(eml(1,eml(x,1)),1))";
    assert_eq!(domain("identity", identity, &strict), both);
    let far = Options { imaginary: (4.0, 9.0), ..strict };
    assert_eq!(domain("identity", identity, &far), Some("real line only"));
    let some = Options { imaginary: (0.0, 6.0), ..strict };
    assert_eq!(
        domain("identity", identity, &some),
        Some("real line and some of the complex numbers beside it")
    );
    assert_eq!(domain("exp", "eml(x,1)", &Options { mode: Mode::Real, ..strict }), None);
    assert_eq!(domain("minus-one", case("minus_one")["expanded"].as_str().unwrap(), &strict), None);
}

/// The verdict on a tree of many nodes looks at fewer points, and at two at least.
#[test]
fn large_trees_get_a_verdict() {
    let identity = |times: usize| {
        let (before, after) = ("eml(1,eml(eml(1,eml(".repeat(times), ",1)),1))".repeat(times));
        format!("{before}x{after}")
    };
    for (times, points) in [(100, 8), (7000, 3)] {
        let verdict = verdict("identity", &identity(times), &Options::default());
        assert!(verdict.valid(), "{:?}", verdict.reason());
        assert_eq!((verdict.sizes.shared_nodes, verdict.precise.len()), (4 * times, points));
    }
}

#[test]
fn variables_of_the_target() {
    let (target, names) = Target::parse("sub(b, a)").unwrap();
    let text = "eml(eml(1,eml(eml(1,b),1)),eml(a,1))";
    assert!(check::check(text, target, &names, &Options::default()).unwrap().valid());
    let wrong = check::check("eml(x,1)", target, &names, &Options::default()).unwrap_err();
    assert_eq!((wrong[0].code, wrong[0].span.start), ("unknown-variable", 4));
    for text in ["sinus", "sub(a)", "sub(a,a)", "pi(x)", "sub(a,b"] {
        assert!(Target::parse(text).is_none(), "{text}");
    }
}

/// The derivatives by the variables that the tree uses, with their names.
fn cotangents(tree: &Tree, mode: Mode, inputs: &[Complex64]) -> Vec<(String, Complex64)> {
    let found = diagnose(tree, mode, inputs).unwrap();
    let variables = tree.iter().filter_map(|(node, kind)| match kind {
        Kind::Variable(index) => {
            Some((tree.variables()[index as usize].clone(), found.cotangents[node].value()))
        }
        Kind::One | Kind::Number(_) | Kind::Eml(..) => None,
    });
    variables.collect()
}

/// What a diagnosis says of the variables is what the adjoint kernel computes.
#[test]
fn cotangents_of_variables_are_the_gradient() {
    let mut compared = 0;
    for case in cases() {
        let Some(text) = case["expanded"].as_str() else { continue };
        let tree = read(text);
        let inputs = inputs(&tree, &case);
        if evaluate(&tree, Mode::Real, &inputs).is_err() {
            continue;
        }
        let program = Program::parse_as(text, Dialect::Eml(Mode::Real), &ReaderLimits::default()).unwrap();
        let names: Vec<&str> = program.inputs().collect();
        let value = |name: &&str| inputs[tree.variables().iter().position(|known| known == name).unwrap()].re;
        let point: Vec<f64> = names.iter().map(value).collect();
        let outputs = compiled(&program, Tier::Interpret, &point);
        for mode in [Mode::Real, Mode::Complex] {
            for (name, cotangent) in cotangents(&tree, mode, &inputs) {
                let place = names.iter().position(|known| *known == name).unwrap();
                let expected = outputs[1 + place];
                let off = (cotangent - expected).norm();
                // The modes round differently, and trees with large headroom amplify that.
                let tolerance = if mode == Mode::Real { 1e-12 } else { 1e-9 };
                assert!(
                    off <= tolerance * expected.abs().max(1.0),
                    "{text} by {name}: {cotangent} {expected}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "{compared}");
}

/// The product along a reported path is that of its factors.
#[test]
fn reported_paths_have_the_products_they_claim() {
    let tree = read("eml(eml(x,eml(y,x)),eml(eml(x,1),eml(x,eml(1,y))))");
    let inputs = [0.3, 1.7].map(Complex64::from);
    let found = diagnose(&tree, Mode::Real, &inputs).unwrap();
    for path in [&found.steepest, &found.flattest, &found.left, &found.right] {
        let path = path.as_ref().unwrap();
        let (mut node, mut log) = (path.start, 0.0);
        for side in &path.sides {
            let Kind::Eml(left, right) = tree.kind(node) else { panic!("{path:?} passes a leaf") };
            (node, log) = match side {
                Side::Left => (left, log + found.values[left].re),
                Side::Right => (right, log - found.values[right].norm().ln()),
            };
        }
        assert_eq!(node, path.end);
        assert!((log - path.log).abs() < 1e-12, "{path:?}: {log}");
    }
}

/// Where binary64 has the values, extended numbers are the same to their bounds.
#[test]
fn extended_numbers_agree_with_the_real_mode() {
    let mut compared = 0;
    for case in cases() {
        let Some(text) = case["expanded"].as_str() else { continue };
        let tree = read(text);
        let inputs = inputs(&tree, &case);
        let Ok(value) = evaluate(&tree, Mode::Real, &inputs) else { continue };
        let point: Vec<f64> = inputs.iter().map(|input| input.re).collect();
        let extended = match scaled::evaluate(&tree, &point) {
            Ok(extended) => extended,
            // What only rounding tells from 0 has no logarithm here.
            Err(fault) => {
                assert_eq!(fault.kind, FaultKind::Unsettled, "{text}");
                continue;
            }
        };
        // Both are computed by the same functions in the same order.
        assert_eq!(extended.value().map(f64::to_bits), Some(value.re.to_bits()), "{text}");
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
}
