//! Plots as SVG and PNG, by plotters. Both come from the same drawing; letters come from a font that is part of the
//! program, so that a server without fonts draws the same.

use std::sync::Once;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::chart::ChartBuilder;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font};

use super::plot::{Axis, Colour, Heatmap, Line, Lines, Mark, Plot, Scale, Series};
use super::sheet::{Sheet, WIDE};

const FONT: &[u8] = include_bytes!("../../assets/vendor/DejaVuSans-subset.ttf");
/// The PNG has so many times the points of the drawing each way.
const FINER: u32 = 2;
/// The PNG is drawn this much larger and averaged down, since plotters draws edges in steps.
const OVERSAMPLING: u32 = 2;

const INK: RGBColor = RGBColor(29, 33, 38);
const SOFT: RGBColor = RGBColor(83, 90, 99);
const GRID: RGBColor = RGBColor(226, 223, 216);
const FAINT: RGBColor = RGBColor(150, 150, 145);
const WHITE: RGBColor = RGBColor(255, 255, 255);
/// Cividis, Nunez et al. 2018, PLOS ONE 13(7).
const CIVIDIS: [RGBColor; 10] = [
    RGBColor(0, 34, 78),
    RGBColor(18, 53, 112),
    RGBColor(59, 73, 108),
    RGBColor(87, 93, 109),
    RGBColor(112, 113, 115),
    RGBColor(138, 134, 120),
    RGBColor(165, 156, 116),
    RGBColor(195, 179, 105),
    RGBColor(225, 204, 85),
    RGBColor(254, 232, 56),
];

/// Why a figure was not drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw it: {0}")]
pub(super) struct DrawError(String);

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for DrawError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(error.to_string())
    }
}

/// The plot as SVG, as wide on paper as the sheet is.
pub(super) fn svg(plot: &Plot, sheet: &Sheet) -> Result<String, DrawError> {
    let mut text = String::new();
    let size = (sheet.width, sheet.height);
    draw(plot, &SVGBackend::with_string(&mut text, size).into_drawing_area(), (sheet, 1.0))?;
    let high = sheet.inches * f64::from(sheet.height) / f64::from(sheet.width);
    let points = format!("width=\"{}\" height=\"{}\"", sheet.width, sheet.height);
    Ok(text.replacen(&points, &format!("width=\"{}in\" height=\"{high:.3}in\"", sheet.inches), 1))
}

/// The wide plot as PNG.
pub(super) fn png(plot: &Plot) -> Result<Vec<u8>, DrawError> {
    let (width, height) = (WIDE.width * FINER, WIDE.height * FINER);
    let large = (width * OVERSAMPLING, height * OVERSAMPLING);
    let mut drawn = vec![0; (large.0 * large.1 * 3) as usize];
    draw(
        plot,
        &BitMapBackend::with_buffer(&mut drawn, large).into_drawing_area(),
        (&WIDE, f64::from(FINER * OVERSAMPLING)),
    )?;
    let pixels = averaged(&drawn, large, OVERSAMPLING as usize);
    let mut out = Vec::new();
    let failed = |e: png::EncodingError| DrawError(e.to_string());
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    // As wide on paper as the SVG.
    let dense = (f64::from(width) / (WIDE.inches * 0.0254)).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: dense, yppu: dense, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

/// Means of squares of `factor` by `factor` points of three bytes.
fn averaged(drawn: &[u8], size: (u32, u32), factor: usize) -> Vec<u8> {
    let (width, height) = (size.0 as usize, size.1 as usize);
    let mut out = Vec::with_capacity(drawn.len() / (factor * factor));
    for row in 0..height / factor {
        for column in 0..width / factor {
            for byte in 0..3 {
                let at = |i: usize, j: usize| ((row * factor + i) * width + column * factor + j) * 3 + byte;
                let sum: usize = (0..factor)
                    .flat_map(|i| (0..factor).map(move |j| (i, j)))
                    .map(|(i, j)| usize::from(drawn[at(i, j)]))
                    .sum();
                out.push((sum / (factor * factor)) as u8);
            }
        }
    }
    out
}

fn draw<DB>(plot: &Plot, area: &DrawingArea<DB, Shift>, (sheet, scale): (&Sheet, f64)) -> Result<(), DrawError>
where
    DB: DrawingBackend,
    DB::ErrorType: Send + Sync,
{
    static REGISTERED: Once = Once::new();
    let mut known = Ok(());
    REGISTERED.call_once(|| known = register_font("sans-serif", FontStyle::Normal, FONT));
    known.map_err(|_| DrawError("the font of the program is damaged".to_owned()))?;
    area.fill(&WHITE)?;
    let pen = Pen { sheet, scale };
    match plot {
        Plot::Heatmap(map) => heatmap(map, area, pen)?,
        Plot::Lines(plot) => lines(plot, area, pen)?,
    }
    area.present()?;
    Ok(())
}

/// Lengths for the size of the drawing.
#[derive(Clone, Copy)]
struct Pen<'a> {
    sheet: &'a Sheet,
    scale: f64,
}

