//! Trajectories against closed forms, reference end states and each other.

use std::f64::consts::TAU;

use nc_model::ode::{Event, Experiment, Method, Ode, OdeError, State, System, Trajectories};
use neural_compiler::{CompileOptions, Dialect, Program, Tier};

fn corpus(name: &str) -> String {
    let path = format!("{}/../../corpus/trajectories/{name}.scm", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("a program of the corpus")
}

const PENDULUM: &str = "(values (theta omega) (omega (- (* k (sin theta)))))";

fn pendulum<'a>(system: &'a System<'a>, times: &[f64]) -> Ode<'a> {
    Ode::new(system)
        .state(State::new("theta", 1.0))
        .state(State::new("omega", 0.0))
        .parameter(State::new("k", 9.81))
        .times(times)
}

/// The least number of digits over all states at the end, numbers below a hundredth counting as a hundredth.
fn digits(found: &Trajectories, reference: &[f64]) -> f64 {
    let last = found.t.len() - 1;
    let mut all = Vec::new();
    for (name, shape) in &found.states {
        let state = found.state(name, 0);
        all.extend_from_slice(&state[last * shape.len()..]);
    }
    assert_eq!(all.len(), reference.len());
    let of = |(x, reference): (&f64, &f64)| -((x - reference).abs() / (1e-2 + reference.abs())).log10();
    all.iter().zip(reference).map(of).fold(f64::INFINITY, f64::min)
}

/// A program, where it starts, its parameters, the end, the method, the reference and how many digits are expected.
type Case<'a> = (&'a str, Vec<State>, Vec<State>, f64, Method, &'a [f64], f64);

/// References: the test set for initial value problems, and mpmath.
#[test]
fn end_states() {
    let scalar = |list: &[(&str, f64)]| -> Vec<State> {
        list.iter().map(|&(name, value)| State::new(name, value)).collect()
    };
    let cases: [Case<'_>; 6] = [
        (
            "lotka-volterra",
            scalar(&[("x", 4.0), ("y", 1.0)]),
            scalar(&[("alpha", 1.0), ("beta", 0.5), ("gamma", 0.5), ("delta", 0.25)]),
            12.0,
            Method::Auto,
            &[2.330_390_403_503_962_6, 4.132_134_401_010_998],
            10.0,
        ),
        (
            "robertson",
            scalar(&[("y1", 1.0), ("y2", 0.0), ("y3", 0.0)]),
            Vec::new(),
            1e11,
            Method::Auto,
            &[2.083_340_149_701_255e-8, 8.333_360_770_334_713e-14, 0.999_999_979_166_505],
            10.5,
        ),
        (
            "van-der-pol",
            scalar(&[("x", 2.0), ("v", 0.0)]),
            scalar(&[("mu", 1000.0)]),
            2000.0,
            Method::Auto,
            &[1.706_167_732_170_469, -8.928_097_010_248_125e-4],
            9.5,
        ),
        (
            "hires",
            vec![State::vector("y", vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0057])],
            Vec::new(),
            321.8122,
            Method::Rodas5p,
            &[
                7.371_312_573_325_668e-4,
                1.442_485_726_316_185e-4,
                5.888_729_740_967_575e-5,
                1.175_651_343_283_149e-3,
                2.386_356_198_831_331e-3,
                6.238_968_252_742_796e-3,
                2.849_998_395_185_769e-3,
                2.850_001_604_814_231e-3,
            ],
            10.0,
        ),
        (
            "oregonator",
            scalar(&[("x", 1.0), ("y", 2.0), ("z", 3.0)]),
            Vec::new(),
            360.0,
            Method::Auto,
            &[1.000_814_870_318_523, 1_228.178_521_549_917, 132.055_494_284_670_6],
            9.0,
        ),
        (
            "arenstorf",
            scalar(&[("x", 0.994), ("y", 0.0), ("u", 0.0), ("v", -2.001_585_106_379_082_5)]),
            Vec::new(),
            17.065_216_560_157_96,
            Method::Dop853,
            &[0.994, 0.0, 0.0, -2.001_585_106_379_082_5],
            3.5,
        ),
    ];
    for (name, states, parameters, end, method, reference, least) in cases {
        let text = corpus(name);
        let system = System::new(text).named(name);
        let mut ode = Ode::new(&system).times([0.0, end]).method(method).tolerances(1e-10, 1e-12);
        for state in states {
            ode = ode.state(state);
        }
        for parameter in parameters {
            ode = ode.parameter(parameter);
        }
        let found = ode.run().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(found.broken.is_empty(), "{name}: {:?}", found.broken);
        let digits = digits(&found, reference);
        println!("{name:16} {:8} {digits:5.1} digits, {} steps", found.methods[0], found.work[0][0]);
        assert!(digits >= least, "{name}: {digits} digits");
        let stiff = matches!(name, "robertson" | "van-der-pol" | "oregonator");
        if method == Method::Auto {
            assert_eq!(found.stiff[0], stiff, "{name}");
            assert_eq!(found.methods[0], if stiff { "rodas5p" } else { "dop853" });
        }
    }
}

/// Halving the step divides the error of a whole interval by two to the power of the order.
#[test]
fn orders_of_convergence() {
    for (method, order, coarse) in
        [("rk4", 4, 16.0), ("tsit5", 5, 48.0), ("dop853", 8, 4.0), ("rodas5p", 5, 24.0)]
    {
        let text = format!(
            "(define (f t y) [(- (* 2 t (ref y 0)) (* (ref y 1) (ref y 1))) (* -1 (ref y 0) (cos t))])
             (loop ((i 0) (y [1 0.5])) (if (>= i n) y (recur (+ i 1) ({method} f (/ i n) (/ n) y))))"
        );
        let kernel =
            Program::parse(&text).expect("a program").compile(&Default::default()).expect("a kernel");
        let at = |n: f64| -> Vec<f64> {
            kernel.columns(&[&[n][..]]).expect("values").into_iter().map(|column| column[0]).collect()
        };
        let exact = at(1024.0);
        let error = |n: f64| at(n).iter().zip(&exact).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let found = (error(coarse) / error(2.0 * coarse)).log2();
        println!("{method:8} order {found:.2}");
        assert!((found - f64::from(order)).abs() < 0.6, "{method}: {found}");
    }
}

