//! The verifier of lane programs lets programs pass, and nothing that would read or write elsewhere.

use std::collections::HashMap;

use neural_compiler::internals::entity::Entity;
use neural_compiler::internals::kernel::derived;
use neural_compiler::internals::lower::lanes::{
    CallId, Condition, Inst, LaneProgram, LaneType, LoopId, SBinary, Store, Target, Value,
};
use neural_compiler::internals::lower::lower;
use neural_compiler::internals::lower::verify::verify;
use neural_compiler::{CompileOptions, Derivative, Program, Shape, Signature};

/// The lane program of the gradient, with as little memory for tapes as possible.
fn lanes(source: &str) -> LaneProgram {
    lanes_with(source, 0)
}

/// The lane program of the gradient, with so many bytes for tapes.
fn lanes_with(source: &str, tape: usize) -> LaneProgram {
    let program = Program::parse(source).expect("a program");
    let signature = Signature::scalars().shape("v", Shape::Vector(100)).shape("A", Shape::Matrix(9, 9));
    let names: Vec<String> = program.inputs().map(String::from).collect();
    let signature = signature
        .names()
        .filter(|name| names.iter().any(|n| n == name))
        .fold(Signature::scalars(), |known, name| known.shape(name, signature.shape_of(name)));
    let options = CompileOptions::default().signature(signature).derivative(Derivative::Gradient);
    let graph = derived(&program.graph_for(&options).expect("a graph"), &options).expect("a derivative");
    lower(&graph, tape)
}

/// A loop over a large vector with its tape, products of matrices, and a recursive function.
fn programs() -> [LaneProgram; 3] {
    [
        lanes("(loop ((i 0) (u v)) (if (< i n) (recur (+ i 1) (* u (sin u))) (vsum u)))"),
        lanes("(vsum (matmul A (matmul A A)))"),
        lanes("(define (f x n) (if (< n 1) x (+ x (f (* x x) (- n 1))))) (f x n)"),
    ]
}

/// The places of instructions of one kind.
fn of(program: &LaneProgram, wanted: impl Fn(Inst) -> bool) -> Vec<Value> {
    program.insts.iter().filter(|&(_, &inst)| wanted(inst)).map(|(value, _)| value).collect()
}

/// That no change of one instruction is overlooked, of those that the function gives for one.
fn each_is_caught(program: &LaneProgram, change: impl Fn(&LaneProgram, Inst) -> Option<Inst>) -> usize {
    let mut changed = 0;
    for value in program.insts.keys() {
        if let Some(inst) = change(program, program.insts[value]) {
            let mut wrong = program.clone();
            wrong.insts[value] = inst;
            assert!(verify(&wrong).is_err(), "{value} = {inst:?} for {:?}", program.insts[value]);
            changed += 1;
        }
    }
    changed
}

#[test]
fn programs_are_in_range() {
    for program in &programs() {
        assert_eq!(verify(program), Ok(()));
    }
}

#[test]
fn places_beyond_memory_are_caught() {
    let [looped, product, recursive] = &programs();
    for program in [looped, product] {
        let beyond = |program: &LaneProgram, inst| match inst {
            Inst::Load(ty, _, offset) => Some(Inst::Load(ty, program.cells, offset)),
            Inst::StoreCell(_, offset, value) => Some(Inst::StoreCell(program.cells, offset, value)),
            Inst::ColumnAt(_, offset) => Some(Inst::ColumnAt(program.columns.inputs, offset)),
            Inst::Column(_) => Some(Inst::Column(program.columns.inputs)),
            Inst::StoreColumn(_, offset, value) => {
                Some(Inst::StoreColumn(program.columns.outputs, offset, value))
            }
            _ => None,
        };
        assert!(each_is_caught(program, beyond) > 10);
    }
    // The same place, one element further: only the range of the offset tells.
    let further = |program: &LaneProgram, inst| match inst {
        Inst::ColumnAt(k, offset) if k + 100 > program.columns.inputs - 4 => {
            Some(Inst::ColumnAt(k + 8, offset))
        }
        _ => None,
    };
    assert!(each_is_caught(looped, further) > 0);
    // Memory that is one cell short, sums and columns whose range is.
    for program in [looped, product] {
        let mut short = program.clone();
        short.cells -= 1;
        assert!(verify(&short).is_err());
        let mut short = program.clone();
        short.ranges.iter_mut().for_each(|range| range.1 -= 1);
        assert!(verify(&short).is_err());
    }
    let mut wrong = recursive.clone();
    let function = &mut wrong.functions[0].program;
    let load = of(function, |inst| matches!(inst, Inst::Load(..)))[0];
    let Inst::Load(ty, _, offset) = function.insts[load] else { unreachable!("a load was looked for") };
    function.insts[load] = Inst::Load(ty, 1, offset);
    assert!(verify(&wrong).is_err(), "a function has one cell");
}

