//! The main figures as SVG and PNG, for papers and slides.
//!
//! ```text
//! Payload of the HTML report ─> Plot (what is shown) ─draw─> SVG of two sizes, PNG; its numbers as CSV
//! ```
//! They show what report.html shows, from the same figures.

mod draw;
mod loss;
mod map;
mod plot;
mod sheet;

use crate::evidence::{Report, Start};
use crate::page::payload::{Curve, Detail, Metric, Payload};
use crate::page::{Embedded, Live, payload};
use crate::read::{ForEach, ReportError, Results, Scores};
use map::heatmap;
use plot::{Axis, Colour, Line, Lines, Plot, Scale, Series};
use sheet::{NARROW, WIDE};

/// Epochs that show what the initial bias does, as in the published figure.
const FIRST_EPOCHS: u32 = 20;

/// A figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// File name without its ending: `heatmap-auc`.
    pub name: &'static str,
    /// As SVG, 7 inches wide: two columns of a journal.
    pub svg: String,
    /// As SVG, 3.5 inches wide: one column.
    pub narrow: String,
    /// As PNG, 1800 by 1360 points, 7 inches wide.
    pub png: Vec<u8>,
    /// The numbers that are drawn.
    pub csv: String,
}

/// The figures that the run has the data for: heatmaps of AUC and of the positives missed at the operating point (where
/// two hyperparameters were swept), ROC and precision-recall curves, reliability, scores by class and where the loss
/// lies (figure 4 of Lin et al. 2017; where scores were kept), AUC against the positives missed, the loss itself
/// (figure 1), and the first epochs of plain cross-entropy where its initial bias was swept. `results` are those that
/// were ranked.
///
/// # Errors
/// A file of the run cannot be read, or a figure cannot be drawn.
pub fn figures(
    scores: &Scores<'_>,
    results: &Results,
    report: &Report,
    for_each: ForEach<'_>,
) -> Result<Vec<Figure>, ReportError> {
    let payload = payload(scores, results, report, (Embedded::All, Live::default()), for_each)?;
    let plots = [
        ("heatmap-auc", heatmap(&payload, &format!("{}_auc", payload.ranking.on))),
        ("heatmap-missed", heatmap(&payload, &format!("{}_op_fn", payload.ranking.on))),
        ("roc", roc(&payload)),
        ("precision-recall", precision_recall(&payload)),
        ("auc-against-missed", pareto(&payload)),
        ("reliability", reliability(&payload)),
        ("initial-bias", initial_bias(&payload.run.name, &report.answer.starts)),
        ("scores", loss::histogram(&payload)),
        ("loss", loss::shape(&payload)),
        ("loss-of-positives", loss::cumulative(&payload, "positives")),
        ("loss-of-negatives", loss::cumulative(&payload, "negatives")),
    ];
    let failed = |name: &str| {
        let path = scores.files().path(name);
        move |e: draw::DrawError| ReportError::Unreadable { path, why: e.to_string() }
    };
    plots
        .into_iter()
        .filter_map(|(name, plot)| Some((name, plot?)))
        .map(|(name, plot)| {
            let svg = |sheet| draw::svg(&plot, sheet).map_err(failed(name));
            let png = draw::png(&plot).map_err(failed(name))?;
            Ok(Figure { name, svg: svg(&WIDE)?, narrow: svg(&NARROW)?, png, csv: plot.csv() })
        })
        .collect()
}

fn metric<'a>(payload: &'a Payload, column: &str) -> Option<&'a Metric> {
    payload.metrics.iter().find(|metric| metric.column == column)
}

/// The winner, plain cross-entropy and the published pair, as far as they are there and differ, with their looks.
fn named_trials(payload: &Payload) -> Vec<(&Detail, String, Colour, Line)> {
    let ranking = &payload.ranking;
    let roles = [
        (ranking.winner, "winner", Colour::First, Line::Solid),
        (ranking.baseline, "plain cross-entropy", Colour::Second, Line::Dashed),
        (ranking.published.as_ref().map(|p| p.trial), "published pair", Colour::Third, Line::Solid),
    ];
    let mut found: Vec<(&Detail, String, Colour, Line)> = Vec::new();
    for (trial, role, colour, line) in roles {
        let detail = trial.and_then(|trial| payload.details.iter().find(|detail| detail.trial == trial));
        if let Some(detail) = detail.filter(|detail| found.iter().all(|(other, ..)| other.trial != detail.trial)) {
            let nearest = role == "published pair" && ranking.published.as_ref().is_some_and(|pair| !pair.exact);
            let name = if nearest { "nearest to the published pair".to_owned() } else { role.to_owned() };
            found.push((detail, name, colour, line));
        }
    }
    found
}