#[test]
fn derivatives_by_starts_and_parameters() {
    let system = System::new(PENDULUM);
    // 30 digits by quadrature and elliptic functions.
    let reference = [("theta", "theta", -3.963_877_511_229_04), ("k", "theta", 1.343_807_091_513_572_5)];
    for method in [Method::Dop853, Method::Tsit5] {
        let ode = pendulum(&system, &[0.0, 4.0, 10.0])
            .method(method)
            .tolerances(1e-12, 1e-12)
            .gradient(["theta", "k"]);
        let found = ode.run().expect("a trajectory");
        for (by, of, expected) in reference {
            let found = found.gradient(by, of, 0).expect("a derivative")[2];
            assert!((found - expected).abs() < 1e-9, "d{of}/d{by} = {found}");
        }
        assert_eq!(found.gradient("theta", "theta", 0).expect("a derivative")[0], 1.0);
        assert_eq!(found.gradient("k", "omega", 0).expect("a derivative")[0], 0.0);
    }
}

/// Of stiff systems against thirty digits: `benches/references/stiff_gradients.py` has them by Gauss's method and implicit differentiation. A row
/// for each state, by the starts of the states and by the constants.
#[test]
fn derivatives_of_stiff_systems() {
    let robertson = "(define r1 (* k1 y1)) (define r2 (* k2 y2 y3)) (define r3 (* k3 (square y2)))
        (values (y1 (- r2 r1)) (y2 (- r1 r2 r3)) (y3 r3))";
    let by_reference = [
        [
            0.784_484_495_786_697_4,
            0.721_206_418_411_111_9,
            0.721_212_890_879_549_7,
            -4.247_558_771_705_733,
            1.3730807973446248e-05,
            -2.2883550889056694e-09,
        ],
        [
            3.414164122661049e-06,
            9.548565337890753e-07,
            9.55108086797759e-07,
            4.591196249253894e-05,
            -2.3571921138463333e-10,
            -1.1380595093501273e-13,
        ],
        [
            0.215_512_090_049_179_84,
            0.278_792_626_732_354_3,
            0.278_786_154_012_363_6,
            4.247_512_859_743_24,
            -1.3730572254234863e-05,
            2.2884688948566043e-09,
        ],
    ];
    let states = [("y1", 1.0), ("y2", 0.0), ("y3", 0.0)];
    let constants = [("k1", 0.04), ("k2", 1e4), ("k3", 3e7)];
    stiff(robertson, states, constants, 40.0, by_reference, 1e-11);
    let oregonator =
        "(values (x (* s (+ y (* x (- 1 (* q x) y))))) (y (/ (- z (* (+ 1 x) y)) s)) (z (* w (- x z))))";
    let by_reference = [
        [
            -1.2216250027161665e-07,
            0.000_787_340_533_268_435,
            6.79773033691764e-05,
            1.8231332409027633e-05,
            0.001_192_804_724_783_142_8,
            78.888_239_638_795_23,
        ],
        [
            0.279_200_697_145_300_16,
            -1_799.455_850_122_069_3,
            -155.361_182_429_411_06,
            -41.667_513_355_657_56,
            -2_726.154_379_145_561_5,
            -180_299_977.157_368_6,
        ],
        [
            -4.906_688_244_546_958,
            31_623.735_028_785_68,
            2_730.325_874_109_798,
            412.725_403_031_571_5,
            -94_277.291_145_027,
            -1_233_379_175.704_098_7,
        ],
    ];
    let states = [("x", 1.0), ("y", 2.0), ("z", 3.0)];
    let constants = [("s", 77.27), ("w", 0.161), ("q", 8.375e-6)];
    stiff(oregonator, states, constants, 30.0, by_reference, 1e-9);
}

fn stiff(
    text: &str,
    states: [(&str, f64); 3],
    constants: [(&str, f64); 3],
    end: f64,
    by_reference: [[f64; 6]; 3],
    bound: f64,
) {
    let system = System::new(text);
    let names = states.iter().chain(&constants).map(|(name, _)| *name);
    let mut ode = Ode::new(&system)
        .times([0.0, end])
        .method(Method::Rodas5p)
        .tolerances(1e-12, 1e-16)
        .gradient(names.clone());
    for (name, value) in states {
        ode = ode.state(State::new(name, value));
    }
    for (name, value) in constants {
        ode = ode.parameter(State::new(name, value));
    }
    let found = ode.run().expect("a trajectory");
    for ((of, _), row) in states.iter().zip(by_reference) {
        for (by, expected) in names.clone().zip(row) {
            let found = found.gradient(by, of, 0).expect("a derivative")[1];
            assert!((found / expected - 1.0).abs() < bound, "d{of}/d{by} = {found:e}, {expected:e}");
        }
    }
}

/// A ball that bounces: times and speeds of all impacts, states behind them and their derivatives in closed form.
#[test]
fn through_events() {
    let system = System::new(corpus("ball"));
    let (when, jump) = (System::new("h"), System::new("(* -0.8 v)"));
    let (g, h0) = (9.81, 1.0);
    let times = [0.0, 0.5, 1.0, 1.5, 2.0];
    for method in [Method::Dop853, Method::Tsit5, Method::Rodas5p, Method::Auto] {
        let event = Event { jumps: vec![("v".into(), &jump)], ..Event::new(&when) };
        let found = Ode::new(&system)
            .state(State::new("h", h0))
            .state(State::new("v", 0.0))
            .parameter(State::new("g", g))
            .times(times)
            .method(method)
            .event(event)
            .gradient(["g", "h"])
            .run()
            .expect("a trajectory");
        // With u the speed of the first impact at t₁, impact k + 1 follows impact k after 2 · 0.8ᵏ u / g.
        let height = |g: f64, h0: f64, t: f64| -> f64 {
            let u = (2.0 * g * h0).sqrt();
            let (mut at, mut speed) = (u / g, 0.8 * u);
            if t < at {
                return h0 - g * t * t / 2.0;
            }
            while t > at + 2.0 * speed / g {
                at += 2.0 * speed / g;
                speed *= 0.8;
            }
            speed * (t - at) - g * (t - at).powi(2) / 2.0
        };
        for (k, &t) in times.iter().enumerate() {
            let found = found.state("h", 0)[k];
            assert!((found - height(g, h0, t)).abs() < 1e-10, "{method:?}: h({t}) = {found}");
        }
        let u = (2.0 * g * h0).sqrt();
        let mut at = u / g;
        let mut speed = u;
        for event in &found.events[0] {
            assert!((event.t - at).abs() < 1e-10 && (event.y[1] + speed).abs() < 1e-9, "{event:?}");
            speed *= 0.8;
            at += 2.0 * speed / g;
        }
        assert_eq!(found.events[0].len(), 3);
        let eps = 1e-6;
        for (by, difference) in [
            ("g", (height(g + eps, h0, 2.0) - height(g - eps, h0, 2.0)) / (2.0 * eps)),
            ("h", (height(g, h0 + eps, 2.0) - height(g, h0 - eps, 2.0)) / (2.0 * eps)),
        ] {
            let found = found.gradient(by, "h", 0).expect("a derivative")[4];
            assert!(
                (found - difference).abs() < 1e-7 * difference.abs().max(1.0),
                "{method:?} by {by}: {found}, {difference}"
            );
        }
        let event = Event { last: Some(1), ..Event::new(&when) };
        let stopped = Ode::new(&system)
            .state(State::new("h", h0))
            .state(State::new("v", 0.0))
            .parameter(State::new("g", g))
            .times(times)
            .method(method)
            .event(event)
            .run()
            .expect("a trajectory");
        assert!(stopped.broken.is_empty(), "an event that ends is no failure");
        assert!((stopped.ends[0] - u / g).abs() < 1e-10);
        assert!(stopped.state("h", 0)[1..].iter().all(|h| h.is_nan()));
    }
}

