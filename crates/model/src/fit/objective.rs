//! Residuals and their derivatives over rows: from compiled programs to triangles.

use std::ops::Range;

use neural_compiler::batch::{Batch, BatchError, Options, Sink, Source, Stop, Workspace};
use neural_compiler::{
    CompileOptions, Derivative, Kernel, Program, Role, Shape, Signature, Source as Origin, Tier,
};
use rayon::prelude::*;

use super::parameters::{Combination, Expanded, Layout};
use super::triangle::Triangle;
use super::trust_region::Evaluation;
use super::{FitError, Loss};

/// Rows of a block. Blocks are factored by themselves and merged in order, so the bits do not depend on threads.
pub const BLOCK_ROWS: usize = 4096;

/// The rows that are fitted, or some of them.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// How many.
    pub count: usize,
    /// The columns of the program's inputs that are data, each element one.
    pub inputs: Vec<Vec<f64>>,
    /// What each element of the results is compared with.
    pub targets: Vec<Vec<f64>>,
    /// What residuals are multiplied by: columns for all elements of the results or one for each of them; none for 1.
    pub scales: Vec<Vec<f64>>,
}

impl Rows {
    /// These of them.
    pub fn select(&self, rows: &[usize]) -> Rows {
        let mut selected = Rows::default();
        self.select_into(rows, &mut selected);
        selected
    }

    /// As [`Rows::select`], in room that is there.
    pub fn select_into(&self, rows: &[usize], into: &mut Rows) {
        let gather = |from: &[Vec<f64>], into: &mut Vec<Vec<f64>>| {
            into.resize_with(from.len(), Vec::new);
            for (from, into) in from.iter().zip(into) {
                into.clear();
                into.extend(rows.iter().map(|&row| from[row]));
            }
        };
        into.count = rows.len();
        gather(&self.inputs, &mut into.inputs);
        gather(&self.targets, &mut into.targets);
        gather(&self.scales, &mut into.scales);
    }

    /// What the residuals of an element are multiplied by; none for 1.
    pub fn scales(&self, element: usize) -> Option<&[f64]> {
        match self.scales.as_slice() {
            [] => None,
            [all] => Some(all),
            each => Some(&each[element]),
        }
    }

    /// What the residual of an element in a row is multiplied by.
    pub fn scale(&self, element: usize, row: usize) -> f64 {
        self.scales(element).map_or(1.0, |scales| scales[row])
    }
}

/// A program that is compared with data.
#[derive(Debug)]
pub struct Objective {
    kernel: Kernel,
    /// Where the columns of the kernel come from.
    sources: Vec<ColumnSource>,
    /// The elements of the parameters that all rows share, in the order of the kernel. They are the same at all points that are
    /// evaluated in one call.
    shared: Vec<usize>,
    /// How many columns it writes.
    columns: usize,
    /// For each element that is compared, the column of its value and those of its derivatives by the elements of the parameters.
    residuals: Vec<(usize, Vec<Option<usize>>)>,
    pub loss: Loss,
}

#[derive(Debug, Clone, Copy)]
enum ColumnSource {
    Data(usize),
    Parameter(usize),
}

/// What is to be evaluated.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The searched numbers.
    pub point: &'a [f64],
    /// The rows.
    pub rows: Range<usize>,
}

/// A row in which a residual or one of its derivatives is not finite, or `None` where the evaluation was stopped.
pub type NotFinite = Option<usize>;

/// Part of a task: which request, which rows of it.
struct Piece {
    request: usize,
    rows: Range<usize>,
    /// Whether it is the first of the request.
    begins: bool,
}

/// Room for evaluations, which any number of them can use one after the other.
#[derive(Default)]
pub struct Scratch {
    workspace: Workspace,
    points: Vec<Expanded>,
    pieces: Vec<Piece>,
    /// Columns that the kernel reads and that are not those of the data, and columns that it writes.
    copies: Vec<f64>,
    outputs: Vec<f64>,
    /// `[J r]` of a piece, column after column.
    block: Vec<f64>,
    /// A block of a request that has several.
    part: Evaluation,
}