impl Pen<'_> {
    fn px(self, length: f64) -> i32 {
        (length * self.scale).round() as i32
    }

    fn text(self, size: f64, colour: RGBColor, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
        ("sans-serif", size * self.scale).into_font().color(&colour).pos(Pos::new(horizontal, vertical))
    }

    fn stroke(self, colour: RGBColor, width: f64) -> ShapeStyle {
        ShapeStyle {
            color: colour.to_rgba(),
            filled: false,
            stroke_width: (width * self.scale).round().max(1.0) as u32,
        }
    }
}

/// Title over the plot, note under it.
fn frame<DB>(area: &DrawingArea<DB, Shift>, pen: Pen<'_>, title: &str, note: &str) -> Result<(), DrawError>
where
    DB: DrawingBackend,
    DB::ErrorType: Send + Sync,
{
    let sheet = pen.sheet;
    let title_style = pen.text(sheet.title, INK, HPos::Left, VPos::Top);
    for (i, line) in sheet.title_lines(title).into_iter().enumerate() {
        let y = pen.px(sheet.edge * 0.72 + Sheet::step(sheet.title) * i as f64);
        area.draw(&Text::new(line, (pen.px(sheet.edge), y), title_style.clone()))?;
    }
    let style = pen.text(sheet.note, SOFT, HPos::Left, VPos::Bottom);
    for (i, line) in sheet.note_lines(note).into_iter().rev().enumerate() {
        let y = pen.px(f64::from(sheet.height) - sheet.edge * 0.57 - Sheet::step(sheet.note) * i as f64);
        area.draw(&Text::new(line, (pen.px(sheet.edge), y), style.clone()))?;
    }
    Ok(())
}

fn heatmap<DB>(map: &Heatmap, area: &DrawingArea<DB, Shift>, pen: Pen<'_>) -> Result<(), DrawError>
where
    DB: DrawingBackend,
    DB::ErrorType: Send + Sync,
{
    frame(area, pen, &map.title, &map.note)?;
    let sheet = pen.sheet;
    let [left, top, right, bottom] = sheet.cells(map);
    let (columns, rows) = (map.x.1.places() as f64, map.y.1.places() as f64);
    let (width, height) = ((right - left) / columns, (bottom - top) / rows);
    let values = || map.cells.iter().map(|cell| cell.value);
    let low = values().fold(f64::INFINITY, f64::min);
    let spread = values().fold(f64::NEG_INFINITY, f64::max) - low;
    // From the worst to the best.
    let share = |value: f64| match (spread > 0.0, map.less_is_better) {
        (false, _) => 0.5,
        (true, false) => (value - low) / spread,
        (true, true) => 1.0 - (value - low) / spread,
    };
    // y goes up: the first level is at the bottom.
    let corner = |x: usize, y: usize| (left + x as f64 * width, bottom - (y as f64 + 1.0) * height);
    let box_of = |x: usize, y: usize, inset: f64| {
        let (a, b) = corner(x, y);
        [(pen.px(a + inset), pen.px(b + inset)), (pen.px(a + width - inset), pen.px(b + height - inset))]
    };
    let size = (width * 0.25).min(height * 0.4).clamp(7.0, 15.0);
    for cell in &map.cells {
        let fill = shade(share(cell.value));
        area.draw(&Rectangle::new(box_of(cell.x, cell.y, 1.0), fill.filled()))?;
        let ink = if share(cell.value) > 0.52 { INK } else { WHITE };
        if cell.outlined {
            area.draw(&Rectangle::new(box_of(cell.x, cell.y, 2.5), pen.stroke(ink, 2.5)))?;
        }
        let (a, b) = corner(cell.x, cell.y);
        if width > 2.6 * size {
            let at = (pen.px(a + width / 2.0), pen.px(b + height / 2.0));
            area.draw(&Text::new(cell.text.clone(), at, pen.text(size, ink, HPos::Center, VPos::Center)))?;
        }
        if let Some(mark) = cell.mark {
            let r = (width.min(height) * 0.1).clamp(2.5, 6.0);
            let inset = 0.8 * r.min(5.0) + 1.0;
            let (x, y) = (a + width - r - inset, b + r + inset);
            let at = |dx: f64, dy: f64| (pen.px(x + dx * r), pen.px(y + dy * r));
            match mark {
                Mark::Winner => {
                    area.draw(&Circle::new(at(0.0, 0.0), pen.px(r), ink.filled()))?;
                }
                Mark::Published => {
                    let diamond = vec![at(0.0, -1.2), at(1.2, 0.0), at(0.0, 1.2), at(-1.2, 0.0)];
                    area.draw(&Polygon::new(diamond, ink.filled()))?;
                }
            }
        }
    }
    let label = |h, v| pen.text(sheet.label, SOFT, h, v);
    for (place, name) in map.x.1.placed() {
        let at = (pen.px(left + place * width), pen.px(bottom + 8.0));
        area.draw(&Text::new(name.clone(), at, label(HPos::Center, VPos::Top)))?;
    }
    for (place, name) in map.y.1.placed() {
        let at = (pen.px(left - 9.0), pen.px(bottom - place * height));
        area.draw(&Text::new(name.clone(), at, label(HPos::Right, VPos::Center)))?;
    }
    let name = pen.text(sheet.name, INK, HPos::Center, VPos::Center);
    let middle = (pen.px((left + right) / 2.0), pen.px(bottom + 0.78 * sheet.under));
    area.draw(&Text::new(map.x.0.clone(), middle, name.clone()))?;
    let turned = TextStyle { font: name.font.transform(FontTransform::Rotate270), ..name.clone() };
    area.draw(&Text::new(map.y.0.clone(), (pen.px(sheet.edge + 6.0), pen.px((top + bottom) / 2.0)), turned))?;
    Ok(())
}

/// Cividis at a share of its length.
fn shade(share: f64) -> RGBColor {
    let at = share.clamp(0.0, 1.0) * (CIVIDIS.len() - 1) as f64;
    let (below, rest) = (CIVIDIS[at.floor() as usize], at.fract());
    let above = CIVIDIS[at.ceil() as usize];
    let mixed = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * rest).round() as u8;
    RGBColor(mixed(below.0, above.0), mixed(below.1, above.1), mixed(below.2, above.2))
}

impl Axis {
    /// Where a value lies: on a logarithmic axis its logarithm.
    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log => value.max(self.low).log10(),
        }
    }

    fn label(&self, place: f64) -> String {
        let value = match self.scale {
            Scale::Linear => place,
            Scale::Log => 10_f64.powf(place),
        };
        let value = if self.percent { value * 100.0 } else { value };
        // Ten digits take away what binary fractions add.
        let rounded: f64 = format!("{value:.9e}").parse().unwrap_or(value);
        format!("{rounded}{}", if self.percent { " %" } else { "" })
    }
}

