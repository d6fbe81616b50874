//! Pictures of fits: data and fit with its band, residuals, correlations, profiles.

use std::borrow::Cow;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use super::objective::Rows;
use super::{Fit, FitError, Loss, Noise, Prepared, Profile, Report, Solution};
use crate::picture::{Drawing, Image, extent, file, tick, widened};

/// How an axis of data is divided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Axis {
    /// By logarithms where all data are above 0 and reach over more than three decades.
    #[default]
    Auto,
    /// By logarithms.
    Log,
}

/// Width of a picture and height for one target, in pixels; and what each further one adds.
const SIZE: (u32, u32) = (1200, 900);
const FURTHER: u32 = 600;

/// The most targets that have a panel.
const PANELS: usize = 6;

/// The most rows that are drawn; of more, every so many-th is.
const DRAWN: usize = 4000;

/// The most rows that are drawn large, with bars for their σ.
const FEW: usize = 500;

/// Points of a curve.
const CURVE: usize = 400;

/// The ratio of the largest to the smallest number from which an axis is logarithmic by itself.
const DECADES: f64 = 1e3;

const DATA: RGBColor = RGBColor(60, 60, 60);
const LINE: RGBColor = RGBColor(190, 40, 45);
const BAND: RGBColor = RGBColor(235, 170, 165);

/// What is drawn of a fit.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    title: String,
    /// One for each element of the targets.
    panels: Vec<Panel>,
    correlated: Vec<String>,
    correlation: Vec<Vec<f64>>,
    profiles: Vec<Profile>,
    /// The square of the quantile.
    height: f64,
}

/// What is drawn of a target.
#[derive(Debug, Clone, Default)]
struct Panel {
    /// Names of the axes.
    x: String,
    y: String,
    points: Vec<Point>,
    /// The fit and half the width of its band.
    curve: Vec<(f64, f64, f64)>,
    /// Whether the axes are logarithmic.
    log: (bool, bool),
}

/// A row.
#[derive(Debug, Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
    /// Data less value.
    residual: f64,
    /// 0 where it is not known.
    sigma: f64,
}

impl Fit<'_> {
    /// Carries the fit out and says what there is to draw of it; see [`Solution::figure`].
    ///
    /// # Errors
    ///
    /// As [`Fit::run`]. An axis that cannot be logarithmic, as numbers are not above 0.
    pub fn figure(&self) -> Result<(Report, Figure), FitError> {
        let solution = self.solve()?;
        let figure = solution.figure(Axis::Auto, Axis::Auto)?;
        Ok((solution.report, figure))
    }
}