/// Events that stay at zero are found where they get there, the first of several in a step comes first, and a jump out of all
/// numbers breaks the trajectory. Where there is no value there is no derivative.
#[test]
fn awkward_events() {
    let line = System::new("1");
    let at = |when: &str, jump: Option<&str>| {
        let when = System::new(when);
        let jump = jump.map(System::new);
        let jumps = jump.iter().map(|jump| ("x".to_string(), jump)).collect();
        let event = Event { last: Some(if jump.is_some() { 9 } else { 1 }), jumps, ..Event::new(&when) };
        Ode::new(&line)
            .state(State::new("x", 0.0))
            .times([0.0, 1.0, 2.0])
            .method(Method::Tsit5)
            .event(event)
            .gradient(["x"])
            .run()
            .expect("a trajectory")
    };
    for (when, expected) in [
        ("(max 0 (- 0.5 x))", 0.5),
        ("(< x 0.5)", 0.5),
        ("(* (- x 0.25) (- x 0.75) (- x 1.75))", 0.25),
        ("(- t 1)", 1.0),
    ] {
        let found = at(when, None);
        assert!((found.ends[0] - expected).abs() < 1e-12, "{when}: {}", found.ends[0]);
        assert!(found.broken.is_empty());
        let (x, slope) = (found.state("x", 0), found.gradient("x", "x", 0).expect("asked for"));
        assert!(x[2].is_nan() && slope[2].is_nan() && x[1].is_nan() == (expected < 1.0), "{when}: {x:?}");
    }
    let broken = at("(- x 0.5)", Some("(/ 1 (- x x))")).broken;
    assert!(broken.len() == 1 && (broken[0].t - 0.5).abs() < 1e-12, "{broken:?}");
    // As many times as one likes.
    let many =
        Ode::new(&line).state(State::new("x", 0.0)).times((0..50_000).map(f64::from).collect::<Vec<_>>());
    let found = many.run().expect("a trajectory");
    assert!(found.broken.is_empty() && (found.state("x", 0)[49_999] - 49_999.0).abs() < 1e-6);
}

/// Rows do not depend on their neighbours, the number of threads or the tier.
#[test]
fn rows_are_the_same_alone() {
    let system = System::new(PENDULUM);
    let rows = 40;
    let theta: Vec<f64> = (0..rows).map(|k| 0.1 + 0.07 * f64::from(k)).collect();
    let k: Vec<f64> = (0..rows).map(|k| 5.0 + 0.3 * f64::from(k)).collect();
    let times: Vec<f64> = (0..30).map(|k| 0.1 * f64::from(k)).collect();
    for method in [Method::Auto, Method::Tsit5, Method::Rodas5p, Method::Rk4(0.05)] {
        let batch = |tier: Tier| {
            let columns =
                vec![("theta".to_string(), vec![theta.clone()]), ("k".to_string(), vec![k.clone()])];
            let ode = pendulum(&system, &times).method(method).batch(rows as usize, columns).gradient(["k"]);
            ode.tier(tier).run().expect("trajectories")
        };
        let all = batch(Tier::Auto);
        let bits = |numbers: Vec<f64>| numbers.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        let other = batch(Tier::Cranelift);
        for row in 0..rows as usize {
            assert_eq!(bits(all.state("omega", row)), bits(other.state("omega", row)));
        }
        for row in [0, 7, 39] {
            let one = Ode::new(&system)
                .state(State::new("theta", theta[row]))
                .state(State::new("omega", 0.0))
                .parameter(State::new("k", k[row]))
                .times(times.clone())
                .method(method)
                .gradient(["k"])
                .run()
                .expect("a trajectory");
            for name in ["theta", "omega"] {
                assert_eq!(bits(one.state(name, 0)), bits(all.state(name, row)), "{method:?}, row {row}");
                let gradient =
                    |found: &Trajectories, row| bits(found.gradient("k", name, row).expect("asked for"));
                assert_eq!(gradient(&one, 0), gradient(&all, row));
            }
        }
    }
}

