//! The columns of the ranked trials.

use super::columns::{Column, Head, or_empty};
use super::numbers::{NOTHING, number, with_uncertainty};
use super::summary::short;
use crate::evidence::{AtShare, ENSEMBLE, Report};
use crate::rank::{Ranked, Ranking};
use crate::read::{Value, column, parameters, percent};
use focalsweep_core::metrics::catalogue::MetricColumn;
use focalsweep_core::spec::Split;

/// Figures that tables show beside the rank keys, and what is folded first where there is no room: what is counted at a
/// threshold of 0.5, where no goal has put it, before what was swept and the figures at the operating point.
const PUBLISHED: [(Split, &str, u8); 12] = [
    (Split::Validation, "auc", 90),
    (Split::Test, "auc", 85),
    (Split::Test, "op_fn", 84),
    (Split::Test, "op_fp", 82),
    (Split::Test, "cost", 83),
    (Split::Validation, "fn", 35),
    (Split::Test, "tp", 10),
    (Split::Test, "fp", 25),
    (Split::Test, "tn", 5),
    (Split::Test, "fn", 30),
    (Split::Test, "precision", 15),
    (Split::Test, "recall", 20),
];

/// A figure that tables show.
struct Figure {
    on: Split,
    name: String,
    importance: Option<u8>,
}

/// Those of the ranking: the keys first, then what is published, without repeating them, as far as measured.
fn figures(ranking: &Ranking) -> Vec<Figure> {
    let keys = ranking.keys.iter().map(|key| (ranking.on, key.name.as_str(), None));
    let published = PUBLISHED.map(|(on, name, importance)| (on, name, Some(importance)));
    let mut figures: Vec<Figure> = Vec::new();
    for (on, name, importance) in keys.chain(published) {
        let there = figures.iter().any(|figure| figure.on == on && figure.name == name);
        if !there && ranking.metrics.contains(&column(on, name)) {
            figures.push(Figure { on, name: name.to_owned(), importance });
        }
    }
    figures
}

/// All columns of a report's trials: place, hyperparameters, and the means of all metrics over the replicates. Tables
/// show the place, what was swept, the rank keys and the published figures on the test rows.
pub(crate) fn ranked_columns(report: &Report) -> Vec<Column<'_, Ranked>> {
    let ranking = &report.ranking;
    let mut columns = place_columns(report);
    let swept = ranking.swept();
    let before = columns.len();
    for (at, name) in ranking.parameters.iter().enumerate() {
        let mut column = Column::raw(name, move |ranked| or_empty(value(ranked, at)));
        if let Some(nth) = swept.iter().position(|swept| swept == name) {
            // What tells losses apart stays; the rest goes after the figures, the last first.
            let importance = (!parameters::stays(name)).then(|| 250_u8.saturating_sub(nth as u8));
            let head = Head { group: String::new(), name: name.clone(), importance, place: before + nth };
            column = column.and_shown(head, move |ranked| or_nothing(value(ranked, at).map(short)));
        }
        columns.push(column);
    }
    let figures = figures(ranking);
    let before = before + swept.len();
    for (at, name) in ranking.metrics.iter().enumerate() {
        let mean = move |ranked: &Ranked| ranked.trial.means.get(at).copied().flatten();
        let metric = MetricColumn::named(name);
        let mut column = Column::raw(name, move |ranked| or_empty(mean(ranked)));
        column.metric = metric;
        let figure = figures.iter().enumerate().find(|(_, figure)| self::column(figure.on, &figure.name) == *name);
        if let (Some((nth, Figure { on, name, importance })), Some(metric)) = (figure, metric) {
            let (on, name, importance) = (*on, name.clone(), *importance);
            let head = Head {
                group: metric.group().to_owned(),
                name: metric.metric.bare_name().to_owned(),
                importance,
                place: before + nth,
            };
            let with_error =
                metric.metric.standard_error.is_some() && (on == Split::Validation || importance.is_none());
            column = column.and_shown(head, move |ranked| {
                if with_error { with_uncertainty(report, ranked, on, &name) } else { number(&name, mean(ranked)) }
            });
        }
        columns.push(column);
    }
    columns.extend(prevalence_columns(report, before + figures.len()));
    columns
}

/// The trials at another share of positives, where that was asked for, from a place on.
fn prevalence_columns(report: &Report, before: usize) -> Vec<Column<'_, Ranked>> {
    let Some(at) = &report.answer.prevalence else { return Vec::new() };
    type Figure = fn(&AtShare) -> Option<f64>;
    let figures: [(&str, &str, u8, &str, Figure); 4] = [
        ("precision", "precision", 89, "op_precision", |of| of.precision),
        ("alerts_per_1000", "alerts", 88, "cost", |of| Some(of.alerts)),
        ("cost_per_1000", "cost", 87, "cost", |of| of.cost),
        ("net_benefit", "net benefit", 86, "net_benefit", |of| of.net_benefit),
    ];
    let of = move |ranked: &Ranked| at.trials.get(&ranked.trial.trial_id);
    let is_there = |figure: Figure| at.trials.values().any(|of| figure(of).is_some());
    let there = figures.into_iter().filter(|(.., figure)| is_there(*figure)).enumerate();
    there
        .map(|(nth, (name, short, importance, written, figure))| {
            let head = Head {
                group: format!("at {} %", percent(at.share)),
                name: short.to_owned(),
                importance: Some(importance),
                place: before + nth,
            };
            Column::raw(format!("{name}_at_prevalence"), move |ranked| or_empty(of(ranked).and_then(figure)))
                .and_shown(head, move |ranked| number(written, of(ranked).and_then(figure)))
        })
        .collect()
}

/// The hyperparameter that stands at a place of the list.
fn value(ranked: &Ranked, at: usize) -> Option<&Value> {
    ranked.trial.parameters.get(at)?.as_ref()
}

/// Which trial it is and where it stands.
fn place_columns(report: &Report) -> Vec<Column<'_, Ranked>> {
    let tied = |ranked: &Ranked| report.is_tied(ranked);
    let head = |name: &str, importance, place| Head { group: String::new(), name: name.to_owned(), importance, place };
    vec![
        Column::raw("rank", |ranked: &Ranked| ranked.rank.to_string()).and_shown(
            head("rank", None, 0),
            move |ranked| match ranked.trial.trial_id.as_str() {
                ENSEMBLE => ENSEMBLE.to_owned(),
                _ => format!("{}{}", ranked.rank, if tied(ranked) == Some(true) { " ≈" } else { "" }),
            },
        ),
        Column::raw("trial_id", |ranked: &Ranked| ranked.trial.trial_id.clone()),
        Column::raw("front", |ranked: &Ranked| or_empty(ranked.front))
            .and_shown(head("front", Some(40), 1), |ranked| or_nothing(ranked.front)),
        Column::raw("complete", |ranked: &Ranked| ranked.trial.complete.to_string()),
        Column::raw("stopped_after", |ranked: &Ranked| {
            ranked.trial.stopped.map(|epochs| epochs.to_string()).unwrap_or_default()
        }),
        Column::raw("replicates", |ranked: &Ranked| ranked.trial.replicates.len().to_string()),
        Column::raw("tied_with_best", move |ranked| or_empty(tied(ranked))),
        Column::raw("p_tied", move |ranked| or_empty(report.against(ranked).map(|claim| claim.p))),
    ]
}

/// A value for people.
pub(crate) fn or_nothing<T: ToString>(value: Option<T>) -> String {
    value.map_or(NOTHING.to_owned(), |value| value.to_string())
}
