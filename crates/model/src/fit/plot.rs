//! Pictures of fits: data and fit with its band, residuals, correlations, profiles.

use std::borrow::Cow;

use plotters::coord::Shift;
use plotters::prelude::*;

use super::objective::Rows;
use super::{Fit, FitError, Loss, Prepared, Profile, Report};
use crate::picture::{Drawing, Image, extent, file, tick, widened};

/// Width and height in pixels.
const SIZE: (u32, u32) = (1200, 900);

/// The most rows that are drawn; of more, every so many-th is.
const DRAWN: usize = 4000;

/// Points of a curve.
const CURVE: usize = 400;

const DATA: RGBColor = RGBColor(60, 60, 60);
const LINE: RGBColor = RGBColor(190, 40, 45);
const BAND: RGBColor = RGBColor(235, 170, 165);

/// What is drawn of a fit.
#[derive(Debug, Clone, Default)]
pub struct Figure {
    title: String,
    /// Names of the axes of data and of residuals.
    x: String,
    y: String,
    points: Vec<(f64, f64)>,
    /// The fit and half the width of its band.
    curve: Vec<(f64, f64, f64)>,
    residuals: Vec<(f64, f64)>,
    correlated: Vec<String>,
    correlation: Vec<Vec<f64>>,
    profiles: Vec<Profile>,
    /// The square of the quantile.
    height: f64,
}

impl Fit<'_> {
    /// Carries the fit out and says what there is to draw of it: the first target over the only column of data, if there is one,
    /// with the band in which the program's value lies; or else over the values that the program gives.
    ///
    /// # Errors
    ///
    /// As [`Fit::run`].
    pub fn figure(&self) -> Result<(Report, Figure), FitError> {
        let (prepared, found) = self.found()?;
        let report = self.report(&prepared, &found);
        let Prepared { rows, layout, objective, .. } = &prepared;
        let best = &found.best;
        let super::Meaning { inverse, variance, quantile, .. } =
            self.meaning(&prepared, best, rows.count, || Cow::Borrowed(rows));
        let (variance, width) = (variance.unwrap_or(0.0), quantile.unwrap_or(0.0));
        let values = objective.values(layout, rows, &best.x);
        let (targets, values) = (&rows.targets[0], &values[0]);
        let mut figure = Figure {
            title: format!(
                "{} rows, root mean square {}{}",
                report.rows,
                super::report::short(report.rmse, 4),
                if self.targets.len() > 1 { ", first target" } else { "" }
            ),
            y: self.targets[0].1.name.clone(),
            correlated: report.correlated.clone(),
            correlation: report.correlation.clone(),
            profiles: report.profiles.clone(),
            height: width * width,
            ..Figure::default()
        };
        let every = rows.count.div_ceil(DRAWN);
        let drawn = || (0..rows.count).step_by(every);
        if let [column] = rows.inputs.as_slice() {
            figure.x = self.data[0].name.clone();
            figure.points = drawn().map(|row| (column[row], targets[row])).collect();
            figure.residuals = drawn().map(|row| (column[row], targets[row] - values[row])).collect();
            let (low, high) = extent(column.iter().copied());
            let grid: Vec<f64> =
                (0..CURVE).map(|k| low + (high - low) * k as f64 / (CURVE - 1) as f64).collect();
            let zeros = vec![vec![0.0; CURVE]; rows.targets.len()];
            let dense = Rows { count: CURVE, inputs: vec![grid.clone()], targets: zeros, scales: None };
            let curve = objective.values(layout, &dense, &best.x);
            let mut half = vec![0.0; CURVE];
            objective.blocks(layout, &dense, &best.x, Loss::Linear, |range, block, tall| {
                for row in 0..range.len() {
                    let slopes: Vec<f64> = inverse.of.iter().map(|&k| block[k * tall + row]).collect();
                    let square: f64 = inverse
                        .matrix
                        .iter()
                        .zip(&slopes)
                        .map(|(line, slope)| slope * super::triangle::dot(line, &slopes))
                        .sum();
                    half[range.start + row] = width * (square * variance).max(0.0).sqrt();
                }
            });
            let points = grid.iter().zip(&curve[0]).zip(&half).map(|((&x, &y), &half)| (x, y, half));
            figure.curve = points.filter(|(_, y, half)| y.is_finite() && half.is_finite()).collect();
        } else {
            figure.x = format!("{} by the program", figure.y);
            figure.points = drawn().map(|row| (values[row], targets[row])).collect();
            figure.residuals = drawn().map(|row| (values[row], targets[row] - values[row])).collect();
            let (low, high) = extent(values.iter().copied());
            figure.curve = vec![(low, low, 0.0), (high, high, 0.0)];
        }
        Ok((report, figure))
    }
}