/// One of a thousand trajectories leaves the domain of its right-hand side: the others are followed to their end.
#[test]
fn a_row_that_leaves_its_domain() {
    let text = "(values (x (* a (sqrt (- 3.7 (* s t))))))";
    let system = System::new(text).named("roots.scm");
    let mut s = vec![0.5; 1000];
    s[421] = 1.0;
    let found = Ode::new(&system)
        .state(State::new("x", 0.0))
        .parameter(State::new("a", 1.0))
        .parameter(State::new("s", 0.5))
        .times([0.0, 2.0, 5.0])
        .batch(1000, vec![("s".into(), vec![s])])
        .run()
        .expect("trajectories");
    let [broken] = found.broken.as_slice() else { panic!("{:?}", found.broken) };
    assert_eq!(broken.row, 421);
    assert!((broken.t - 3.7).abs() < 1e-6, "{broken:?}");
    assert_eq!(broken.span.expect("a place").text(text), "(sqrt (- 3.7 (* s t)))");
    for row in [0, 420, 422, 999] {
        assert!(found.state("x", row).iter().all(|x| x.is_finite()));
    }
    assert!(found.state("x", 421)[1].is_finite() && found.state("x", 421)[2].is_nan());
    // Results in another order than the states, in many rows: the first are explained.
    let text = "(values (y (sqrt (- 3 x))) (x 1))";
    let system = System::new(text);
    let rows = 5000;
    let starts = (0..rows).map(|k| 1e-4 * k as f64).collect();
    let found = Ode::new(&system)
        .state(State::new("x", 0.0))
        .state(State::new("y", 0.0))
        .times([0.0, 5.0])
        .batch(rows, vec![("x".into(), vec![starts])])
        .run()
        .expect("trajectories");
    assert_eq!(found.broken.len(), rows);
    let first = &found.broken[0];
    assert!(
        (first.t - 3.0).abs() < 1e-6 && first.span.expect("a place").text(text) == "(sqrt (- 3 x))",
        "{first:?}"
    );
    let last = &found.broken[rows - 1];
    assert!((last.t - 2.5001).abs() < 1e-6 && last.span.is_none(), "{last:?}");
    // More than memory holds is refused before it is taken.
    let many = Ode::new(&system).state(State::new("x", 0.0)).state(State::new("y", 0.0));
    let many = many.times((0..1000).map(f64::from).collect::<Vec<_>>());
    let refused = many.batch(1_000_000, Vec::new()).run().expect_err("too much").to_string();
    assert!(refused.contains("1000000 trajectories of 1000 times take 14 GiB"), "{refused}");
}

/// Energy of a Hamiltonian stays where symplectic steps leave it: the error of Yoshida's method falls with the fourth power.
#[test]
fn hamiltonians() {
    let system = System::new("(- (* 0.5 (dot p p)) (/ (norm q)))");
    let drift = |method| {
        let found = Ode::new(&system)
            .state(State::vector("q", vec![1.0, 0.0]))
            .state(State::vector("p", vec![0.0, 1.1]))
            .times((0..=100).map(|k| f64::from(k) * TAU / 10.0).collect::<Vec<_>>())
            .method(method)
            .run()
            .expect("a trajectory");
        assert!(found.broken.is_empty());
        found.drift.expect("a Hamiltonian")[0]
    };
    for (order, coarse, fine) in [
        (4.0, Method::Yoshida4(TAU / 100.0), Method::Yoshida4(TAU / 200.0)),
        (2.0, Method::Leapfrog(TAU / 100.0), Method::Leapfrog(TAU / 200.0)),
    ] {
        let ratio = (drift(coarse) / drift(fine)).log2();
        assert!((ratio - order).abs() < 0.4, "{coarse:?}: {ratio}");
    }
}

