//! Figures 1 and 4 of Lin et al. 2017 for the gammas of this run, and the scores of its winner by class.

use super::plot::{Axis, Colour, Line, Lines, Plot, Scale, Series};
use super::share_axis;
use crate::page::payload::{Losses, Payload, Short};

/// The largest loss that figure 1 shows.
const MOST_LOSS: f64 = 5.0;

/// Looks of the curves from the least gamma on, which is cross-entropy.
const LOOKS: [(Colour, Line); 7] = [
    (Colour::Sixth, Line::Dashed),
    (Colour::First, Line::Solid),
    (Colour::Second, Line::Dashed),
    (Colour::Third, Line::Solid),
    (Colour::Fourth, Line::Dashed),
    (Colour::Fifth, Line::Solid),
    (Colour::Seventh, Line::Dashed),
];

fn curves(losses: &Losses, x: &[Short], y: &[Vec<Short>]) -> Vec<Series> {
    let name = |gamma: f64| match gamma == 0.0 {
        true => "gamma 0 (cross-entropy)".to_owned(),
        false => format!("gamma {gamma}"),
    };
    let curve = |((gamma, y), (colour, line)): ((&Short, &Vec<Short>), (Colour, Line))| Series {
        name: name(gamma.0),
        points: x.iter().zip(y).map(|(x, y)| (x.0, y.0)).collect(),
        colour,
        line,
        ..Series::default()
    };
    losses.gammas.iter().zip(y).zip(LOOKS).map(curve).collect()
}

/// Figure 1: the loss of a row by the probability that it gives to its own class.
pub(super) fn shape(payload: &Payload) -> Option<Plot> {
    let losses = &payload.losses;
    let series = curves(losses, &losses.p_t, &losses.loss);
    let axis = |name: &str, high| Axis { name: name.to_owned(), low: 0.0, high, scale: Scale::Linear, percent: false };
    (!series.is_empty()).then(|| {
        Plot::Lines(Lines {
            title: format!("{}: loss of a row", payload.run.name),
            x: axis("probability of the true class, p_t", 1.0),
            y: axis("loss", MOST_LOSS),
            series,
            note:
                "Focal loss without alpha, as figure 1 of Lin et al. 2017: the greater gamma, the less easy rows count."
                    .to_owned(),
        })
    })
}

/// Figure 4: what share of the loss of a class its easiest rows have together.
pub(super) fn cumulative(payload: &Payload, class: &str) -> Option<Plot> {
    let losses = &payload.losses;
    let of = if class == "positives" { &losses.positives } else { &losses.negatives };
    let series = curves(losses, &losses.share, of);
    (!series.is_empty()).then(|| {
        Plot::Lines(Lines {
            title: format!("{}: where the loss of the {class} lies", payload.run.name),
            x: share_axis(&format!("share of the {class}, easiest first")),
            y: share_axis("share of their loss"),
            series,
            note: format!(
                "The winner's test scores, as figure 4 of Lin et al. 2017: rows of the {class} in the order of their \
                 loss, and the share of all of it that they have together."
            ),
        })
    })
}

/// The winner's test scores by class, each class as shares of its rows.
pub(super) fn histogram(payload: &Payload) -> Option<Plot> {
    let winner = payload.ranking.winner?;
    let bars = payload.details.iter().find(|detail| detail.trial == winner)?.histogram.as_ref()?;
    let (low, width) = (bars.low.0, bars.width.0);
    let shares = |counts: &[u32]| -> Vec<f64> {
        let all: f64 = counts.iter().copied().map(f64::from).sum();
        counts.iter().map(|&count| f64::from(count) / all).collect()
    };
    let classes = [shares(&bars.negatives), shares(&bars.positives)];
    let least = classes.iter().flatten().copied().filter(|&share| share > 0.0).fold(1.0, f64::min);
    let floor = 10_f64.powf((least * 0.7).log10().floor());
    let looks = [("negatives", Colour::First, Line::Solid), ("positives", Colour::Second, Line::Dashed)];
    let mut series: Vec<Series> = classes
        .iter()
        .zip(looks)
        .map(|(shares, (name, colour, line))| {
            let edge = |bin: usize| low + width * bin as f64;
            // Down to the edge of the plot where a bin is empty.
            let step =
                |(bin, &share): (usize, &f64)| [(edge(bin), share.max(floor)), (edge(bin + 1), share.max(floor))];
            let points = shares.iter().enumerate().flat_map(step).collect();
            Series { name: name.to_owned(), points, colour, line, ..Series::default() }
        })
        .collect();
    let threshold = super::metric(payload, "threshold").and_then(|metric| *metric.mean.get(winner)?);
    if let Some(threshold) = threshold {
        let name = "operating point".to_owned();
        let points = vec![(threshold.0, floor), (threshold.0, 1.0)];
        series.push(Series { name, points, colour: Colour::Sixth, line: Line::Dashed, ..Series::default() });
    }
    let high = low + width * bars.positives.len() as f64;
    Some(Plot::Lines(Lines {
        title: format!("{}: scores of the winner by class", payload.run.name),
        x: Axis { name: "score".to_owned(), low, high, scale: Scale::Linear, percent: false },
        y: Axis { name: "share of the class".to_owned(), low: floor, high: 1.0, scale: Scale::Log, percent: true },
        series,
        note: "Test rows of all replicates; each class sums to 100 %. An empty bin lies on the lower edge.".to_owned(),
    }))
}
