//! Pictures as files: what draws on an area becomes the bytes of an SVG or PNG file.

use std::sync::Once;

use plotters::coord::Shift;
use plotters::prelude::*;

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// Scalable vector graphics.
    Svg,
    /// Portable network graphics.
    Png,
}

/// What can be drawn, whatever becomes of it.
pub(crate) trait Drawing {
    /// Draws it on the whole of an area.
    fn draw_on<B: DrawingBackend>(
        &self,
        area: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>>;
}

/// The file of a drawing of this size in pixels.
///
/// # Errors
///
/// What the drawing library cannot do, in its words.
pub(crate) fn file(drawing: &impl Drawing, image: Image, size: (u32, u32)) -> Result<Vec<u8>, String> {
    static FONT: Once = Once::new();
    FONT.call_once(|| {
        let font = include_bytes!("../assets/DejaVuSans.ttf");
        for style in [FontStyle::Normal, FontStyle::Bold] {
            // The font is part of this crate; without it there is no text.
            let _ = plotters::style::register_font("sans-serif", style, font);
        }
    });
    match image {
        Image::Svg => {
            let mut text = String::new();
            {
                let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
                drawing.draw_on(&area).map_err(|error| error.to_string())?;
            }
            Ok(text.into_bytes())
        }
        Image::Png => {
            let (width, height) = size;
            let mut pixels = vec![0; width as usize * height as usize * 3];
            {
                let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
                drawing.draw_on(&area).map_err(|error| error.to_string())?;
            }
            let mut bytes = Vec::new();
            let mut encoder = png::Encoder::new(&mut bytes, width, height);
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_depth(png::BitDepth::Eight);
            let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
            writer.write_image_data(&pixels).map_err(|error| error.to_string())?;
            writer.finish().map_err(|error| error.to_string())?;
            Ok(bytes)
        }
    }
}

/// The least and the largest finite number; around 0 where there is none.
pub(crate) fn extent(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = numbers.filter(|x| x.is_finite());
    let (low, high) =
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    if low > high { (-1.0, 1.0) } else { (low, high) }
}

/// A range with room at both ends.
pub(crate) fn widened((low, high): (f64, f64)) -> (f64, f64) {
    let room = if high > low { (high - low) * 0.04 } else { low.abs().max(1.0) * 0.5 };
    (low - room, high + room)
}

/// A number at an axis of this length, with as many digits as tell ticks apart.
pub(crate) fn tick(x: f64, length: f64) -> String {
    if x.abs() < 1e-9 * length {
        return "0".into();
    }
    let digits = (x.abs() / length).log10().ceil().max(0.0) as usize + 2;
    let text = crate::fit::short(x, digits.clamp(3, 12));
    match text.contains('.') && !text.contains('e') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