#[test]
fn refusals() {
    let refused = |text: &str, change: &dyn Fn(Ode<'_>) -> Result<Trajectories, OdeError>| {
        let system = System::new(text).named("rhs.scm");
        change(pendulum(&system, &[0.0, 1.0])).expect_err("it is refused").to_string()
    };
    let plain = |ode: Ode<'_>| ode.run();
    for (text, words) in [
        ("(values (theta (* k omega)))", "the program has no result `omega`"),
        ("(values (theta omega) (omega (* k theta)) (z 1))", "the results z are no states"),
        ("[(* k omega) theta 1]", "the program gives vec 3, and the states theta, omega have 2 numbers"),
        (
            "(values (theta [omega 1]) (omega (* k theta)))",
            "the result `theta` is vec 2, and the state scalar",
        ),
        ("(values (theta omega) (omega (* k c theta)))", "takes `c`, which is no state and has no value"),
        ("(values (theta omega) (omega theta))", "`rhs.scm` has no input `k`"),
        ("(values (theta omega) (omega (sinn k)))", "there is no function `sinn`"),
    ] {
        let found = refused(text, &plain);
        assert!(found.contains(words), "{text}: {found}");
    }
    type Change = fn(Ode<'_>) -> Result<Trajectories, OdeError>;
    let cases: [(Change, &str); 6] = [
        (|ode| ode.times([0.0, 1.0, 0.5]).run(), "times have to grow, or to fall, throughout: 0.5 follows 1"),
        (|ode| ode.times([0.0]).run(), "there is one time"),
        (|ode| ode.tolerances(0.0, 0.0).run(), "one of the tolerances has to be above 0"),
        (|ode| ode.gradient(["z"]).run(), "`z` is neither a state nor a parameter"),
        (|ode| ode.state(State::new("k", 1.0)).run(), "`k` has two values"),
        (|ode| ode.method(Method::Yoshida4(0.1)).run(), "a Hamiltonian has one result, a number"),
    ];
    let mixed =
        refused("(+ (* 0.5 k omega omega) (* theta omega))", &|ode| ode.method(Method::Yoshida4(0.1)).run());
    assert!(
        mixed.contains("the Hamiltonian is no sum of a function of positions and one of momenta"),
        "{mixed}"
    );
    for (change, words) in cases {
        let found = refused(PENDULUM, &change);
        assert!(found.contains(words), "{found}");
    }
    // Infix, and a program that is a function.
    let infix = System::new("values(theta = omega, omega = -k*sin(theta))").dialect(Dialect::Infix);
    let function = System::new("(define (field theta omega) [omega (- (* k (sin theta)))])");
    let plain = System::new(PENDULUM);
    let run = |system| pendulum(system, &[0.0, 1.0]).run().expect("a trajectory").state("theta", 0);
    assert_eq!(run(&infix), run(&plain));
    assert_eq!(run(&function), run(&plain));
}

/// Right-hand sides that jump where their own conditions change: states in closed form, and derivatives as those have them.
#[test]
fn right_hand_sides_that_choose() {
    let times = [0.0, 0.25, 2.0];
    // x = 1 + 2 (t − t₁) from t₁ = 1 − x₀ on; in functions, behind bindings, and where another condition lets it decide.
    for (k, text) in [
        "(if (> x 1) 2 1)",
        "(if (<= x 1) 1 2)",
        "(define (speed s) (cond ((< s 0.2) 1) ((> s 1) 2) (else 1))) (speed x)",
        "(define (over s) (if (not (< s 1)) 1 0)) (+ 1 (over x))",
        "(let* ((y (- x 1)) (z (* 2 y))) (if (and (> z 0) (> x -5)) 2 1))",
        "(define (f x) (if (> x 1) 2 1))",
        "(define rate (if (> x 1) 2 1)) (values (x rate))",
        "(define (scaled k) (* k rate)) (define rate (if (> x 1) 2 1)) (scaled 1)",
        "(define (f s) (let ((g (lambda (x) (if (> x 1) 2 1)))) (if (> s 1) (g s) (g s)))) (* 1/2 (+ (f x) (f x)))",
        "(define (g s) (define (h u) (if (> u 1) 2 1)) (define (k u) (h (+ u 0))) (k s)) (g x)",
        "(+ 1 (> x 1))",
        "(let ((beyond (> x 1))) (if beyond 2 1))",
        "(define beyond (> x 1)) (if beyond 2 1)",
        "(if (< 0.2 x 1) 1 2)",
        "(+ 1.5 (* 0.5 (sign (- x 1))))",
        "(define (step s) (copysign 0.5 (- s 1))) (+ 1.5 (step x))",
        "(network n (x) (layers 3) (activation tanh) (results 1)) (if (> (+ x (* 0 (n x))) 1) 2 (+ 1 (* 0 (n x))))",
    ]
    .into_iter()
    .enumerate()
    {
        let system = System::new(text);
        let methods = [Method::Tsit5, Method::Dop853, Method::Rodas5p, Method::Auto];
        for method in methods.into_iter().take(if k == 0 { 4 } else { 1 }) {
            let mut ode =
                Ode::new(&system).state(State::new("x", 0.5)).times(times).method(method).gradient(["x"]);
            let program = Program::parse(text).expect("a program");
            for weights in program.parameters() {
                let value = vec![0.1; weights.shape.len()];
                ode = ode.parameter(State { name: weights.name.clone(), shape: weights.shape, value });
            }
            let found = ode.run().expect("a trajectory");
            assert!(found.broken.is_empty() && found.events[0].is_empty(), "{text}");
            let (x, slope) = (found.state("x", 0), found.gradient("x", "x", 0).expect("a derivative"));
            assert!(
                (x[1] - 0.75).abs() < 1e-9 && (x[2] - 4.0).abs() < 1e-9,
                "{text} by {}: {x:?}",
                method.name()
            );
            assert!((slope[1] - 1.0).abs() < 1e-9 && (slope[2] - 2.0).abs() < 1e-7, "{text}: {slope:?}");
            if k > 0 {
                continue;
            }
            let smooth = ode.switching(false).run().expect("a trajectory");
            assert!((smooth.gradient("x", "x", 0).expect("a derivative")[2] - 2.0).abs() > 0.05, "{text}");
        }
    }
    // On neither side at the start, backwards, and by time.
    let at = |text: &str, start: f64, times: [f64; 2]| {
        let system = System::new(text);
        let found = Ode::new(&system).state(State::new("x", start)).times(times).gradient(["x"]).run();
        let found = found.expect("a trajectory");
        (found.state("x", 0)[1], found.gradient("x", "x", 0).expect("a derivative")[1])
    };
    let near = |(x, slope): (f64, f64), (y, other): (f64, f64)| {
        assert!((x - y).abs() < 1e-9 && (slope - other).abs() < 1e-7, "{x} {slope}, {y} {other}");
    };
    // There the derivative is that of the side that is followed.
    near(at("(if (> x 1) 2 1)", 1.0, [0.0, 1.0]), (3.0, 1.0));
    near(at("(if (> x 1) 2 1)", 4.0, [2.0, 0.0]), (0.5, 0.5));
    near(at("(+ x (if (> t 1) 1 0))", 1.0, [0.0, 2.0]), (2f64.exp() + 1f64.exp() - 1.0, 2f64.exp()));
}

/// What events make of the states decides the sides anew; where a trajectory begins on a switch, the law does, or where it leads.
#[test]
fn sides_after_events_and_at_the_start() {
    let at = |text: &str, states: &[(&str, f64)], events: &[(&str, &str, &str)], end: f64| -> Option<f64> {
        let system = System::new(text);
        let whens: Vec<System<'_>> = events.iter().map(|event| System::new(event.0)).collect();
        let jumps: Vec<System<'_>> = events.iter().map(|event| System::new(event.2)).collect();
        let mut ode = Ode::new(&system).times([0.0, end]);
        for &(name, value) in states {
            ode = ode.state(State::new(name, value));
        }
        for ((when, event), jump) in whens.iter().zip(events).zip(&jumps) {
            ode = ode.event(Event { jumps: vec![(event.1.into(), jump)], ..Event::new(when) });
        }
        let found = ode.run().expect("a run");
        found.broken.is_empty().then(|| found.state(states[0].0, 0)[1])
    };
    let near = |found: Option<f64>, expected: f64| {
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-7), "{found:?}, {expected}");
    };
    let slow = "(if (< x 1) 3 1)";
    near(at(slow, &[("x", 0.0)], &[("(- x 0.5)", "x", "2")], 2.0), 2.0 + 11.0 / 6.0);
    near(at(slow, &[("x", 0.0)], &[("(- t 1)", "x", "0")], 2.0), 5.0 / 3.0);
    // A thermostat: 5 (1 − e^(−t)) up to 3, then down to 2 and up again.
    let heating = "(values (T (- (if (> q 0.5) 5 0) T)) (q 0))";
    let events = [("(- T 3)", "q", "0"), ("(- T 2)", "q", "1")];
    let (first, down, up) = (2.5f64.ln(), 1.5f64.ln(), 1.5f64.ln());
    let end = first + down + 0.5 * up;
    near(at(heating, &[("T", 0.0), ("q", 1.0)], &events, end), 5.0 - 3.0 * (-0.5 * up).exp());
    // On a switch at the start.
    near(at("(if (> x 0) 1 -1)", &[("x", 0.0)], &[], 3.0), -3.0);
    near(at("(if (>= x 0) 1 -1)", &[("x", 0.0)], &[], 3.0), 3.0);
    near(at("(if (> x 0) 1 2)", &[("x", 0.0)], &[], 3.0), 3.0);
    near(at("(cond ((> v 0) -1) ((< v 0) 1) (else 0))", &[("v", 0.0)], &[], 2.0), 0.0);
    assert_eq!(at("(if (> x 0) -1 2)", &[("x", 0.0)], &[], 3.0), None);
    // No number is on neither side, and what has no value beyond its end.
    near(at("(if (< (sqrt (- x 2)) x) 7 3)", &[("x", 0.0)], &[], 0.5), 1.5);
    near(at("(if (> h 0) (- 0 (sqrt h)) 0)", &[("h", 1.0)], &[], 5.0), 0.0);
}