impl Solution<'_, '_> {
    /// What there is to draw: each target over the only column of data, if there is one, with the band in which the program's value
    /// lies; or else over the values that the program gives. Data with known σ have bars.
    ///
    /// # Errors
    ///
    /// An axis that cannot be logarithmic, as numbers are not above 0.
    pub fn figure(&self, across: Axis, up: Axis) -> Result<Figure, FitError> {
        let Solution { fit, prepared, found, report } = self;
        let Prepared { rows, layout, objective, unit, .. } = prepared;
        let best = &found.best;
        let meaning = fit.meaning(prepared, best, rows.count, || Cow::Borrowed(rows));
        let quantile = meaning.quantile(fit.level).unwrap_or(0.0);
        let fitted = self.fitted();
        let shown = fitted.len().min(PANELS);
        let left = if fitted.len() > shown {
            format!(", the first {shown} of {} targets", fitted.len())
        } else {
            String::new()
        };
        let mut figure = Figure {
            title: format!(
                "{} rows, root mean square {}{left}",
                report.rows,
                super::report::short(report.rmse, 4)
            ),
            correlated: report.correlated.clone(),
            correlation: report.correlation.clone(),
            profiles: report.profiles.clone(),
            height: quantile * quantile,
            panels: Vec::new(),
        };
        let every = rows.count.div_ceil(DRAWN);
        let known = matches!(fit.noise, Noise::Sigma(_) | Noise::SigmaOfEach(_) | Noise::SigmaOfElements(_));
        let single = match rows.inputs.as_slice() {
            [column] => Some(column),
            _ => None,
        };
        for (element, column) in fitted.iter().enumerate().take(shown) {
            let over = single.unwrap_or(&column.fitted);
            let points = (0..rows.count).step_by(every).map(|row| Point {
                x: over[row],
                y: column.data[row],
                residual: column.residuals[row],
                sigma: if known { 1.0 / unit.plain(rows.scale(element, row)) } else { 0.0 },
            });
            let mut panel = Panel {
                x: single.map_or_else(
                    || format!("{} by the program", column.name),
                    |_| self.fit.data[0].name.clone(),
                ),
                y: column.name.clone(),
                points: points.collect(),
                ..Panel::default()
            };
            panel.log = (
                logarithmic(across, &panel.x, panel.points.iter().map(|point| point.x))?,
                logarithmic(up, &panel.y, panel.points.iter().map(|point| point.y))?,
            );
            if single.is_none() {
                let (low, high) = extent(panel.points.iter().map(|point| point.x));
                panel.curve = vec![(low, low, 0.0), (high, high, 0.0)];
            }
            figure.panels.push(panel);
        }
        if single.is_some() {
            let first = &figure.panels[0];
            let (low, high) = extent(first.points.iter().map(|point| point.x));
            let part = |k: usize| k as f64 / (CURVE - 1) as f64;
            let grid: Vec<f64> = (0..CURVE)
                .map(|k| match first.log.0 {
                    true => low * (part(k) * (high / low).ln()).exp(),
                    false => low + (high - low) * part(k),
                })
                .collect();
            let zeros = vec![vec![0.0; CURVE]; rows.targets.len()];
            let scales = if unit.is_one() { vec![] } else { vec![vec![unit.over(1.0); CURVE]] };
            let dense = Rows { count: CURVE, inputs: vec![grid.clone()], targets: zeros, scales };
            let curves = objective.values(layout, &dense, &best.x);
            let mut half = vec![vec![0.0; CURVE]; curves.len()];
            if let Some(deviation) = meaning.deviation {
                objective.blocks(layout, &dense, &best.x, Loss::Linear, |range, block, tall| {
                    for row in 0..tall {
                        let slopes: Vec<f64> =
                            meaning.inverse.of.iter().map(|&k| block[k * tall + row]).collect();
                        let (element, place) = (row / range.len(), range.start + row % range.len());
                        let spread = deviation.times(meaning.inverse.spread_along(&slopes));
                        half[element][place] = quantile * unit.plain(spread);
                    }
                });
            }
            for ((panel, curve), half) in figure.panels.iter_mut().zip(curves).zip(half) {
                let points = grid.iter().zip(curve).zip(half).map(|((&x, y), half)| (x, y, half));
                panel.curve = points.filter(|(_, y, half)| y.is_finite() && half.is_finite()).collect();
            }
        }
        Ok(figure)
    }
}

/// Whether the axis of these numbers is logarithmic.
fn logarithmic(axis: Axis, name: &str, numbers: impl Iterator<Item = f64> + Clone) -> Result<bool, FitError> {
    let (low, high) = extent(numbers.clone());
    match axis {
        Axis::Auto => Ok(low > 0.0 && high / low > DECADES),
        Axis::Log => match numbers.into_iter().find(|x| *x <= 0.0) {
            None => Ok(true),
            Some(value) => Err(FitError::Logarithm { name: name.to_owned(), value }),
        },
    }
}

/// Where a number stands on an axis.
fn placed(log: bool, x: f64) -> f64 {
    if log { x.log10() } else { x }
}

type Plane = Cartesian2d<Ruler, Ruler>;

/// An axis with ticks of its own.
struct Ruler {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
}

impl Ranged for Ruler {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let part = (value - self.low) / (self.high - self.low);
        first + (part * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> std::ops::Range<f64> {
        self.low..self.high
    }
}

impl Figure {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// What the drawing library cannot do, in its words.
    pub fn draw(&self, image: Image) -> Result<Vec<u8>, String> {
        file(self, image, self.size())
    }