impl Objective {
    /// Compiles a program whose inputs `data` have these shapes, and of whose results these are compared. Without derivatives,
    /// parameters are shared by the rows, and only [`Objective::values`] may be asked for; weights that are fixed are shared always.
    #[allow(clippy::too_many_arguments, reason = "what a kernel is compiled from")]
    pub fn new(
        program: &Program,
        layout: &Layout,
        data: &[(&str, Shape)],
        results: &[String],
        loss: Loss,
        tier: Tier,
        derivatives: bool,
    ) -> Result<Objective, FitError> {
        let numbers: Vec<&str> = program.constants().map(|(name, _)| name).collect();
        let opened: Vec<&str> = layout
            .places
            .iter()
            .map(|place| place.name.as_str())
            .filter(|name| numbers.contains(name))
            .collect();
        let program = program.with_inputs(opened).map_err(FitError::program)?;
        let mut signature = Signature::scalars();
        for &(name, shape) in data {
            signature = signature.shape(name, shape);
        }
        for place in &layout.places {
            signature = signature.shape(&place.name, place.shape);
            if !derivatives || place.weights && place.fixed {
                signature = signature.parameter(&place.name);
            }
        }
        let wanted: Vec<&str> =
            layout.places.iter().filter(|place| !place.fixed).map(|place| place.name.as_str()).collect();
        let mut options = CompileOptions::default().signature(signature).tier(tier);
        if derivatives && !wanted.is_empty() {
            options = options.derivative(Derivative::Gradient).wrt(wanted);
        }
        let kernel = program.compile(&options).map_err(FitError::program)?;
        let (mut sources, mut shared) = (Vec::new(), Vec::new());
        for input in kernel.inputs() {
            let count = input.shape.len();
            let place = layout.places.iter().find(|place| place.name == input.name);
            match (place, data.iter().position(|(name, _)| *name == input.name)) {
                (Some(place), _) if input.source == Origin::Shared => {
                    shared.extend(place.first..place.first + count);
                }
                (Some(place), _) => {
                    sources.extend((place.first..place.first + count).map(ColumnSource::Parameter));
                }
                (None, Some(k)) => {
                    let first: usize = data[..k].iter().map(|(_, shape)| shape.len()).sum();
                    sources.extend((first..first + count).map(ColumnSource::Data));
                }
                (None, None) => unreachable!("an input is data or a parameter"),
            }
        }
        // The first column and the first element of each result, then of each derivative.
        let mut column = 0;
        let mut values: Vec<usize> = Vec::new();
        let mut compared: Vec<(usize, Vec<(usize, usize)>)> = Vec::new();
        let mut found = vec![0usize; results.len()];
        for output in kernel.outputs().iter().filter(|output| output.role == Role::Value) {
            for _ in 0..output.shape.len() {
                values.push(column);
                column += 1;
            }
        }
        let mut slopes = vec![Vec::new(); values.len()];
        for output in kernel.outputs() {
            if let Role::Gradient { of, input } = output.role {
                let name = &kernel.inputs()[input as usize].name;
                let place = layout.places.iter().find(|place| place.name == *name);
                let first = place.map_or(0, |place| place.first);
                for number in 0..output.shape.len() {
                    slopes[of as usize].push((first + number, column));
                    column += 1;
                }
            }
        }
        for (k, result) in results.iter().enumerate() {
            let mut element = 0;
            for output in kernel.outputs().iter().filter(|output| output.role == Role::Value) {
                for _ in 0..output.shape.len() {
                    if output.name == *result {
                        compared.push((values[element], std::mem::take(&mut slopes[element])));
                        found[k] += 1;
                    }
                    element += 1;
                }
            }
            if found[k] == 0 {
                let names = kernel.outputs().iter().filter(|output| output.role == Role::Value);
                let results = names.map(|output| output.name.clone()).collect();
                return Err(FitError::UnknownResult { name: result.clone(), results });
            }
        }
        let elements =
            if derivatives { layout.places.iter().map(|place| place.shape.len()).sum() } else { 0 };
        let residuals = compared.into_iter().map(|(value, derivatives)| {
            let mut of_element = vec![None; elements];
            derivatives.iter().for_each(|&(element, column)| of_element[element] = Some(column));
            (value, of_element)
        });
        Ok(Objective { kernel, sources, shared, columns: column, residuals: residuals.collect(), loss })
    }