/// No more events are kept than are asked for, beside a right-hand side that chooses.
#[test]
fn as_many_events_as_are_asked_for() {
    let system = System::new("(values (x v) (v (if (> v 0) (- 0 x) (- 0 (* 2 x)))))");
    let when = System::new("x");
    let found = Ode::new(&system)
        .state(State::new("x", 1.0))
        .state(State::new("v", 0.0))
        .times([0.0, 30.0])
        .event(Event { most: 2, ..Event::new(&when) })
        .run()
        .expect("a trajectory");
    assert_eq!((found.broken.len(), found.events[0].len()), (0, 2));
    // Down to 0 in a quarter of the period with the rate 2, up again in a quarter with it and in one with the rate 1.
    let [first, second] = [0, 1].map(|k| found.events[0][k].t);
    let fast = std::f64::consts::FRAC_PI_2 / 2f64.sqrt();
    assert!((first - fast).abs() < 1e-8, "{first}");
    assert!((second - (2.0 * fast + std::f64::consts::FRAC_PI_2)).abs() < 1e-8, "{second}");
}

/// Where both sides lead back there is no trajectory that the equation says.
#[test]
fn trajectories_that_slide_end() {
    let system = System::new("(if (> x 1) (- x) 1)");
    let found = Ode::new(&system).state(State::new("x", 0.5)).times([0.0, 2.0]).run().expect("a run");
    let [broken] = found.broken.as_slice() else { panic!("{:?}", found.broken) };
    assert!((broken.t - 0.5).abs() < 1e-9, "{broken:?}");
    assert!(broken.why.contains("slides along"), "{broken:?}");
}

/// At rest exactly where the sign of nothing is nothing, and held by friction: the first stays, and the second is not said by the equation.
#[test]
fn friction_at_rest() {
    let system = System::new("(values (x v) (v (- (- x) (* 0.1 (sign v)))))");
    let at = |x: f64| {
        let ode = Ode::new(&system).state(State::new("x", x)).state(State::new("v", 0.0)).times([0.0, 5.0]);
        ode.run().expect("a run")
    };
    let rest = at(0.0);
    assert!(rest.broken.is_empty() && rest.state("x", 0) == [0.0, 0.0] && rest.state("v", 0) == [0.0, 0.0]);
    let held = at(0.05);
    let [broken] = held.broken.as_slice() else { panic!("{:?}", held.broken) };
    assert!(broken.why.contains("slides along") && broken.y == [0.05, 0.0] && broken.t == 0.0, "{broken:?}");
    // Down to where it is held: from 1, swings lose 0.2 each, x = ±(1 − 0.2 k) at their ends, about centres of ±0.1.
    let swings = Ode::new(&system).state(State::new("x", 1.0)).state(State::new("v", 0.0));
    let swings = swings.times([0.0, std::f64::consts::PI]).gradient(["x"]).run().expect("a run");
    assert!((swings.state("x", 0)[1] + 0.8).abs() < 1e-9, "{:?}", swings.state("x", 0));
    assert!((swings.gradient("x", "x", 0).expect("a derivative")[1] + 1.0).abs() < 1e-7);
}

/// Vectors that are compared have no sides: the right-hand side is followed as it is.
#[test]
fn comparisons_of_vectors() {
    let system = System::new("(- (* (> r 1) [1 2]) r)");
    let found = Ode::new(&system)
        .state(State::vector("r", vec![0.5, 3.0]))
        .times([0.0, 0.5])
        .tolerances(1e-8, 1e-10)
        .run()
        .expect("a run");
    assert!(found.broken.is_empty(), "{:?}", found.broken);
    let r = found.state("r", 0);
    let expected = [0.5 * (-0.5f64).exp(), 2.0 + (-0.5f64).exp()];
    assert!((r[2] - expected[0]).abs() < 1e-7 && (r[3] - expected[1]).abs() < 1e-7, "{r:?}");
}

/// A ball bounces without end up to a time, and there its trajectory ends; up to there its bounces are those of the closed form.
#[test]
fn events_that_pile_up_end_a_trajectory() {
    let system = System::new("(values (h v) (v (* -9.81 1)))");
    let jump = System::new("(* -0.8 v)");
    let bounce = |t: f64| (2.0 * 1.0 / 9.81f64).sqrt() * t;
    for when in ["h", "(< h 0)", "(and (<= h 0) (< v 0))", "(not (> h 0))", "(or (< h 0) (> h 10))"] {
        let event = System::new(when);
        let event = Event { jumps: vec![("v".to_owned(), &jump)], ..Event::new(&event) };
        let found = Ode::new(&system)
            .state(State::new("h", 1.0))
            .state(State::new("v", 0.0))
            .times([0.0, 4.0, 10.0])
            .event(event)
            .run()
            .expect("a run");
        let [broken] = found.broken.as_slice() else { panic!("{when}: {:?}", found.broken) };
        // After 1 + 2 (e + e² + …) fall times.
        assert!((broken.t - bounce(9.0)).abs() < 1e-7, "{when}: {broken:?}");
        assert!(broken.why.contains("pile up"), "{when}: {broken:?}");
        assert!(broken.y[0].abs() < 1e-12 && broken.y[1].abs() < 1e-6, "{when}: {broken:?}");
        for (k, event) in found.events[0].iter().enumerate().take(60) {
            let e = 0.8f64.powi(k as i32);
            let expected = bounce(1.0 + 2.0 * 0.8 * (1.0 - e) / 0.2);
            assert!((event.t - expected).abs() < 1e-9, "{when}, bounce {k}: {} and {expected}", event.t);
        }
        let h = found.state("h", 0);
        assert!(h[1] > 0.0 && h[2].is_nan(), "{when}: {h:?}");
    }
    // Bounces in quick succession that do not get quicker are none of these.
    let event = System::new("(sin (* 1e4 t))");
    let found = Ode::new(&system)
        .state(State::new("h", 1.0))
        .state(State::new("v", 0.0))
        .times([0.0, 0.1])
        .longest_step(1e-4)
        .event(Event { most: 1000, ..Event::new(&event) })
        .run()
        .expect("a run");
    assert!(found.broken.is_empty() && found.events[0].len() == 318, "{}", found.events[0].len());
}

