//! The plot: for each program the time relative to the best C. Ratios beyond the scale are cut and written out.

use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::comparison::{Line, What};

type Failure = Box<dyn std::error::Error>;

/// Pixels of a program, of its bars, and of what stands around the plot.
const ROW: i32 = 15;
const BAR: i32 = 5;
const LEFT: i32 = 250;
const RIGHT: i32 = 40;
const TOP: i32 = 88;
const BOTTOM: i32 = 24;
const WIDTH: i32 = 900;

const COLOURS: [(What, RGBColor); 2] =
    [(What::Value, RGBColor(31, 119, 180)), (What::Gradient, RGBColor(255, 127, 14))];

/// The ratios at which there is a line; 1.2 and 2 are the limits that are aimed at, on average and for each program.
const TICKS: [f64; 8] = [0.25, 0.5, 0.75, 1.0, 1.2, 1.5, 2.0, 3.0];

/// Where the scale ends at the latest: a single outlier would leave the rest of the plot empty.
const SCALE: (f64, f64) = (0.2, 4.0);

/// Writes the plot.
pub fn write(path: &Path, lines: &[Line], title: &str) -> Result<(), Failure> {
    let mut names: Vec<&str> = Vec::new();
    for line in lines.iter().filter(|line| line.ratio().is_some()) {
        if !names.contains(&line.name.as_str()) {
            names.push(&line.name);
        }
    }
    let height = TOP + ROW * names.len() as i32 + BOTTOM;
    let area = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let ratios = || lines.iter().filter_map(Line::ratio);
    let scale = Scale {
        low: (ratios().fold(0.5, f64::min) / 1.1).max(SCALE.0),
        high: (ratios().fold(2.0, f64::max) * 1.1).min(SCALE.1),
    };
    text(&area, title, (6, 6), 15)?;
    for (k, (what, colour)) in COLOURS.iter().enumerate() {
        let x = 6 + 120 * k as i32;
        area.draw(&Rectangle::new([(x, 32), (x + 12, 40)], colour.filled()))?;
        let label = match what {
            What::Value => "value",
            What::Gradient => "value with gradient",
        };
        text(&area, label, (x + 18, 30), 12)?;
    }
    let one = scale.place(1.0);
    text(&area, "time ÷ that of the fastest C, which is the dark line", (LEFT, 30), 12)?;
    text(&area, "← faster than C", (one - 100, 50), 12)?;
    text(&area, "slower than C →", (one + 10, 50), 12)?;
    for tick in TICKS.into_iter().filter(|&tick| tick > scale.low && tick < scale.high) {
        let x = scale.place(tick);
        let grey = if tick == 1.0 { RGBColor(60, 60, 60) } else { RGBColor(205, 205, 205) };
        area.draw(&PathElement::new([(x, TOP - 4), (x, height - BOTTOM)], grey.stroke_width(1)))?;
        let label = tick.to_string();
        let left = x - 3 * label.len() as i32;
        text(&area, &label, (left, TOP - 16), 11)?;
        text(&area, &label, (left, height - BOTTOM + 3), 11)?;
    }
    for (row, name) in names.iter().enumerate() {
        let y = TOP + ROW * row as i32;
        text(&area, name, (6, y), 11)?;
        for (k, (what, colour)) in COLOURS.iter().enumerate() {
            let line = lines.iter().find(|line| line.name == *name && line.what == *what);
            let Some(ratio) = line.and_then(Line::ratio) else { continue };
            let top = y + 1 + (BAR + 1) * k as i32;
            let (from, to) = (one, scale.place(ratio.clamp(scale.low, scale.high)));
            let corners = [(from.min(to), top), (from.max(to).max(from.min(to) + 1), top + BAR)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            if ratio > scale.high {
                text(&area, &format!("{ratio:.1}"), (to + 3, top - 3), 9)?;
            }
        }
    }
    area.present()?;
    Ok(())
}

/// Ratios from left to right, by their logarithm.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn place(&self, ratio: f64) -> i32 {
        let part = (ratio / self.low).ln() / (self.high / self.low).ln();
        LEFT + (f64::from(WIDTH - LEFT - RIGHT) * part).round() as i32
    }
}

fn text(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    words: &str,
    at: (i32, i32),
    size: i32,
) -> Result<(), Failure> {
    area.draw(&Text::new(words.to_string(), at, ("sans-serif", size).into_font()))?;
    Ok(())
}
