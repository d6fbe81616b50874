//! Residuals and their derivatives over rows: from compiled programs to triangles.

use std::ops::Range;

use neural_compiler::batch::{Batch, BatchError, Options, Sink, Source, Stop, Workspace};
use neural_compiler::{CompileOptions, Derivative, Kernel, Program, Role, Shape, Signature, Tier};
use rayon::prelude::*;

use super::parameters::{Combination, Layout};
use super::triangle::Triangle;
use super::trust_region::Evaluation;
use super::{FitError, Loss};

/// Rows of a block. Blocks are factored by themselves and merged in order, so the bits do not depend on threads.
pub const BLOCK_ROWS: usize = 4096;

/// The rows that are fitted, or some of them.
#[derive(Debug, Clone)]
pub struct Rows {
    /// How many.
    pub count: usize,
    /// The columns of the program's inputs that are data, each element one.
    pub inputs: Vec<Vec<f64>>,
    /// What each element of the results is compared with.
    pub targets: Vec<Vec<f64>>,
    /// What residuals are multiplied by; nothing for 1.
    pub scales: Option<Vec<f64>>,
}

impl Rows {
    /// These of them.
    pub fn select(&self, rows: &[usize]) -> Rows {
        let column = |column: &Vec<f64>| rows.iter().map(|&row| column[row]).collect::<Vec<f64>>();
        Rows {
            count: rows.len(),
            inputs: self.inputs.iter().map(column).collect(),
            targets: self.targets.iter().map(column).collect(),
            scales: self.scales.as_ref().map(column),
        }
    }
}

/// A program that is compared with data.
#[derive(Debug)]
pub struct Objective {
    kernel: Kernel,
    /// Where the columns of the kernel come from.
    sources: Vec<ColumnSource>,
    /// How many columns it writes.
    columns: usize,
    /// For each element that is compared, the column of its value and those of its derivatives: which element of the parameters,
    /// which column.
    residuals: Vec<(usize, Vec<(usize, usize)>)>,
    /// How many elements the parameters have.
    elements: usize,
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
}