/// At rest exactly on a switch, in conditions within each other of which the inner one changes soon after it counts, and where the last time is far off.
#[test]
fn switches_that_are_hard_to_see() {
    let end = |text: &str, states: &[(&str, f64)], times: &[f64], method: Method| {
        let system = System::new(text);
        let mut ode = Ode::new(&system).times(times.to_vec()).method(method);
        for &(name, value) in states {
            ode = ode.state(State::new(name, value));
        }
        let found = ode.run().expect("a run");
        assert!(found.broken.is_empty(), "{text}: {:?}", found.broken);
        found.state(states[0].0, 0)[1]
    };
    let near = |found: f64, expected: f64| {
        assert!((found - expected).abs() < 1e-8 * expected.abs().max(1.0), "{found}, {expected}");
    };
    let auto = Method::Auto;
    let rest = [("x", 1.0), ("v", 0.0)];
    near(end("(values (x v) (v (if (< x 1) -1 -2)))", &rest, &[0.0, 2.0], auto), -1.0);
    near(end("(values (x v) (v (if (>= x 1) -2 -1)))", &rest, &[0.0, 2.0], auto), -1.0);
    near(end("(values (x v) (v (if (> x 1) 2 1)))", &rest, &[0.0, 2.0], auto), 5.0);
    near(end("(if (< (cos t) 1) 1 5)", &[("x", 0.0)], &[0.0, 1.0], auto), 1.0);
    // A rope that is taut from the start on.
    let rope = "(values (y v) (v (if (> y 0) (- 9.81 (* 10 y)) 9.81)))";
    near(end(rope, &[("y", 0.0), ("v", 0.0)], &[0.0, 1.0], auto), 0.981 * (1.0 - 10f64.sqrt().cos()));
    // From .5 at rate .5 to 1.5, at rate 2 to 2, and at rate .5 again.
    for text in [
        "(if (> x 1.5) (if (> x 2) 0.5 2) 0.5)",
        "(if (< x 1.5) 0.5 (if (> x 2) 0.5 2))",
        "(if (and (> x 1.5) (not (> x 2))) 2 0.5)",
        "(if (< 1.5 x 2) 2 0.5)",
    ] {
        for last in [3.0, 4.0, 5.0, 7.3, 11.0] {
            let expected = if last < 2.25 { 1.5 + 2.0 * (last - 2.0) } else { 2.0 + 0.5 * (last - 2.25) };
            near(end(text, &[("x", 0.5)], &[0.0, last], auto), expected);
        }
    }
    // A damper that acts below 0 until the velocity is -2, where it keeps it.
    for g in [9.81f64, 9.81001, 10.0, 11.0] {
        let text = format!("(values (h v) (v (if (< h 0) (if (> v -2) 0 50) (- {g}))))");
        let speed = (2.0 * g).sqrt();
        let (falls, slows) = (speed / g, (speed - 2.0) / 50.0);
        let expected = -(speed + 2.0) / 2.0 * slows - 2.0 * (2.0 - falls - slows);
        near(end(&text, &[("h", 1.0), ("v", 0.0)], &[0.0, 2.0], auto), expected);
    }
    // An inner condition whose arm begins to count; the same comparison in other words; and at the last time.
    for text in [
        "(if (> x 1) (if (> t 5) -1 1) 1)",
        "(if (> x 1) (- 0 (sign (- t 5))) 1)",
        "(if (<= x 2) 1 (if (< 9 t 19) -5 1))",
        "(+ (if (< x 3) 1 0) (if (>= x 3) 2 0))",
    ] {
        near(end(text, &[("x", 0.0)], &[0.0, 3.0], auto), 3.0);
    }
    near(end("(+ (if (< x 8) 1 0) (if (>= x 8) 2 0))", &[("x", 0.0)], &[0.0, 8.0], auto), 8.0);
    for text in [
        "(define (pump h) (if (< h 0.5) 0 1)) (if (> x 0.5) (pump x) 0.5)",
        "(cond ((>= x 0.5) (if (<= x 0.5) 0 1)) (else 0.5))",
        "(if (> x 0.5) (if (< x 0.5) 0 1) 0.5)",
    ] {
        near(end(text, &[("x", 0.0)], &[0.0, 3.0], auto), 2.5);
    }
    // At rest on a condition that holds the law of just there, until something moves it; and on one that leads away.
    let still = [("x", 0.0), ("y", 0.0)];
    near(end("(values (x (sign y)) (y 0))", &still, &[0.0, 1.0], auto), 0.0);
    near(end("(values (x (sign y)) (y (- 0 (* 2 y))))", &still, &[0.0, 1.0], auto), 0.0);
    near(end("(values (x (sign y)) (y (if (< t 1) 0 -1)))", &still, &[0.0, 2.0], auto), -1.0);
    near(end("(- (sign (- x 1)) 1)", &[("x", 1.0)], &[0.0, 2.0], auto), -3.0);
    near(end("(if (< x 1) 1 2)", &[("x", 0.5)], &[0.0, 1.0, 1e10], auto), 2.0);
    near(
        end("(if (< 1 t 1.001) 1000 (- x))", &[("x", 0.0)], &[0.0, 3.0], Method::Rodas5p),
        (-1.999f64).exp(),
    );
}