    /// How many numbers of each row are compared.
    pub fn compared(&self) -> usize {
        self.residuals.len()
    }

    /// The kernel, for what it says of rows that fail.
    pub fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// The parameters of the program in which all results are affine together, as many as are found one after the other: their
    /// derivatives depend on none of them.
    pub fn affine(&self, layout: &Layout) -> Vec<usize> {
        let inputs = self.kernel.inputs();
        let input_of = |parameter: usize| {
            inputs.iter().position(|input| input.name == layout.places[parameter].name).expect("an input")
        };
        let derivatives: Vec<(usize, usize)> = self
            .kernel
            .outputs()
            .iter()
            .enumerate()
            .filter_map(|(k, output)| match output.role {
                Role::Gradient { input, .. } => Some((k, input as usize)),
                Role::Value | Role::Tangent { .. } => None,
            })
            .collect();
        let depends = |by: usize, on: usize| {
            derivatives.iter().any(|&(output, input)| input == by && self.kernel.depends(output, on))
        };
        let mut chosen: Vec<usize> = Vec::new();
        for parameter in (0..layout.places.len()).filter(|&k| !layout.places[k].fixed) {
            let input = input_of(parameter);
            let together = chosen.iter().all(|&other| {
                let other = input_of(other);
                !depends(input, other) && !depends(other, input)
            });
            if together && !depends(input, input) && !layout.takes_part_in_ties(parameter) {
                chosen.push(parameter);
            }
        }
        chosen
    }

    /// The numbers of the parameters that all rows share.
    pub fn shared(&self, parameters: &[f64]) -> Vec<f64> {
        self.shared.iter().map(|&element| parameters[element]).collect()
    }

    /// The numbers of a row in the order of the kernel's inputs.
    pub fn row(&self, rows: &Rows, parameters: &[f64], row: usize) -> Vec<f64> {
        let number = |source: &ColumnSource| match *source {
            ColumnSource::Data(column) => rows.inputs[column][row],
            ColumnSource::Parameter(element) => parameters[element],
        };
        self.sources.iter().map(number).collect()
    }