fn lines<DB>(plot: &Lines, area: &DrawingArea<DB, Shift>, pen: Pen<'_>) -> Result<(), DrawError>
where
    DB: DrawingBackend,
    DB::ErrorType: Send + Sync,
{
    frame(area, pen, &plot.title, &plot.note)?;
    let sheet = pen.sheet;
    let names = legend(plot, pen);
    let range = |axis: &Axis| axis.place(axis.low)..axis.place(axis.high);
    let mut chart = ChartBuilder::on(area)
        .margin_top(pen.px(names.bottom + sheet.edge * 0.5))
        .margin_right(pen.px(sheet.edge + 6.0))
        .margin_left(pen.px(sheet.edge * 0.57))
        .margin_bottom(pen.px(sheet.foot(&plot.note) + sheet.edge * 0.4))
        .x_label_area_size(pen.px(sheet.under))
        .y_label_area_size(pen.px(sheet.beside))
        .build_cartesian_2d(range(&plot.x), range(&plot.y))?;
    let label =
        |axis: &Axis| if axis.scale == Scale::Log { (axis.high / axis.low).log10().round() as usize + 1 } else { 6 };
    chart
        .configure_mesh()
        .x_desc(plot.x.name.clone())
        .y_desc(plot.y.name.clone())
        .x_labels(label(&plot.x))
        .y_labels(label(&plot.y))
        .x_label_formatter(&|v: &f64| plot.x.label(*v))
        .y_label_formatter(&|v: &f64| plot.y.label(*v))
        .x_max_light_lines(0)
        .y_max_light_lines(0)
        .bold_line_style(pen.stroke(GRID, 1.0))
        .axis_style(pen.stroke(FAINT, 1.0))
        .label_style(pen.text(sheet.label, SOFT, HPos::Center, VPos::Center))
        .axis_desc_style(pen.text(sheet.name, INK, HPos::Center, VPos::Center))
        .set_all_tick_mark_size(pen.px(5.0))
        .draw()?;
    for one in plot.series.iter().filter(|one| !one.band.is_empty()) {
        let at = |x: f64, y: f64| (plot.x.place(x), plot.y.place(y));
        let high = one.points.iter().zip(&one.band).map(|(&(x, _), &(_, high))| at(x, high));
        let low = one.points.iter().zip(&one.band).rev().map(|(&(x, _), &(low, _))| at(x, low));
        chart
            .plotting_area()
            .draw(&Polygon::new(high.chain(low).collect::<Vec<_>>(), rgb(one.colour).mix(0.13).filled()))?;
    }
    for one in &plot.series {
        let points: Vec<(f64, f64)> = one.points.iter().map(|&(x, y)| (plot.x.place(x), plot.y.place(y))).collect();
        let style = pen.stroke(rgb(one.colour), if one.colour == Colour::Faint { 1.2 } else { 2.2 });
        match one.line {
            Line::None => {}
            Line::Solid => chart.plotting_area().draw(&PathElement::new(points.clone(), style))?,
            Line::Dashed => {
                let dashed = DashedPathElement::new(points.clone(), pen.px(7.0), pen.px(5.0), style);
                chart.plotting_area().draw(&dashed)?;
            }
        }
        if one.dots > 0 {
            for point in points {
                let dot = Circle::new(point, pen.px(f64::from(one.dots)), rgb(one.colour).mix(0.85).filled());
                chart.plotting_area().draw(&dot)?;
            }
        }
    }
    draw_legend(&names, area, pen)
}

/// The names of the series with their places, one after the other under the title, in as many rows as they need.
struct Names<'a> {
    placed: Vec<(&'a Series, f64, f64)>,
    /// The lower edge of the last row.
    bottom: f64,
}

/// Lengths of a sample of a line, and after its name.
const SAMPLE: f64 = 22.0;
const BETWEEN: f64 = 20.0;

fn legend<'a>(plot: &'a Lines, pen: Pen<'_>) -> Names<'a> {
    let sheet = pen.sheet;
    let (left, right) = (sheet.edge + 2.0, f64::from(sheet.width) - sheet.edge);
    let (mut x, mut y) = (left, sheet.legend_at(&plot.title));
    let mut placed = Vec::new();
    for one in plot.series.iter().filter(|one| !one.name.is_empty()) {
        let style = pen.text(sheet.legend, INK, HPos::Left, VPos::Center);
        let width = style.font.box_size(&one.name).map_or(0.0, |(width, _)| f64::from(width) / pen.scale);
        if x > left && x + SAMPLE + 6.0 + width > right {
            (x, y) = (left, y + Sheet::step(sheet.legend));
        }
        placed.push((one, x, y));
        x += SAMPLE + 6.0 + width + BETWEEN;
    }
    Names { placed, bottom: y + sheet.legend * 0.5 }
}

fn draw_legend<DB>(names: &Names<'_>, area: &DrawingArea<DB, Shift>, pen: Pen<'_>) -> Result<(), DrawError>
where
    DB: DrawingBackend,
    DB::ErrorType: Send + Sync,
{
    for &(one, x, y) in &names.placed {
        let style = pen.text(pen.sheet.legend, INK, HPos::Left, VPos::Center);
        let sample = vec![(pen.px(x), pen.px(y)), (pen.px(x + SAMPLE), pen.px(y))];
        let stroke = pen.stroke(rgb(one.colour), 2.2);
        match one.line {
            Line::None => {}
            Line::Solid => area.draw(&PathElement::new(sample, stroke))?,
            Line::Dashed => area.draw(&DashedPathElement::new(sample, pen.px(6.0), pen.px(4.0), stroke))?,
        }
        if one.dots > 0 {
            let middle = (pen.px(x + SAMPLE / 2.0), pen.px(y));
            area.draw(&Circle::new(middle, pen.px(f64::from(one.dots)), rgb(one.colour).filled()))?;
        }
        area.draw(&Text::new(one.name.clone(), (pen.px(x + SAMPLE + 6.0), pen.px(y)), style))?;
    }
    Ok(())
}

/// Okabe & Ito's colours, for all kinds of colour vision.
fn rgb(colour: Colour) -> RGBColor {
    match colour {
        Colour::Faint => FAINT,
        Colour::First => RGBColor(0, 114, 178),
        Colour::Second => RGBColor(200, 80, 10),
        Colour::Third => RGBColor(0, 128, 92),
        Colour::Fourth => RGBColor(176, 86, 140),
        Colour::Fifth => RGBColor(154, 106, 0),
        Colour::Sixth => RGBColor(59, 63, 70),
        Colour::Seventh => RGBColor(74, 144, 194),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::figures::plot::{Cell, Labels};
    use crate::figures::sheet::NARROW;

    fn plots() -> [Plot; 2] {
        let cell = |x, y, value: f64, mark| Cell { x, y, value, text: value.to_string(), outlined: x == 0, mark };
        let map = Heatmap {
            title: "<AUC> & more".into(),
            x: ("alpha".into(), Labels::Places(vec!["0.1".into(), "0.2".into()])),
            y: ("gamma".into(), Labels::Ends(vec!["1".into(), "2".into()])),
            cells: vec![cell(0, 0, 0.5, Some(Mark::Winner)), cell(1, 0, 0.75, Some(Mark::Published))],
            less_is_better: false,
            note: "Bright is good.".into(),
        };
        let axis = |scale| Axis { name: "share".into(), low: 0.01, high: 1.0, scale, percent: true };
        let series = Series {
            name: "winner".into(),
            points: vec![(0.01, 0.02), (0.5, 0.9), (1.0, 1.0)],
            band: vec![(0.01, 0.03), (0.8, 0.95), (1.0, 1.0)],
            colour: Colour::First,
            line: Line::Dashed,
            dots: 3,
        };
        let (x, y) = (axis(Scale::Log), axis(Scale::Linear));
        [
            Plot::Heatmap(map),
            Plot::Lines(Lines { title: "Curve".into(), x, y, series: vec![series], note: String::new() }),
        ]
    }

    #[test]
    fn svg_has_the_words_escaped() {
        for sheet in [WIDE, NARROW] {
            let wide = format!("width=\"{}in\"", sheet.inches);
            for drawn in plots().map(|plot| svg(&plot, &sheet).unwrap()) {
                assert!(drawn.starts_with("<svg") && drawn[..200].contains(&wide), "{}", &drawn[..200]);
            }
        }
        let [map, lines] = plots().map(|plot| svg(&plot, &NARROW).unwrap());
        assert!(map.contains("&lt;AUC&gt; &amp; more") && map.contains("0.75") && !map.contains("<AUC>"));
        assert!(lines.contains("winner") && lines.contains("10 %") && lines.contains("<polyline"));
    }

    #[test]
    fn png_shows_the_plot_in_the_colours_of_its_values() {
        for plot in plots() {
            let bytes = png(&plot).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), (1800, 1360));
            let has = |RGBColor(r, g, b)| pixels.chunks(3).any(|pixel| pixel == [r, g, b]);
            // The worst and the best cell; the line and the words.
            let colours = match plot {
                Plot::Heatmap(_) => [CIVIDIS[0], CIVIDIS[9]],
                Plot::Lines(_) => [rgb(Colour::First), INK],
            };
            assert!(colours.into_iter().all(has), "{colours:?}");
        }
    }

    #[test]
    fn the_font_is_the_one_that_is_described() {
        let digest: String = Sha256::digest(FONT).iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(include_str!("../../assets/vendor/README.md").contains(&digest), "{digest}");
    }
}