    fn size(&self) -> (u32, u32) {
        (SIZE.0, SIZE.1 + FURTHER * (self.panels.len().max(1) as u32 - 1))
    }
}

impl Drawing for Figure {
    fn draw_on<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        area.fill(&WHITE)?;
        let right = !self.correlation.is_empty() || !self.profiles.is_empty();
        let (left, side) = if right {
            let (left, side) = area.split_horizontally((62).percent_width());
            (left, Some(side))
        } else {
            (area.clone(), None)
        };
        for (k, (panel, area)) in
            self.panels.iter().zip(left.split_evenly((self.panels.len(), 1))).enumerate()
        {
            let (upper, lower) = area.split_vertically((66).percent_height());
            panel.data(&upper, if k == 0 { &self.title } else { "" })?;
            panel.residuals(&lower)?;
        }
        if let Some(side) = side {
            // Of a tall picture as much as of one with a single target.
            let (side, _) = side.split_vertically(SIZE.1);
            if self.profiles.is_empty() {
                let (above, _) = side.split_vertically((62).percent_height());
                self.correlations(&above)?;
            } else {
                let (above, below) = side.split_vertically((45).percent_height());
                self.correlations(&above)?;
                let columns = (self.profiles.len() as f64).sqrt().ceil() as usize;
                let lines = self.profiles.len().div_ceil(columns);
                for (profile, area) in self.profiles.iter().zip(below.split_evenly((lines, columns))) {
                    self.profile(&area, profile)?;
                }
            }
        }
        area.present()
    }
}

impl Figure {
    fn correlations<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let n = self.correlation.len();
        if n == 0 {
            return Ok(());
        }
        let mut chart = ChartBuilder::on(area)
            .caption("correlation", ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(30)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..n as f64, n as f64..0.0)?;
        for (i, line) in self.correlation.iter().enumerate() {
            for (j, &r) in line.iter().enumerate() {
                let (x, y) = (j as f64, i as f64);
                let colour = if r > 0.0 { RGBColor(190, 40, 45) } else { RGBColor(45, 80, 170) };
                let cell = [(x, y), (x + 1.0, y + 1.0)];
                chart.draw_series([Rectangle::new(cell, colour.mix(0.85 * r.abs()).filled())])?;
                if n <= 10 {
                    let ink = if r.abs() > 0.7 { WHITE } else { BLACK };
                    let size = if n <= 5 { 15 } else { 10 };
                    let style = TextStyle::from(("sans-serif", size).into_font()).color(&ink);
                    let style = style.pos(plotters::style::text_anchor::Pos::new(
                        plotters::style::text_anchor::HPos::Center,
                        plotters::style::text_anchor::VPos::Center,
                    ));
                    chart.draw_series([Text::new(format!("{r:.2}"), (x + 0.5, y + 0.5), style)])?;
                }
            }
        }
        for (k, name) in self.correlated.iter().enumerate().filter(|_| n <= 24) {
            let style = TextStyle::from(("sans-serif", 14).into_font());
            let centre = plotters::style::text_anchor::HPos::Center;
            let below = style
                .pos(plotters::style::text_anchor::Pos::new(centre, plotters::style::text_anchor::VPos::Top));
            let left = style.pos(plotters::style::text_anchor::Pos::new(
                plotters::style::text_anchor::HPos::Right,
                plotters::style::text_anchor::VPos::Center,
            ));
            let plane = chart.plotting_area();
            let (x, bottom) = plane.map_coordinate(&(k as f64 + 0.5, n as f64));
            let (start, y) = plane.map_coordinate(&(0.0, k as f64 + 0.5));
            let base = area.get_base_pixel();
            area.draw_text(name, &below, (x - base.0, bottom - base.1 + 6))?;
            area.draw_text(name, &left, (start - base.0 - 6, y - base.1))?;
        }
        Ok(())
    }

    fn profile<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        profile: &Profile,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (left, right) = widened(extent(profile.values.iter().copied()));
        let top = 1.3 * profile.rise.iter().copied().filter(|x| x.is_finite()).fold(self.height, f64::max);
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(50)
            .build_cartesian_2d(left..right, 0.0..top)?;
        let along = |x: &f64| tick(*x, right - left);
        let label = |y: &f64| tick(*y, top);
        chart
            .configure_mesh()
            .light_line_style(WHITE.mix(0.0))
            .bold_line_style(BLACK.mix(0.08))
            .x_desc(&profile.name)
            .y_desc("rise")
            .x_labels(2)
            .y_labels(4)
            .x_label_formatter(&along)
            .y_label_formatter(&label)
            .label_style(("sans-serif", 12))
            .axis_desc_style(("sans-serif", 14))
            .draw()?;
        chart.draw_series([PathElement::new(
            vec![(left, self.height), (right, self.height)],
            BLACK.mix(0.4),
        )])?;
        let line: Vec<(f64, f64)> =
            profile.values.iter().copied().zip(profile.rise.iter().copied()).collect();
        chart.draw_series([PathElement::new(line, LINE.stroke_width(2))])?;
        Ok(())
    }
}