    /// Evaluates residuals and derivatives of many points, on all threads.
    pub fn evaluate(
        &self,
        layout: &Layout,
        rows: &Rows,
        requests: &[Request<'_>],
        stop: Option<&Stop>,
    ) -> Vec<Result<Evaluation, NotFinite>> {
        let points: Vec<Expanded> = requests.iter().map(|request| layout.expand(request.point)).collect();
        let tasks = tasks(requests);
        let run = |scratch: &mut Scratch, task: &Vec<Piece>| {
            let mut parts = Vec::with_capacity(task.len());
            self.task(scratch, rows, &points, task, stop, |_, reduce| {
                let mut part = Evaluation::default();
                parts.push(reduce(&mut part).map(|()| part));
            });
            parts
        };
        let parts: Vec<Vec<Result<Evaluation, NotFinite>>> = match tasks.as_slice() {
            [task] => vec![run(&mut Scratch::default(), task)],
            tasks => tasks.par_iter().map_init(Scratch::default, run).collect(),
        };
        let width = layout.free.len() + 1;
        let mut found: Vec<Result<Evaluation, NotFinite>> =
            requests.iter().map(|_| Ok(Evaluation { triangle: Triangle::new(width), cost: 0.0 })).collect();
        let mut begun = vec![false; requests.len()];
        for (task, parts) in tasks.iter().zip(parts) {
            for (piece, part) in task.iter().zip(parts) {
                let whole = &mut found[piece.request];
                match (whole.as_mut(), part) {
                    (Err(_), _) => {}
                    (Ok(_), part) if !begun[piece.request] => *whole = part,
                    (Ok(_), Err(row)) => *whole = Err(row),
                    (Ok(whole), Ok(part)) => whole.merge(&part),
                }
                begun[piece.request] = true;
            }
        }
        found
    }

    /// Evaluates residuals and derivatives of many points, one after the other, with the bits of [`Objective::evaluate`], into
    /// evaluations that are there: one for each request, which says besides where it is not finite. Nothing is allocated but
    /// what `scratch` needs to grow.
    pub fn evaluate_into<'r>(
        &self,
        scratch: &mut Scratch,
        layout: &Layout,
        rows: &Rows,
        requests: impl Iterator<Item = Request<'r>>,
        found: &mut [(Evaluation, Result<(), NotFinite>)],
        stop: Option<&Stop>,
    ) {
        let mut pieces = std::mem::take(&mut scratch.pieces);
        let mut points = std::mem::take(&mut scratch.points);
        let mut part = std::mem::take(&mut scratch.part);
        pieces.clear();
        let mut size = 0;
        let mut run = |scratch: &mut Scratch, points: &[Expanded], pieces: &mut Vec<Piece>| {
            self.task(scratch, rows, points, pieces, stop, |piece, reduce| {
                let (whole, outcome) = &mut found[piece.request];
                if piece.begins {
                    *outcome = reduce(whole);
                } else if outcome.is_ok() {
                    *outcome = reduce(&mut part);
                    if outcome.is_ok() {
                        whole.merge(&part);
                    }
                }
            });
            pieces.clear();
        };
        for (k, request) in requests.enumerate() {
            if points.len() == k {
                points.push(Expanded::default());
            }
            layout.expand_into(request.point, &mut points[k]);
            for piece in Piece::of(k, &request.rows) {
                if size + piece.rows.len() > BLOCK_ROWS && !pieces.is_empty() {
                    run(scratch, &points, &mut pieces);
                    size = 0;
                }
                size += piece.rows.len();
                pieces.push(piece);
            }
        }
        if !pieces.is_empty() {
            run(scratch, &points, &mut pieces);
        }
        (scratch.pieces, scratch.points, scratch.part) = (pieces, points, part);
    }

    /// Evaluates the rows of a task in one call of the kernel, and calls back for each piece with what reduces it.
    fn task(
        &self,
        scratch: &mut Scratch,
        rows: &Rows,
        points: &[Expanded],
        task: &[Piece],
        stop: Option<&Stop>,
        mut each: impl FnMut(&Piece, &mut dyn FnMut(&mut Evaluation) -> Result<(), NotFinite>),
    ) {
        let Scratch { workspace, copies, outputs, block, .. } = scratch;
        let count: usize = task.iter().map(|piece| piece.rows.len()).sum();
        outputs.clear();
        outputs.resize(self.columns * count, 0.0);
        let called = self.call(workspace, copies, rows, points, task, stop, outputs);
        let mut first = 0;
        for piece in task {
            let combination = &points[piece.request].combination;
            each(piece, &mut |into| match called {
                Ok(()) => self.reduce(rows, combination, piece, outputs, (first, count), block, into),
                Err(_) => Err(None),
            });
            first += piece.rows.len();
        }
    }