/// Events however soon after the start, or after another one.
#[test]
fn events_in_quick_succession() {
    let run = |text: &str, start: f64, times: &[f64], events: &[(&str, Option<&str>)], most: usize| {
        let system = System::new(text);
        let whens: Vec<System<'_>> = events.iter().map(|event| System::new(event.0)).collect();
        let jumps: Vec<System<'_>> = events.iter().map(|event| System::new(event.1.unwrap_or("x"))).collect();
        let mut ode = Ode::new(&system).state(State::new("x", start)).times(times.to_vec());
        for (when, jump) in whens.iter().zip(&jumps) {
            ode = ode.event(Event { jumps: vec![("x".into(), jump)], most, ..Event::new(when) });
        }
        ode.run().expect("a run")
    };
    let found = run("1", 0.0, &[0.0, 1e7], &[("(- x 1)", Some("(+ x 10)"))], 10);
    assert!(
        (found.state("x", 0)[1] - 10_000_010.0).abs() < 1e-6 && (found.events[0][0].t - 1.0).abs() < 1e-9
    );
    // Every 10⁻⁴, in steps that would be far longer.
    let found = run("1", 0.0, &[0.0, 1.5, 20.0], &[("(- x 1)", Some("0.9999"))], 10);
    assert!(found.broken[0].why.contains("too many events"), "{:?}", found.broken);
    assert!((found.events[0][9].t - 1.0009).abs() < 1e-9, "{:?}", found.events[0][9]);
    // A jump that undoes a switch of the same time.
    let found = run("(if (<= x 4) 1 0.5)", 0.0, &[0.0, 8.0], &[("(- t 4)", Some("(- x 1)"))], 10);
    assert!((found.state("x", 0)[1] - 5.5).abs() < 1e-9, "{:?} {:?}", found.state("x", 0), found.broken);
    let found = run("(if (< x 2) 1 3)", 0.0, &[0.0, 3.0], &[("(- t 2)", Some("1"))], 10);
    assert!((found.state("x", 0)[1] - 2.0).abs() < 1e-9, "{:?} {:?}", found.state("x", 0), found.broken);
    // Each of two in its turn.
    let both = [("(- x 1)", Some("1.00005")), ("(- x 1.0001)", Some("0.99995"))];
    let found = run("1", 0.0, &[0.0, 1.00098], &both, 100);
    for (k, event) in found.events[0].iter().enumerate() {
        assert_eq!(event.event, k % 2, "{event:?}");
        assert!((event.t - (1.0 + 5e-5 * k as f64)).abs() < 1e-9, "{k}: {event:?}");
    }
    assert_eq!(found.events[0].len(), 20);
    // Nothing bounces where the jump takes all speed: it ends there, and does not fall through.
    let (system, event, jump) = (System::new("[v -9.81]"), System::new("h"), System::new("0"));
    let event = Event { jumps: vec![("v".into(), &jump)], ..Event::new(&event) };
    let found = Ode::new(&system).state(State::new("h", 1.0)).state(State::new("v", 0.0)).times([0.0, 1.0]);
    let found = found.event(event).run().expect("a run");
    assert!(
        found.broken[0].why.contains("pile up") && found.broken[0].y[0].abs() < 1e-9,
        "{:?}",
        found.broken
    );
}

/// A jump to what is no number ends a trajectory in the state before it.
#[test]
fn jumps_that_lead_nowhere() {
    let system = System::new("(values (h v) (v (* -9.81 1)))");
    let (event, jump) = (System::new("h"), System::new("(sqrt v)"));
    let event = Event { jumps: vec![("v".to_owned(), &jump)], ..Event::new(&event) };
    let found = Ode::new(&system)
        .state(State::new("h", 1.0))
        .state(State::new("v", 0.0))
        .times([0.0, 1.0])
        .event(event)
        .run()
        .expect("a run");
    let [broken] = found.broken.as_slice() else { panic!("{:?}", found.broken) };
    assert!(
        broken.why.contains("no finite number") && (broken.y[1] + 4.429446918070012).abs() < 1e-9,
        "{broken:?}"
    );
}

/// Events that are true at points only, or say nothing by the side of a number, are refused.
#[test]
fn events_without_sides() {
    let system = System::new("(- x)");
    for when in ["(= x 1)", "(and (< x 1) (= t 1))", "(not (= x 1))", "(* 2 (> x 1))"] {
        let event = System::new(when);
        let ode = Ode::new(&system).state(State::new("x", 2.0)).times([0.0, 1.0]).event(Event::new(&event));
        let error = ode.run().expect_err("no sides").to_string();
        assert!(error.contains("changes its sign"), "{when}: {error}");
    }
    // A condition that chooses a number is a number.
    let event = System::new("(if (< x 1) (- x 1) (* 2 (- x 1)))");
    let found =
        Ode::new(&system).state(State::new("x", 2.0)).times([0.0, 1.0]).event(Event::new(&event)).run();
    assert!((found.expect("a run").events[0][0].t - 2f64.ln()).abs() < 1e-9);
}

/// Several states that choose with parameters, beside differences of trajectories; and the same by a fit's program.
#[test]
fn derivatives_by_parameters_through_switches() {
    let system = System::new(
        "(define (friction v) (if (> v 0) (- mu) mu))
         (define (spring x) (cond ((> x 1) -1) ((< x -1) 1) (else (- x))))
         (values (x v) (v (+ (spring x) (friction v) (* 0.1 (sin t)))))",
    );
    let at = |mu: f64| {
        Ode::new(&system)
            .state(State::new("x", 3.0))
            .state(State::new("v", 0.5))
            .parameter(State::new("mu", mu))
            .times([0.0, 3.0, 6.0])
            .tolerances(1e-12, 1e-13)
    };
    let found = at(0.05).gradient(["mu"]).run().expect("a trajectory");
    let h = 1e-5;
    let [low, high] = [0.05 - h, 0.05 + h].map(|mu| at(mu).run().expect("a trajectory"));
    for name in ["x", "v"] {
        for k in 1..3 {
            let expected = (high.state(name, 0)[k] - low.state(name, 0)[k]) / (2.0 * h);
            let found = found.gradient("mu", name, 0).expect("a derivative")[k];
            assert!((found - expected).abs() < 1e-6 * expected.abs(), "d{name}/dmu = {found}, {expected}");
        }
    }
    let names = ["x".to_owned(), "v".to_owned()];
    let own = Experiment {
        times: vec![0.0, 3.0, 6.0],
        own: Vec::new(),
        measured: vec![vec![0, 1, 2], vec![0, 1, 2]],
        continues: false,
    };
    for program in [at(0.05).observations(&names), at(0.05).experiments(&names, &[own])] {
        let program = program.expect("a program");
        let kernel = program.compile(&CompileOptions::default()).expect("a kernel");
        let values = kernel.evaluate_named(&[("x", &[3.0]), ("v", &[0.5]), ("mu", &[0.05])]).expect("values");
        for (name, state) in [("x", found.state("x", 0)), ("v", found.state("v", 0))] {
            let value = values.get(&format!("{name}[2]")).expect("an element")[0];
            assert!((value - state[2]).abs() < 1e-9, "{name}: {value}, {state:?}");
        }
    }
}