#[test]
fn counters_that_run_too_far_are_caught() {
    for program in &programs()[..2] {
        // Ends of loops over elements.
        let ends: Vec<Value> = program
            .loops
            .values()
            .flat_map(|inner| inner.conditions.iter().flat_map(|condition| condition.values()))
            .filter(|&value| matches!(program.insts[value], Inst::S(4..=1000)))
            .collect();
        assert!(!ends.is_empty());
        for end in ends {
            let mut wrong = program.clone();
            wrong.insts[end] = Inst::S(1 << 40);
            assert!(verify(&wrong).is_err(), "{end}");
        }
    }
    // What keeps a segment of a tape within its memory.
    let widened = |program: &LaneProgram, inst| match inst {
        Inst::SBinary(SBinary::Min, a, b) if matches!(program.insts[b], Inst::S(2..)) => {
            Some(Inst::SBinary(SBinary::Add, a, b))
        }
        _ => None,
    };
    let [looped, ..] = &programs();
    assert!(each_is_caught(looped, widened) > 0);
}

#[test]
fn loops_and_calls_that_do_not_fit_are_caught() {
    let [looped, _, recursive] = &programs();
    let last_end = of(looped, |inst| matches!(inst, Inst::End(_))).pop().expect("a loop");
    let mut open = LaneProgram { stores: Vec::new(), ranges: Vec::new(), status: None, ..looped.clone() };
    open.columns.outputs = 0;
    open.insts = Default::default();
    looped.insts.iter().take(last_end.index()).for_each(|(_, &inst)| {
        open.insts.push(inst);
    });
    assert!(verify(&open).is_err_and(|what| what.contains("does not end")));
    for id in looped.loops.keys() {
        for k in 0..looped.loops[id].carried.len() {
            let mut wrong = looped.clone();
            let carried = &mut wrong.loops[id].carried[k];
            let number = looped.insts[carried.phi].ty() == LaneType::F;
            let other = if number { LaneType::S } else { LaneType::F };
            carried.next = of(looped, |inst| inst.ty() == other)[0];
            assert!(verify(&wrong).is_err());
        }
    }
    let changes: [fn(&mut LaneProgram); 7] = [
        |p| p.functions[0].program.calls[CallId::from_index(0)].function = 9,
        |p| p.calls[CallId::from_index(0)].function = 9,
        |p| p.calls[CallId::from_index(0)].results += 1,
        |p| p.calls[CallId::from_index(0)].operands.truncate(1),
        |p| p.calls[CallId::from_index(0)].active = p.calls[CallId::from_index(0)].operands[0],
        |p| p.functions[0].results.truncate(1),
        |p| p.functions[0].program.columns.inputs = 1,
    ];
    for (k, change) in changes.iter().enumerate() {
        let mut wrong = recursive.clone();
        change(&mut wrong);
        assert!(verify(&wrong).is_err(), "change {k}");
    }
    let mut twice = looped.clone();
    twice.stores.push(Store { target: Target::Column(0), value: looped.stores[0].value });
    assert!(verify(&twice).is_err());
}

/// How often a loop is gone through at the most, from its counter; of a loop that goes back through another, as often as that.
fn trips(program: &LaneProgram, looped: &HashMap<Value, u64>, id: LoopId) -> u64 {
    let constant = |value: Value| match program.insts[value] {
        Inst::S(constant) => Some(constant),
        _ => looped.get(&value).copied(),
    };
    let inner = &program.loops[id];
    if inner.once {
        return 1;
    }
    let carried = |phi: Value| inner.carried.iter().find(|carried| carried.phi == phi);
    let bounds = inner.conditions.iter().filter_map(|condition| {
        let Condition::Below(a, b) = *condition else { return None };
        match (carried(a), carried(b)) {
            (Some(up), None) => {
                let Inst::SBinary(SBinary::Add, _, step) = program.insts[up.next] else { return None };
                Some((constant(b)? - constant(up.first)?).div_ceil(constant(step)?))
            }
            (None, Some(down)) => constant(down.first),
            _ => None,
        }
    });
    bounds.min().expect("a loop that is bounded")
}

/// How many instructions run at the most.
fn work(program: &LaneProgram) -> u64 {
    let (mut total, mut times) = (0, vec![1]);
    let mut looped: HashMap<Value, u64> = HashMap::new();
    for &inst in program.insts.values() {
        match inst {
            Inst::Loop(id) => {
                let trips = trips(program, &looped, id);
                // Its counters end there.
                looped.extend(program.loops[id].carried.iter().map(|carried| (carried.phi, trips)));
                times.push(times[times.len() - 1] * trips);
            }
            Inst::End(_) => {
                times.pop();
            }
            inst if inst.is_constant() => {}
            _ => total += times[times.len() - 1],
        }
    }
    total
}