    /// Calls the kernel for the rows of a task, one piece after the other.
    #[allow(clippy::too_many_arguments, reason = "a step of `task`")]
    fn call(
        &self,
        workspace: &mut Workspace,
        copies: &mut Vec<f64>,
        rows: &Rows,
        points: &[Expanded],
        task: &[Piece],
        stop: Option<&Stop>,
        outputs: &mut [f64],
    ) -> Result<(), BatchError> {
        let count: usize = task.iter().map(|piece| piece.rows.len()).sum();
        // Pieces that follow each other share the columns of data only if their rows do.
        let follows = task.windows(2).all(|pair| pair[0].rows.end == pair[1].rows.start);
        copies.clear();
        for source in &self.sources {
            match *source {
                ColumnSource::Parameter(_) if task.len() == 1 => {}
                ColumnSource::Data(_) if follows => {}
                ColumnSource::Parameter(element) => {
                    for piece in task {
                        let value = points[piece.request].values[element];
                        copies.resize(copies.len() + piece.rows.len(), value);
                    }
                }
                ColumnSource::Data(column) => {
                    for piece in task {
                        copies.extend_from_slice(&rows.inputs[column][piece.rows.clone()]);
                    }
                }
            }
        }
        let mut copies = copies.chunks(count.max(1));
        let range = task[0].rows.start..task[0].rows.start + count;
        let sources: Vec<Source<'_>> = self
            .sources
            .iter()
            .map(|source| match *source {
                ColumnSource::Parameter(element) if task.len() == 1 => {
                    Source::Constant(points[task[0].request].values[element])
                }
                ColumnSource::Data(column) if follows => Source::Column(&rows.inputs[column][range.clone()]),
                ColumnSource::Parameter(_) | ColumnSource::Data(_) => {
                    Source::Column(copies.next().expect("a copy of each such column"))
                }
            })
            .collect();
        let mut sinks: Vec<Sink<'_>> = outputs.chunks_mut(count.max(1)).map(Sink::Column).collect();
        let params = self.shared(&points[task[0].request].values);
        let batch = Batch {
            rows: count,
            inputs: &sources,
            params: &params,
            outputs: &mut sinks,
            param_gradients: &mut [],
        };
        let options = Options { stop, ..Options::with_threads(1) };
        self.kernel.evaluate(batch, &options, workspace).map(|_| ())
    }

    /// Sets the triangle and the cost of a piece, whose rows begin at row `first` of the outputs.
    #[allow(clippy::too_many_arguments, reason = "a step of `task`")]
    fn reduce(
        &self,
        rows: &Rows,
        combination: &Combination,
        piece: &Piece,
        outputs: &[f64],
        (first, stride): (usize, usize),
        block: &mut Vec<f64>,
        into: &mut Evaluation,
    ) -> Result<(), NotFinite> {
        let width = combination.len() + 1;
        let Evaluation { triangle, cost } = into;
        *cost = self.block(rows, combination, &piece.rows, outputs, (first, stride), self.loss, block);
        let tall = block.len() / width;
        triangle.clear(width);
        triangle.absorb(block, tall, tall);
        if triangle.is_finite() && !cost.is_nan() {
            // The square of residuals that are finite: a start may be that far away.
            *cost = cost.min(f64::MAX);
            return Ok(());
        }
        self.block(rows, combination, &piece.rows, outputs, (first, stride), self.loss, block);
        let bad = (0..tall).find(|&row| (0..width).any(|k| !block[k * tall + row].is_finite()));
        Err(Some(piece.rows.start + bad.unwrap_or(0) % piece.rows.len().max(1)))
    }

    /// Sets the columns `[J r]` of rows as the loss leaves them, those of each compared element below those of the one before; gives
    /// the cost.
    #[allow(clippy::too_many_arguments, reason = "a step of `reduce`")]
    fn block(
        &self,
        rows: &Rows,
        combination: &Combination,
        range: &Range<usize>,
        outputs: &[f64],
        (first, stride): (usize, usize),
        loss: Loss,
        block: &mut Vec<f64>,
    ) -> f64 {
        let (count, width) = (range.len(), combination.len() + 1);
        let tall = count * self.residuals.len();
        block.clear();
        block.resize(width * tall, 0.0);
        for (k, (value, of_element)) in self.residuals.iter().enumerate() {
            let output = |column: usize| &outputs[column * stride + first..][..count];
            let scales = rows.scales(k).map(|scales| &scales[range.clone()]);
            for (j, parts) in combination.iter().enumerate() {
                let column = &mut block[j * tall + k * count..][..count];
                for &(element, factor) in parts {
                    let Some(derivative) = of_element[element] else { continue };
                    let derivative = output(derivative);
                    if factor == 1.0 && parts.len() == 1 {
                        column.copy_from_slice(derivative);
                    } else {
                        column.iter_mut().zip(derivative).for_each(|(x, d)| *x += factor * d);
                    }
                }
                if let Some(scales) = scales {
                    column.iter_mut().zip(scales).for_each(|(x, scale)| *x *= scale);
                }
            }
            let column = &mut block[(width - 1) * tall + k * count..][..count];
            let target = &rows.targets[k][range.clone()];
            column.iter_mut().zip(output(*value)).zip(target).for_each(|((r, y), t)| *r = y - t);
            if let Some(scales) = scales {
                column.iter_mut().zip(scales).for_each(|(r, scale)| *r *= scale);
            }
        }
        loss.apply(block, tall, width)
    }

