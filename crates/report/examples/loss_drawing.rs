//! Draws docs/losses.svg: the loss of a row of each class by its logit, and of a pair by how far its logits are apart.
//!
//! ```text
//! cargo run --release -p focalsweep-report --example loss_drawing > docs/losses.svg
//! ```

#![expect(clippy::print_stdout, reason = "an example that prints")]

use std::error::Error;

use focalsweep_core::losses::{Formula, LossTerms, PairTerms};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::register_font;

/// Of 100 rows one is positive.
const NEGATIVES_OF_A_POSITIVE: f64 = 99.0;
const SIZE: (u32, u32) = (960, 340);
const MOST: f64 = 5.0;
const FONT: &[u8] = include_bytes!("../assets/vendor/DejaVuSans-subset.ttf");
/// Of Okabe & Ito 2008, told apart by colour-blind readers too.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(0, 0, 0),
    RGBColor(230, 159, 0),
];

fn losses() -> [(&'static str, LossTerms); 5] {
    let of = |formula| LossTerms { formula, ..LossTerms::focal(1.0, 1.0, 0.0) };
    let tau = NEGATIVES_OF_A_POSITIVE.ln();
    let asymmetric = Formula::Asymmetric { gamma_positive: 0.0, gamma_negative: 4.0, margin: 0.05 };
    let scaled = Formula::Scaled { slopes: [(1.0 / NEGATIVES_OF_A_POSITIVE).powf(0.15), 1.0], shifts: [tau, -tau] };
    [
        ("weighted_bce, pos_weight 3", LossTerms::focal(3.0, 1.0, 0.0)),
        ("focal, alpha 0.5, gamma 2", LossTerms::focal(0.5, 0.5, 2.0)),
        ("asymmetric, 0 and 4, margin 0.05", of(asymmetric)),
        ("vs, tau 1, gamma 0.15", of(scaled)),
        // Last, so that it is seen where others are as it is.
        ("bce", LossTerms::focal(1.0, 1.0, 0.0)),
    ]
}

type Panel<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn panel<'a>(
    area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    (title, below): (&str, &str),
) -> Result<Panel<'a>, Box<dyn Error + 'a>> {
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(8)
        .x_label_area_size(36)
        .y_label_area_size(30)
        .build_cartesian_2d(-6.0..6.0, 0.0..MOST)?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc(below).x_labels(7).y_labels(6).light_line_style(TRANSPARENT).label_style(("sans-serif", 12)).draw()?;
    Ok(chart)
}

/// What of a curve is within the panel.
fn curve(points: impl Iterator<Item = (f64, f64)>, colour: RGBColor) -> PathElement<(f64, f64)> {
    PathElement::new(
        points.filter(|point| point.1 <= MOST).collect::<Vec<_>>(),
        colour.stroke_width(if colour == RGBColor(0, 0, 0) { 1 } else { 2 }),
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    register_font("sans-serif", FontStyle::Normal, FONT).map_err(|_| "the font cannot be read")?;
    let at = |step: i32| f64::from(step) / 20.0;
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| e.to_string())?;
        let panels = root.split_evenly((1, 3));
        for (area, (title, positive)) in panels.iter().zip([("a positive", true), ("a negative", false)]) {
            let mut chart = panel(area, (title, "logit z")).map_err(|e| e.to_string())?;
            for ((name, terms), colour) in losses().into_iter().zip(COLOURS) {
                let points = (-120..=120).map(|step| (at(step), terms.row(at(step), positive, None).0));
                let line = chart.draw_series([curve(points, colour)]);
                line.map_err(|e| e.to_string())?
                    .label(name)
                    .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], colour.stroke_width(2)));
            }
            if !positive {
                let legend = &mut chart.configure_series_labels();
                legend
                    .position(SeriesLabelPosition::UpperLeft)
                    .label_font(("sans-serif", 11))
                    .draw()
                    .map_err(|e| e.to_string())?;
            }
        }
        let mut chart = panel(&panels[2], ("a pair", "logit of the positive less that of the negative"))
            .map_err(|e| e.to_string())?;
        let pair = PairTerms { margin: 1.0, smoothing: 0.0 };
        let points = (-120..=120).map(|step| (at(step), pair.mean(&[at(step) as f32, 0.0], &[1, 0], &[])));
        let line = chart.draw_series([curve(points, COLOURS[5])]).map_err(|e| e.to_string())?;
        line.label("pairwise, pair_margin 1")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], COLOURS[5].stroke_width(2)));
        let legend = &mut chart.configure_series_labels();
        legend
            .position(SeriesLabelPosition::UpperRight)
            .label_font(("sans-serif", 11))
            .draw()
            .map_err(|e| e.to_string())?;
        root.present().map_err(|e| e.to_string())?;
    }
    println!("{text}");
    Ok(())
}