/// Vectors that are made, read and changed element by element take time and memory in proportion to their elements, and so do their
/// gradients.
#[test]
fn elements_take_linear_work() {
    let sources = [
        "(let ((v (map sin (repeat N x)))) (sum N (lambda (i) (sin (* x (ref v i))))))",
        "(vsum (build N (lambda (i) (sin (* x i)))))",
        "(let ((v (build N (lambda (i) (sin (* x i)))))) (sum N (lambda (i) (* (ref v i) (ref v (- (- N 1) i))))))",
        "(vsum (map exp (map sin (repeat N x))))",
        "(fold + x (map sin (repeat N x)))",
        "(vsum (square (scan (lambda (y) (sin (+ x y))) N x)))",
        "(loop ((k 1) (v (repeat N x))) (if (= k N) (vsum v) (recur (+ k 1) (replace v k (sin (+ x (ref v (- k 1))))))))",
        "(loop ((k 1) (v (repeat N x))) (if (= k N) (vsum v)
           (recur (+ k 1) (if (< (ref v k) x) v (replace v k (* x (sin (ref v (- k 1)))))))))",
        "(vsum (ref (build N (lambda (i) (* x [i 1 2]))) 7))",
    ];
    for source in sources {
        let [small, large] =
            [300, 600].map(|n: usize| lanes_with(&source.replace('N', &n.to_string()), 64 << 20));
        for program in [&small, &large] {
            assert_eq!(verify(program), Ok(()), "{source}");
        }
        let (before, after) = (work(&small), work(&large));
        assert!(after as f64 <= 2.2 * before as f64, "{source}: {before} and {after} instructions");
        let (before, after) = (small.cells, large.cells);
        assert!(f64::from(after) <= 2.2 * f64::from(before), "{source}: {before} and {after} cells");
    }
}

/// An element that each row has at a place of its own is within the value, and goes by the pad.
#[test]
fn own_places_beyond_memory_are_caught() {
    let program = lanes(
        "(loop ((k 1) (v (repeat 100 x))) (if (= k 100) (vsum v) (recur (+ k 1) (replace v k (sin (ref v (- k 1)))))))",
    );
    assert_eq!(verify(&program), Ok(()));
    let beyond = |program: &LaneProgram, inst| match inst {
        Inst::Fetch(_, offset, count) => Some(Inst::Fetch(program.cells - 1, offset, count)),
        Inst::Deposit(_, offset, count) => Some(Inst::Deposit(program.cells - 1, offset, count)),
        _ => None,
    };
    assert!(each_is_caught(&program, beyond) > 3);
    for pad in [None, Some(program.cells - 1), Some(u32::MAX)] {
        assert!(verify(&LaneProgram { pad, ..program.clone() }).is_err(), "{pad:?}");
    }
    let mut short = program.clone();
    short.cells -= 1;
    assert!(verify(&short).is_err());
}

/// Operations on uniform integers are what machine code makes of them: modulo 2^64, shifts by the low six bits.
#[test]
fn uniform_integers() {
    let most = u64::MAX;
    for (op, a, b, expected) in [
        (SBinary::Add, most, 2, 1),
        (SBinary::Sub, 1, 2, most),
        (SBinary::Mul, 1 << 63, 3, 1 << 63),
        (SBinary::And, 0b1100, 0b1010, 0b1000),
        (SBinary::Shl, 3, 4, 48),
        (SBinary::Shl, 3, 65, 6),
        (SBinary::Shl, 3, 127, 1 << 63),
        (SBinary::Min, 3, 4, 3),
        (SBinary::Min, most, 0, 0),
        (SBinary::Eq, 4, 4, 1),
        (SBinary::Eq, 4, 5, 0),
    ] {
        assert_eq!(op.eval(a, b), expected, "{op:?} {a} {b}");
    }
}

/// A value inside of loops is there for everything behind the outermost of them, any other one at once.
#[test]
fn values_settle_behind_the_outermost_loop() {
    let (mut inside, mut nested) = (0, 0);
    for program in &programs() {
        let settled = program.settled();
        let places = |wanted: fn(Inst) -> Option<LoopId>| -> HashMap<LoopId, usize> {
            program.insts.iter().filter_map(|(value, &inst)| Some((wanted(inst)?, value.index()))).collect()
        };
        let starts = places(|inst| if let Inst::Loop(id) = inst { Some(id) } else { None });
        let ends = places(|inst| if let Inst::End(id) = inst { Some(id) } else { None });
        for value in program.insts.keys() {
            let k = value.index();
            let around = starts
                .iter()
                .map(|(id, &start)| (start, ends[id]))
                .filter(|(start, end)| (*start..=*end).contains(&k));
            let around: Vec<(usize, usize)> = around.collect();
            let last = around.iter().map(|(_, end)| *end).max().unwrap_or(k);
            assert_eq!(settled[value].index(), last, "{value}");
            inside += usize::from(last != k);
            nested += usize::from(around.len() > 1);
        }
    }
    assert!(inside > 20 && nested > 5, "{inside} values inside of loops, {nested} of them in two");
}