impl Panel {
    fn data<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
        title: &str,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (wide, tall) = self.log;
        let across = widened(extent(self.points.iter().map(|point| placed(wide, point.x))));
        // Where an axis is logarithmic, what is not above 0 is left out or ends at the lower edge.
        let band = self.curve.iter().flat_map(|&(_, y, half)| [y - half, y + half]);
        let bars = self.points.iter().flat_map(|point| [point.y - point.sigma, point.y + point.sigma]);
        let shown = self.points.iter().map(|point| point.y).chain(bars).chain(band);
        let least = 0.1 * extent(self.points.iter().map(|point| point.y)).0;
        let shown = shown.filter(|y| !tall || *y >= least).map(|y| placed(tall, y));
        let up = widened(extent(shown));
        let mut chart = ChartBuilder::on(area)
            .caption(title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(80)
            .build_cartesian_2d(axis(across, wide), axis(up, tall))?;
        mesh(&mut chart, (&self.x, across, wide), (&self.y, up, tall))?;
        let height = |y: f64| if tall && y <= 0.0 { up.0 } else { placed(tall, y).max(up.0) };
        let upper = self.curve.iter().map(|&(x, y, half)| (placed(wide, x), height(y + half)));
        let lower = self.curve.iter().rev().map(|&(x, y, half)| (placed(wide, x), height(y - half)));
        chart.draw_series([Polygon::new(upper.chain(lower).collect::<Vec<_>>(), BAND.mix(0.7).filled())])?;
        let bars = self.bars().map(|point| {
            let ends = [point.y - point.sigma, point.y + point.sigma];
            PathElement::new(ends.map(|y| (placed(wide, point.x), height(y))), DATA.stroke_width(1))
        });
        chart.draw_series(bars)?;
        let size = self.point_size();
        let points = self.points.iter().map(|point| (placed(wide, point.x), placed(tall, point.y)));
        chart.draw_series(points.map(|point| Circle::new(point, size, DATA.filled())))?;
        let line = self.curve.iter().filter(|(_, y, _)| !tall || *y > 0.0);
        chart.draw_series([PathElement::new(
            line.map(|&(x, y, _)| (placed(wide, x), placed(tall, y))).collect::<Vec<_>>(),
            LINE.stroke_width(2),
        )])?;
        Ok(())
    }