fn share_axis(name: &str) -> Axis {
    Axis { name: name.to_owned(), low: 0.0, high: 1.0, scale: Scale::Linear, percent: true }
}

fn series_of(curve: &Curve, name: String, colour: Colour, line: Line) -> Series {
    Series {
        name,
        points: curve.x.iter().zip(&curve.y).map(|(x, y)| (x.0, y.0)).collect(),
        band: curve.low.iter().zip(&curve.high).map(|(low, high)| (low.0, high.0)).collect(),
        colour,
        line,
        dots: 0,
    }
}

fn on_test(curves: &[Curve]) -> Option<&Curve> {
    curves.iter().find(|curve| curve.split == "test")
}

fn roc(payload: &Payload) -> Option<Plot> {
    let curves = named_trials(payload).into_iter().filter_map(|(detail, name, colour, line)| {
        on_test(&detail.roc).map(|curve| series_of(curve, name, colour, line))
    });
    let mut series: Vec<Series> = curves.collect();
    if series.is_empty() {
        return None;
    }
    series.insert(0, Series { points: vec![(0.0, 0.0), (1.0, 1.0)], line: Line::Dashed, ..Series::default() });
    Some(Plot::Lines(Lines {
        title: format!("{}: ROC on the test rows", payload.run.name),
        x: share_axis("false-positive rate"),
        y: share_axis("true-positive rate"),
        series,
        note: payload.ranking.roc_bands.clone(),
    }))
}

fn precision_recall(payload: &Payload) -> Option<Plot> {
    let curves = named_trials(payload).into_iter().filter_map(|(detail, name, colour, line)| {
        on_test(&detail.precision_recall).map(|curve| series_of(curve, name, colour, line))
    });
    let series: Vec<Series> = curves.collect();
    let note = match payload.ranking.replicates {
        1 => "",
        _ => "Means of the replicates' curves at each recall; bands reach from the lowest replicate to the highest.",
    };
    (!series.is_empty()).then(|| {
        Plot::Lines(Lines {
            title: format!("{}: precision and recall on the test rows", payload.run.name),
            x: share_axis("recall"),
            y: share_axis("precision"),
            series,
            note: note.to_owned(),
        })
    })
}

fn pareto(payload: &Payload) -> Option<Plot> {
    let on = payload.ranking.on;
    let (x, y) = (metric(payload, &format!("{on}_op_fn"))?, metric(payload, &format!("{on}_auc"))?);
    let point = |trial: usize| Some((x.mean.get(trial)?.as_ref()?.0, y.mean.get(trial)?.as_ref()?.0));
    let all: Vec<(f64, f64)> = (0..payload.trials.id.len()).filter_map(point).collect();
    if all.len() < 2 {
        return None;
    }
    let mut sorted = all.clone();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    // From fewest misses on, whoever has the highest AUC so far; joined in steps.
    let mut front: Vec<(f64, f64)> = Vec::new();
    for (missed, auc) in sorted {
        match front.last() {
            Some(&(_, best)) if auc <= best => {}
            Some(&(_, best)) => front.extend([(missed, best), (missed, auc)]),
            None => front.push((missed, auc)),
        }
    }
    let mut series = vec![
        Series { points: front, name: "front".to_owned(), ..Series::default() },
        Series { points: all.clone(), name: "trials".to_owned(), line: Line::None, dots: 4, ..Series::default() },
    ];
    for (detail, name, colour, _) in named_trials(payload) {
        let points = point(detail.trial).into_iter().collect();
        series.push(Series { name, points, colour, line: Line::None, dots: 6, ..Series::default() });
    }
    Some(Plot::Lines(Lines {
        title: format!("{}: AUC against missed positives", payload.run.name),
        x: fitted(x.title.clone(), all.iter().map(|p| p.0)),
        y: fitted(y.title.clone(), all.iter().map(|p| p.1)),
        series,
        note: "The best lie at the top left; nobody on the front is beaten in both.".to_owned(),
    }))
}

/// An axis with a little room around its values.
fn fitted(name: String, values: impl Iterator<Item = f64> + Clone) -> Axis {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    let room = if high > low { (high - low) * 0.06 } else { low.abs().max(1.0) * 0.05 };
    Axis { name, low: low - room, high: high + room, scale: Scale::Linear, percent: false }
}