    /// Values of the compared elements, column after column, for one point over all rows.
    pub fn values(&self, layout: &Layout, rows: &Rows, point: &[f64]) -> Vec<Vec<f64>> {
        let mut values = vec![Vec::with_capacity(rows.count); self.residuals.len()];
        self.outputs(layout, rows, point, |range, outputs, _| {
            for ((value, _), column) in self.residuals.iter().zip(&mut values) {
                column.extend_from_slice(&outputs[value * range.len()..][..range.len()]);
            }
        });
        values
    }

    /// The first row in which a compared value is not finite.
    pub fn first_not_finite(&self, layout: &Layout, rows: &Rows, point: &[f64]) -> Option<usize> {
        let values = self.values(layout, rows, point);
        (0..rows.count).find(|&row| values.iter().any(|column| !column[row].is_finite()))
    }

    /// Calls back with the columns `[J r]` of each block of rows, and their height, as a loss leaves them.
    pub fn blocks(
        &self,
        layout: &Layout,
        rows: &Rows,
        point: &[f64],
        loss: Loss,
        mut visit: impl FnMut(Range<usize>, &[f64], usize),
    ) {
        let mut block = Vec::new();
        self.outputs(layout, rows, point, |range, outputs, combination| {
            let count = range.len();
            self.block(rows, combination, &range, outputs, (0, count), loss, &mut block);
            visit(range, &block, count * self.residuals.len());
        });
    }

    /// Calls back with the columns that the kernel writes for each block of rows; what cannot be evaluated is NaN.
    fn outputs(
        &self,
        layout: &Layout,
        rows: &Rows,
        point: &[f64],
        mut visit: impl FnMut(Range<usize>, &[f64], &Combination),
    ) {
        let points = [layout.expand(point)];
        let Scratch { mut workspace, mut copies, mut outputs, .. } = Scratch::default();
        for piece in Piece::of(0, &(0..rows.count)) {
            outputs.clear();
            outputs.resize(self.columns * piece.rows.len(), f64::NAN);
            let range = piece.rows.clone();
            let _ = self.call(&mut workspace, &mut copies, rows, &points, &[piece], None, &mut outputs);
            visit(range, &outputs, &points[0].combination);
        }
    }
}

impl Piece {
    /// The pieces of a request.
    fn of(request: usize, rows: &Range<usize>) -> impl Iterator<Item = Piece> + use<> {
        let (first, end) = (rows.start, rows.end);
        (first..end).step_by(BLOCK_ROWS).map(move |start| Piece {
            request,
            rows: start..(start + BLOCK_ROWS).min(end),
            begins: start == first,
        })
    }
}

/// Requests in pieces of blocks, small ones several to a task.
fn tasks(requests: &[Request<'_>]) -> Vec<Vec<Piece>> {
    let mut tasks: Vec<Vec<Piece>> = Vec::new();
    let mut open: Vec<Piece> = Vec::new();
    let mut size = 0;
    for (k, request) in requests.iter().enumerate() {
        for piece in Piece::of(k, &request.rows) {
            if size + piece.rows.len() > BLOCK_ROWS && !open.is_empty() {
                tasks.push(std::mem::take(&mut open));
                size = 0;
            }
            size += piece.rows.len();
            open.push(piece);
        }
    }
    if !open.is_empty() {
        tasks.push(open);
    }
    tasks
}