    fn residuals<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let wide = self.log.0;
        let across = widened(extent(self.points.iter().map(|point| placed(wide, point.x))));
        let most = self.points.iter().map(|point| point.residual.abs() + point.sigma).fold(0.0, f64::max);
        let most = if most > 0.0 { 1.1 * most } else { 1.0 };
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(80)
            .build_cartesian_2d(axis(across, wide), axis((-most, most), false))?;
        mesh(&mut chart, (&self.x, across, wide), ("residual", (-most, most), false))?;
        let zero = [(across.0, 0.0), (across.1, 0.0)];
        chart.draw_series([PathElement::new(zero, LINE.stroke_width(1))])?;
        let bars = self.bars().map(|point| {
            let ends = [point.residual - point.sigma, point.residual + point.sigma];
            PathElement::new(ends.map(|y| (placed(wide, point.x), y)), DATA.stroke_width(1))
        });
        chart.draw_series(bars)?;
        let size = self.point_size();
        let points = self.points.iter().map(|point| (placed(wide, point.x), point.residual));
        chart.draw_series(points.map(|point| Circle::new(point, size, DATA.filled())))?;
        Ok(())
    }

    /// The points that have bars.
    fn bars(&self) -> impl Iterator<Item = &Point> {
        let few = self.points.len() <= FEW;
        self.points.iter().filter(move |point| few && point.sigma > 0.0)
    }

    fn point_size(&self) -> i32 {
        if self.points.len() > FEW { 1 } else { 3 }
    }
}

/// An axis with its ticks.
fn axis((low, high): (f64, f64), log: bool) -> Ruler {
    Ruler { low, high, ticks: ticks(low, high, log) }
}

/// Ticks of an axis: multiples of 1, 2 or 5 times a power of ten; on a logarithmic one powers of ten, or between few of them multiples
/// by 2 and 5.
fn ticks(low: f64, high: f64, log: bool) -> Vec<f64> {
    let multiples = |step: f64| {
        let first = (low / step).ceil();
        (0..=((high / step).floor() - first).max(-1.0) as i64).map(move |k| (first + k as f64) * step)
    };
    if log && high - low >= 2.0 {
        return multiples(((high - low) / 8.0).ceil()).collect();
    }
    if log {
        let within = |place: &f64| (low..=high).contains(place);
        let decades = low.floor() as i32..=high.ceil() as i32;
        return decades
            .flat_map(|decade| [1.0f64, 2.0, 5.0].map(|m| m.log10() + f64::from(decade)))
            .filter(within)
            .collect();
    }
    let rough = (high - low) / 6.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough);
    multiples(step.unwrap_or(rough)).collect()
}

fn mesh<B: DrawingBackend>(
    chart: &mut ChartContext<'_, B, Plane>,
    (x, across, wide): (&str, (f64, f64), bool),
    (y, up, tall): (&str, (f64, f64), bool),
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let label = |log: bool, place: f64, length: f64| match log {
        true => {
            let text = super::report::short(10f64.powf(place), 3);
            if text.contains('.') && !text.contains('e') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text.replace(".00e", "e")
            }
        }
        false => tick(place, length),
    };
    let along = |x: &f64| label(wide, *x, across.1 - across.0);
    let beside = |y: &f64| label(tall, *y, up.1 - up.0);
    chart
        .configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(BLACK.mix(0.08))
        .x_desc(x)
        .y_desc(y)
        .x_label_formatter(&along)
        .y_label_formatter(&beside)
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 16))
        .draw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_within_the_axis() {
        assert_eq!(ticks(-0.3, 10.4, false), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(-2.1, 3.2, true), [-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]);
        let within_a_decade: Vec<f64> =
            ticks(0.1, 1.2, true).iter().map(|place| 10f64.powf(*place).round()).collect();
        assert_eq!(within_a_decade, [2.0, 5.0, 10.0]);
    }

    #[test]
    fn axes_are_logarithmic_where_numbers_above_0_reach_over_three_decades() {
        let of = |axis, numbers: &[f64]| logarithmic(axis, "t", numbers.iter().copied());
        assert!(matches!(of(Axis::Auto, &[1.0, 1001.0]), Ok(true)));
        assert!(matches!(of(Axis::Auto, &[1.0, 999.0]), Ok(false)));
        assert!(matches!(of(Axis::Auto, &[0.0, 1e9]), Ok(false)));
        assert!(matches!(of(Axis::Log, &[1.0, 2.0]), Ok(true)));
        assert!(matches!(of(Axis::Log, &[1.0, -2.0]), Err(FitError::Logarithm { value: -2.0, .. })));
    }
}