/// What the initial bias does to the first epochs of plain cross-entropy.
fn initial_bias(name: &str, starts: &[Start]) -> Option<Plot> {
    let looks = [
        (Colour::First, Line::Solid),
        (Colour::Second, Line::Dashed),
        (Colour::Third, Line::Solid),
        (Colour::Fourth, Line::Dashed),
        (Colour::Fifth, Line::Solid),
        (Colour::Sixth, Line::Dashed),
    ];
    let mut note = "Means over the replicates. prior: ln(positives / negatives) of the training rows.".to_owned();
    if starts.len() > looks.len() {
        note += &format!(" The best {} of {} starting biases.", looks.len(), starts.len());
    }
    let series: Vec<Series> = starts
        .iter()
        .zip(looks)
        .map(|(start, (colour, line))| Series {
            name: format!("initial bias {}", start.initial_bias),
            points: (1..=FIRST_EPOCHS).map(f64::from).zip(start.validation_losses.iter().copied()).collect(),
            colour,
            line,
            dots: 3,
            ..Series::default()
        })
        .collect();
    let losses = || series.iter().flat_map(|series| &series.points).map(|point| point.1);
    (series.len() > 1).then(|| {
        Plot::Lines(Lines {
            title: format!("{name}: the first epochs of plain cross-entropy"),
            x: Axis {
                name: "epoch".to_owned(),
                low: 0.0,
                high: f64::from(FIRST_EPOCHS),
                scale: Scale::Linear,
                percent: false,
            },
            y: fitted("validation loss".to_owned(), losses()),
            note,
            series: series.clone(),
        })
    })
}

fn reliability(payload: &Payload) -> Option<Plot> {
    let winner = payload.ranking.winner?;
    let calibration = payload.details.iter().find(|detail| detail.trial == winner)?.calibration.as_ref()?;
    let shares = || calibration.kinds.iter().flat_map(|kind| &kind.bins).flat_map(|bin| [bin.0.0, bin.1.0]);
    let least = shares().filter(|&share| share > 0.0).fold(1.0, f64::min);
    let low = 10_f64.powf(least.max(1e-5).log10().floor());
    let axis = |name: &str| Axis { name: name.to_owned(), low, high: 1.0, scale: Scale::Log, percent: true };
    let looks = [
        ("raw", "as trained", Colour::First, Line::Solid),
        ("platt", "Platt scaling", Colour::Second, Line::Dashed),
        ("isotonic", "isotonic regression", Colour::Third, Line::Dashed),
        ("closed_form", "as the loss means them", Colour::Fourth, Line::Solid),
    ];
    let mut series = vec![Series { points: vec![(low, low), (1.0, 1.0)], line: Line::Dashed, ..Series::default() }];
    for kind in &calibration.kinds {
        let Some(&(_, name, colour, line)) = looks.iter().find(|(word, ..)| *word == kind.name) else { continue };
        let points = kind.bins.iter().map(|bin| (bin.0.0, bin.1.0)).collect();
        series.push(Series { name: name.to_owned(), points, colour, line, dots: 4, ..Series::default() });
    }
    Some(Plot::Lines(Lines {
        title: format!("{}: reliability of the winner's scores", payload.run.name),
        x: axis("mean score of the bin"),
        y: axis("share of positives"),
        series,
        note: "Test rows of all replicates in bins of equally many rows; recalibrated on the validation rows. A bin \
        without positives lies on the lower edge."
            .to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(n: usize) -> Vec<Start> {
        let start = |at: usize| Start {
            initial_bias: format!("-{at}.5"),
            trial_id: at.to_string(),
            validation_losses: vec![0.5, 0.4 - at as f64 / 100.0],
            best_epoch: None,
        };
        (0..n).map(start).collect()
    }

    fn initial_biases(n: usize) -> (Vec<String>, String, String) {
        let Some(Plot::Lines(lines)) = initial_bias("t", &starts(n)) else { panic!("{n}: no plot") };
        let names = lines.series.iter().map(|series| series.name.clone()).collect();
        let note = lines.note.clone();
        (names, note, draw::svg(&Plot::Lines(lines), &WIDE).unwrap())
    }

    #[test]
    fn no_initial_bias_is_left_out_without_a_word() {
        for n in [2, 4, 6] {
            let (names, note, drawn) = initial_biases(n);
            assert_eq!(names.len(), n);
            assert!(names.iter().all(|name| drawn.contains(name.as_str())), "{names:?}");
            assert!(!note.contains("best"), "{note}");
        }
        let (names, note, _) = initial_biases(9);
        assert_eq!(names.len(), 6);
        assert!(note.contains("The best 6 of 9 starting biases."), "{note}");
        assert_eq!(initial_bias("t", &starts(1)), None);
    }
}