impl Figure {
    /// Draws it.
    ///
    /// # Errors
    ///
    /// What the drawing library cannot do, in its words.
    pub fn draw(&self, image: Image) -> Result<Vec<u8>, String> {
        file(self, image, SIZE)
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
        let (upper, lower) = left.split_vertically((66).percent_height());
        self.data(&upper)?;
        self.residuals(&lower)?;
        if let Some(side) = side {
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
    fn data<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (left, right) = widened(extent(self.points.iter().map(|point| point.0)));
        let band = self.curve.iter().flat_map(|&(_, y, half)| [y - half, y + half]);
        let (low, high) = widened(extent(self.points.iter().map(|point| point.1).chain(band)));
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 20))
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(80)
            .build_cartesian_2d(left..right, low..high)?;
        self.mesh(&mut chart, &self.x, &self.y)?;
        let upper = self.curve.iter().map(|&(x, y, half)| (x, y + half));
        let lower = self.curve.iter().rev().map(|&(x, y, half)| (x, y - half));
        chart.draw_series([Polygon::new(upper.chain(lower).collect::<Vec<_>>(), BAND.mix(0.7).filled())])?;
        let size = if self.points.len() > 500 { 1 } else { 3 };
        chart.draw_series(self.points.iter().map(|&point| Circle::new(point, size, DATA.filled())))?;
        chart.draw_series([PathElement::new(
            self.curve.iter().map(|&(x, y, _)| (x, y)).collect::<Vec<_>>(),
            LINE.stroke_width(2),
        )])?;
        Ok(())
    }

    fn residuals<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (left, right) = widened(extent(self.residuals.iter().map(|point| point.0)));
        let most = self.residuals.iter().map(|point| point.1.abs()).fold(0.0, f64::max);
        let most = if most > 0.0 { 1.1 * most } else { 1.0 };
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .x_label_area_size(46)
            .y_label_area_size(80)
            .build_cartesian_2d(left..right, -most..most)?;
        self.mesh(&mut chart, &self.x, "residual")?;
        chart.draw_series([PathElement::new(vec![(left, 0.0), (right, 0.0)], LINE.stroke_width(1))])?;
        let size = if self.residuals.len() > 500 { 1 } else { 3 };
        chart.draw_series(self.residuals.iter().map(|&point| Circle::new(point, size, DATA.filled())))?;
        Ok(())
    }

    #[allow(clippy::type_complexity, reason = "it is the library's")]
    fn mesh<B: DrawingBackend>(
        &self,
        chart: &mut ChartContext<
            '_,
            B,
            Cartesian2d<plotters::coord::types::RangedCoordf64, plotters::coord::types::RangedCoordf64>,
        >,
        x: &str,
        y: &str,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let (across, up) = (chart.x_range(), chart.y_range());
        let along = |x: &f64| tick(*x, across.end - across.start);
        let label = |y: &f64| tick(*y, up.end - up.start);
        chart
            .configure_mesh()
            .light_line_style(WHITE.mix(0.0))
            .bold_line_style(BLACK.mix(0.08))
            .x_desc(x)
            .y_desc(y)
            .x_labels(7)
            .y_labels(6)
            .x_label_formatter(&along)
            .y_label_formatter(&label)
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 16))
            .draw()
    }

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
