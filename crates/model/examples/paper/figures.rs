//! The figures, as SVG files in the folder of `--figures`.

use std::path::PathBuf;
use std::sync::OnceLock;

use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};

static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Lets figures be drawn, into this folder.
pub fn into(folder: PathBuf) {
    std::fs::create_dir_all(&folder).expect("the folder of --figures");
    let font = include_bytes!("../../assets/DejaVuSans.ttf");
    for style in [FontStyle::Normal, FontStyle::Bold] {
        let _ = register_font("sans-serif", style, font);
    }
    FOLDER.get_or_init(|| folder);
}

/// A curve: what it is called, and its points.
pub type Curve = (String, Vec<(f64, f64)>);

/// Curves over one another.
pub struct Panel {
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    /// Whether the axes are logarithmic, across and up.
    pub log: [bool; 2],
    pub curves: Vec<Curve>,
    /// What was measured.
    pub points: Vec<(f64, f64)>,
}

/// Told apart with any sight (Okabe and Ito), the truth first.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(150, 150, 150),
];

/// Draws panels below each other.
pub fn draw(name: &str, panels: &[Panel]) {
    let Some(folder) = FOLDER.get() else { return };
    let path = folder.join(format!("{name}.svg"));
    let size = (1000, 380 * panels.len() as u32);
    let area = SVGBackend::new(&path, size).into_drawing_area();
    area.fill(&WHITE).expect("a figure");
    for (panel, area) in panels.iter().zip(area.split_evenly((panels.len(), 1))) {
        draw_panel(panel, &area);
    }
    area.present().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    println!("figure {}", path.display());
}

fn draw_panel(panel: &Panel, area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) {
    // Curves that run away are cut off half the truth's height above and below it.
    let scaled = |x: f64, log: bool| if log { x.max(1e-300).log10() } else { x };
    let drawn = |(x, y): (f64, f64)| (scaled(x, panel.log[0]), scaled(y, panel.log[1]));
    let range = |numbers: &mut dyn Iterator<Item = f64>| {
        let (low, high) = numbers
            .filter(|x| x.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
        if low < high { (low, high) } else { (low - 1.0, low + 1.0) }
    };
    let all = || panel.curves.iter().flat_map(|(_, points)| points).map(|&point| drawn(point));
    let first = || panel.curves.iter().take(1).flat_map(|(_, points)| points).map(|&point| drawn(point));
    let (left, right) = range(&mut all().map(|point| point.0));
    let (least, most) = match panel.log[1] {
        true => range(&mut all().map(|point| point.1)),
        false => range(&mut first().map(|point| point.1)),
    };
    let room = (most - least) * if panel.log[1] { 0.05 } else { 0.5 };
    let (low, high) = (least - room, most + room);
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(&panel.title, ("sans-serif", 20))
        .x_label_area_size(42)
        .y_label_area_size(70)
        .build_cartesian_2d(left..right, low..high)
        .expect("a figure");
    let label = |x: f64, log: bool| if log { format!("1e{x:.1}") } else { format!("{x:.2}") };
    let (across, up) = (|x: &f64| label(*x, panel.log[0]), |y: &f64| label(*y, panel.log[1]));
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc(panel.x)
        .y_desc(panel.y)
        .x_label_formatter(&across)
        .y_label_formatter(&up)
        .label_style(("sans-serif", 15))
        .draw()
        .expect("a figure");
    for (k, (name, points)) in panel.curves.iter().enumerate() {
        let style = COLOURS[k % COLOURS.len()].stroke_width(if k == 0 { 3 } else { 2 });
        // A curve ends where it leaves the picture for good.
        let inside = points.iter().map(|&point| drawn(point)).take_while(|point| point.1.is_finite());
        let inside = inside.map(|(x, y)| (x, y.clamp(low, high)));
        chart
            .draw_series([PathElement::new(inside.collect::<Vec<_>>(), style)])
            .expect("a figure")
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
    }
    let points = panel.points.iter().map(|&point| Circle::new(drawn(point), 2, COLOURS[7].filled()));
    chart.draw_series(points).expect("a figure");
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .label_font(("sans-serif", 15))
        .draw()
        .expect("a figure");
}