impl Objective {
    /// Compiles a program whose inputs `data` have these shapes, and of whose results these are compared.
    pub fn new(
        program: &Program,
        layout: &Layout,
        data: &[(&str, Shape)],
        results: &[String],
        loss: Loss,
        tier: Tier,
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
        }
        let wanted: Vec<&str> =
            layout.places.iter().filter(|place| !place.fixed).map(|place| place.name.as_str()).collect();
        let mut options = CompileOptions::default().signature(signature).tier(tier);
        if !wanted.is_empty() {
            options = options.derivative(Derivative::Gradient).wrt(wanted);
        }
        let kernel = program.compile(&options).map_err(FitError::program)?;
        let mut sources = Vec::new();
        for input in kernel.inputs() {
            let count = input.shape.len();
            let place = layout.places.iter().find(|place| place.name == input.name);
            match (place, data.iter().position(|(name, _)| *name == input.name)) {
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
        let mut derivatives = vec![Vec::new(); values.len()];
        for output in kernel.outputs() {
            if let Role::Gradient { of, input } = output.role {
                let name = &kernel.inputs()[input as usize].name;
                let place = layout.places.iter().find(|place| place.name == *name);
                let first = place.map_or(0, |place| place.first);
                for number in 0..output.shape.len() {
                    derivatives[of as usize].push((first + number, column));
                    column += 1;
                }
            }
        }
        for (k, result) in results.iter().enumerate() {
            let mut element = 0;
            for output in kernel.outputs().iter().filter(|output| output.role == Role::Value) {
                for _ in 0..output.shape.len() {
                    if output.name == *result {
                        compared.push((values[element], std::mem::take(&mut derivatives[element])));
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
        let elements = layout.places.iter().map(|place| place.shape.len()).sum();
        Ok(Objective { kernel, sources, columns: column, residuals: compared, elements, loss })
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

    /// The numbers of a row in the order of the kernel's inputs.
    pub fn row(&self, rows: &Rows, parameters: &[f64], row: usize) -> Vec<f64> {
        let number = |source: &ColumnSource| match *source {
            ColumnSource::Data(column) => rows.inputs[column][row],
            ColumnSource::Parameter(element) => parameters[element],
        };
        self.sources.iter().map(number).collect()
    }

    /// Evaluates residuals and derivatives of many points.
    pub fn evaluate(
        &self,
        layout: &Layout,
        rows: &Rows,
        requests: &[Request<'_>],
        stop: Option<&Stop>,
    ) -> Vec<Result<Evaluation, NotFinite>> {
        let points: Vec<(Vec<f64>, Combination)> =
            requests.iter().map(|request| layout.expand(request.point)).collect();
        let tasks = tasks(requests);
        let run =
            |workspace: &mut Workspace, task: &Vec<Piece>| self.task(workspace, rows, &points, task, stop);
        let parts: Vec<Vec<Result<Evaluation, NotFinite>>> = match tasks.as_slice() {
            [task] => vec![run(&mut Workspace::new(), task)],
            tasks => tasks.par_iter().map_init(Workspace::new, run).collect(),
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
                    (Ok(whole), Ok(part)) => {
                        whole.triangle.merge(&part.triangle);
                        whole.cost += part.cost;
                    }
                }
                begun[piece.request] = true;
            }
        }
        found
    }

    /// Evaluates the rows of a task in one call of the kernel.
    fn task(
        &self,
        workspace: &mut Workspace,
        rows: &Rows,
        points: &[(Vec<f64>, Combination)],
        task: &[Piece],
        stop: Option<&Stop>,
    ) -> Vec<Result<Evaluation, NotFinite>> {
        let count: usize = task.iter().map(|piece| piece.rows.len()).sum();
        let mut outputs = vec![0.0; self.columns * count];
        if self.call(workspace, rows, points, task, stop, &mut outputs).is_err() {
            return task.iter().map(|_| Err(None)).collect();
        }
        let mut first = 0;
        task.iter()
            .map(|piece| {
                let found = self.reduce(rows, &points[piece.request].1, piece, &outputs, (first, count));
                first += piece.rows.len();
                found
            })
            .collect()
    }

    /// Calls the kernel for the rows of a task, one piece after the other.
    fn call(
        &self,
        workspace: &mut Workspace,
        rows: &Rows,
        points: &[(Vec<f64>, Combination)],
        task: &[Piece],
        stop: Option<&Stop>,
        outputs: &mut [f64],
    ) -> Result<(), BatchError> {
        let count: usize = task.iter().map(|piece| piece.rows.len()).sum();
        // Pieces that follow each other share the columns of data only if their rows do.
        let follows = task.windows(2).all(|pair| pair[0].rows.end == pair[1].rows.start);
        let mut copies: Vec<Vec<f64>> = Vec::new();
        for source in &self.sources {
            match *source {
                ColumnSource::Parameter(_) if task.len() == 1 => {}
                ColumnSource::Data(_) if follows => {}
                ColumnSource::Parameter(element) => {
                    let values = task.iter().flat_map(|piece| {
                        std::iter::repeat_n(points[piece.request].0[element], piece.rows.len())
                    });
                    copies.push(values.collect());
                }
                ColumnSource::Data(column) => {
                    let parts = task.iter().flat_map(|piece| &rows.inputs[column][piece.rows.clone()]);
                    copies.push(parts.copied().collect());
                }
            }
        }
        let mut copies = copies.iter();
        let range = task[0].rows.start..task[0].rows.start + count;
        let sources: Vec<Source<'_>> = self
            .sources
            .iter()
            .map(|source| match *source {
                ColumnSource::Parameter(element) if task.len() == 1 => {
                    Source::Constant(points[task[0].request].0[element])
                }
                ColumnSource::Data(column) if follows => Source::Column(&rows.inputs[column][range.clone()]),
                ColumnSource::Parameter(_) | ColumnSource::Data(_) => {
                    Source::Column(copies.next().expect("a copy of each such column"))
                }
            })
            .collect();
        let mut sinks: Vec<Sink<'_>> = outputs.chunks_mut(count.max(1)).map(Sink::Column).collect();
        let batch = Batch {
            rows: count,
            inputs: &sources,
            params: &[],
            outputs: &mut sinks,
            param_gradients: &mut [],
        };
        let options = Options { stop, ..Options::with_threads(1) };
        self.kernel.evaluate(batch, &options, workspace).map(|_| ())
    }

    /// The triangle of a piece, whose rows begin at row `first` of the outputs.
    fn reduce(
        &self,
        rows: &Rows,
        combination: &Combination,
        piece: &Piece,
        outputs: &[f64],
        (first, stride): (usize, usize),
    ) -> Result<Evaluation, NotFinite> {
        let width = combination.len() + 1;
        let (mut block, cost) = self.block(rows, combination, piece, outputs, (first, stride));
        let tall = block.len() / width;
        let mut triangle = Triangle::new(width);
        triangle.absorb(&mut block, tall, tall);
        if triangle.is_finite() && cost.is_finite() {
            return Ok(Evaluation { triangle, cost });
        }
        let (block, _) = self.block(rows, combination, piece, outputs, (first, stride));
        let bad = (0..tall).find(|&row| (0..width).any(|k| !block[k * tall + row].is_finite()));
        Err(Some(piece.rows.start + bad.unwrap_or(0) % piece.rows.len().max(1)))
    }

    /// The columns `[J r]` of a piece as the loss leaves them, those of each compared element below those of the one before; and
    /// the cost.
    fn block(
        &self,
        rows: &Rows,
        combination: &Combination,
        piece: &Piece,
        outputs: &[f64],
        (first, stride): (usize, usize),
    ) -> (Vec<f64>, f64) {
        let (count, width) = (piece.rows.len(), combination.len() + 1);
        let tall = count * self.residuals.len();
        let mut block = vec![0.0; width * tall];
        let mut of_element = vec![None; self.elements];
        for (k, (value, derivatives)) in self.residuals.iter().enumerate() {
            of_element.fill(None);
            derivatives.iter().for_each(|&(element, column)| of_element[element] = Some(column));
            let output = |column: usize| &outputs[column * stride + first..][..count];
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
            }
            let column = &mut block[(width - 1) * tall + k * count..][..count];
            let target = &rows.targets[k][piece.rows.clone()];
            column.iter_mut().zip(output(*value)).zip(target).for_each(|((r, y), t)| *r = y - t);
        }
        if let Some(scales) = &rows.scales {
            let scales = &scales[piece.rows.clone()];
            for column in block.chunks_mut(count.max(1)) {
                column.iter_mut().zip(scales).for_each(|(x, scale)| *x *= scale);
            }
        }
        let cost = self.loss.apply(&mut block, tall, width);
        (block, cost)
    }

    /// Values of the compared elements, column after column, for one point over all rows.
    pub fn values(&self, layout: &Layout, rows: &Rows, point: &[f64]) -> Vec<Vec<f64>> {
        let points = vec![layout.expand(point)];
        let mut values = vec![Vec::with_capacity(rows.count); self.residuals.len()];
        let mut workspace = Workspace::new();
        for start in (0..rows.count).step_by(BLOCK_ROWS) {
            let end = (start + BLOCK_ROWS).min(rows.count);
            let task = [Piece { request: 0, rows: start..end }];
            let mut outputs = vec![f64::NAN; self.columns * (end - start)];
            // What cannot be evaluated is NaN.
            let _ = self.call(&mut workspace, rows, &points, &task, None, &mut outputs);
            for ((value, _), column) in self.residuals.iter().zip(&mut values) {
                column.extend_from_slice(&outputs[value * (end - start)..][..end - start]);
            }
        }
        values
    }

    /// Calls back with the columns `[J r]` of each block of rows, and their height, as the loss leaves them.
    pub fn blocks(
        &self,
        layout: &Layout,
        rows: &Rows,
        point: &[f64],
        mut visit: impl FnMut(Range<usize>, &[f64], usize),
    ) {
        let points = vec![layout.expand(point)];
        let mut workspace = Workspace::new();
        for start in (0..rows.count).step_by(BLOCK_ROWS) {
            let end = (start + BLOCK_ROWS).min(rows.count);
            let piece = Piece { request: 0, rows: start..end };
            let mut outputs = vec![f64::NAN; self.columns * (end - start)];
            let task = [piece];
            let _ = self.call(&mut workspace, rows, &points, &task, None, &mut outputs);
            let (block, _) = self.block(rows, &points[0].1, &task[0], &outputs, (0, end - start));
            visit(start..end, &block, (end - start) * self.residuals.len());
        }
    }
}

/// Requests in pieces of blocks, small ones several to a task.
fn tasks(requests: &[Request<'_>]) -> Vec<Vec<Piece>> {
    let mut tasks: Vec<Vec<Piece>> = Vec::new();
    let mut open: Vec<Piece> = Vec::new();
    let mut size = 0;
    for (k, request) in requests.iter().enumerate() {
        for start in request.rows.clone().step_by(BLOCK_ROWS) {
            let rows = start..(start + BLOCK_ROWS).min(request.rows.end);
            if size + rows.len() > BLOCK_ROWS && !open.is_empty() {
                tasks.push(std::mem::take(&mut open));
                size = 0;
            }
            size += rows.len();
            open.push(Piece { request: k, rows });
        }
    }
    if !open.is_empty() {
        tasks.push(open);
    }
    tasks
}
