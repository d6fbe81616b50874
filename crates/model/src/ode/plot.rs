//! Pictures of trajectories: states over time, and one state over another.

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::Trajectories;
use crate::picture::{Drawing, Image, extent, file, widened};

/// Width and height in pixels.
const SIZE: (u32, u32) = (1200, 800);

/// The most rows that are drawn.
const DRAWN: usize = 50;

/// The most states that are drawn.
const CURVES: usize = 8;

/// Colours that people tell apart, whatever they see (Okabe and Ito).
const COLOURS: [RGBColor; CURVES] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 120, 120),
    RGBColor(0, 0, 0),
];

/// A name, a colour, and points; what has no name is not in the legend.
type Curve = (String, RGBColor, Vec<(f64, f64)>);

/// Curves with their names, and the axes.
struct Curves {
    x: String,
    y: String,
    curves: Vec<Curve>,
    /// Points of events.
    marks: Vec<(f64, f64)>,
}

/// Elements of states by name: `r` of three elements is `r₀`, `r₁`, `r₂`.
fn elements(found: &Trajectories) -> Vec<String> {
    let mut names = Vec::new();
    for (name, shape) in &found.states {
        match shape.len() {
            1 => names.push(name.clone()),
            len => names.extend((0..len).map(|k| format!("{name}[{k}]"))),
        }
    }
    names
}

impl Trajectories {
    /// An element of all states over time, in a row.
    fn curve(&self, row: usize, element: usize) -> impl Iterator<Item = f64> {
        let (width, n) = (self.width(), self.t.len());
        (0..n).map(move |k| self.values[(row * n + k) * width + element])
    }

    /// States over time, as a picture: of the first rows where there are many.
    ///
    /// # Errors
    ///
    /// What the drawing library cannot do, in its words.
    pub fn plot(&self, image: Image) -> Result<Vec<u8>, String> {
        self.plot_with(image, &[])
    }

    /// States over time with points of data, as a picture.
    ///
    /// # Errors
    ///
    /// What the drawing library cannot do, in its words.
    pub fn plot_with(&self, image: Image, data: &[(f64, f64)]) -> Result<Vec<u8>, String> {
        let names = elements(self);
        let mut curves = Vec::new();
        let mut marks = data.to_vec();
        for row in 0..self.rows.min(DRAWN) {
            for (element, name) in names.iter().enumerate().take(CURVES) {
                let points = self.t.iter().copied().zip(self.curve(row, element));
                let points = points.filter(|(_, y)| y.is_finite()).collect();
                let name = if row == 0 { name.clone() } else { String::new() };
                curves.push((name, COLOURS[element], points));
                marks.extend(self.events[row].iter().map(|event| (event.t, event.y[element])));
            }
        }
        file(&Curves { x: "t".into(), y: String::new(), curves, marks }, image, SIZE)
    }

    /// The second element of the states over the first, as a picture.
    ///
    /// # Errors
    ///
    /// That there is one number only, and what the drawing library cannot do.
    pub fn phase(&self, image: Image) -> Result<Vec<u8>, String> {
        let names = elements(self);
        let [x, y, ..] = names.as_slice() else {
            return Err("there is one state only, and a phase picture has two".into());
        };
        let mut curves = Vec::new();
        let mut marks = Vec::new();
        for row in 0..self.rows.min(DRAWN) {
            let points = self.curve(row, 0).zip(self.curve(row, 1));
            let points = points.filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
            curves.push((String::new(), COLOURS[row % CURVES], points));
            marks.extend(self.events[row].iter().map(|event| (event.y[0], event.y[1])));
        }
        file(&Curves { x: x.clone(), y: y.clone(), curves, marks }, image, SIZE)
    }
}

impl Drawing for Curves {
    fn draw_on<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        area.fill(&WHITE)?;
        let points = || self.curves.iter().flat_map(|(_, _, points)| points).chain(&self.marks);
        let (left, right) = widened(extent(points().map(|point| point.0)));
        let (low, high) = widened(extent(points().map(|point| point.1)));
        let named = self.curves.iter().any(|(name, ..)| !name.is_empty());
        let mut chart = ChartBuilder::on(area)
            .margin(16)
            .x_label_area_size(50)
            .y_label_area_size(90)
            .build_cartesian_2d(left..right, low..high)?;
        axes(&mut chart, &self.x, &self.y)?;
        for (name, colour, points) in &self.curves {
            let drawn = chart.draw_series([PathElement::new(points.clone(), colour.stroke_width(2))])?;
            if !name.is_empty() {
                let colour = *colour;
                drawn.label(name.as_str()).legend(move |(x, y)| {
                    PathElement::new(vec![(x, y), (x + 24, y)], colour.stroke_width(3))
                });
            }
        }
        chart.draw_series(self.marks.iter().map(|&point| Circle::new(point, 3, BLACK.stroke_width(1))))?;
        if named {
            chart
                .configure_series_labels()
                .position(SeriesLabelPosition::UpperRight)
                .background_style(WHITE.mix(0.85))
                .border_style(BLACK.mix(0.3))
                .label_font(("sans-serif", 18))
                .draw()?;
        }
        area.present()
    }
}

/// Axes with names, whose numbers have as many digits as tell them apart.
fn axes<B: DrawingBackend>(
    chart: &mut ChartContext<'_, B, Cartesian2d<RangedCoordf64, RangedCoordf64>>,
    x: &str,
    y: &str,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let (across, up) = (chart.x_range(), chart.y_range());
    let along = |x: &f64| crate::picture::tick(*x, across.end - across.start);
    let label = |y: &f64| crate::picture::tick(*y, up.end - up.start);
    chart
        .configure_mesh()
        .light_line_style(WHITE.mix(0.0))
        .bold_line_style(BLACK.mix(0.08))
        .x_desc(x)
        .y_desc(y)
        .x_labels(9)
        .y_labels(8)
        .x_label_formatter(&along)
        .y_label_formatter(&label)
        .label_style(("sans-serif", 16))
        .axis_desc_style(("sans-serif", 18))
        .draw()
}
