//! The columns of the trials that two runs have.

use super::columns::{Column, Head, or_empty};
use super::numbers::{number, signed};
use super::ranked::or_nothing;
use crate::evidence::{Common, Pairing};
use crate::rank::Ranked;
use crate::read::column;
use focalsweep_core::metrics::catalogue::{Metric, Part};
use focalsweep_core::spec::Split;

/// What the two runs are called.
pub(super) const SIDES: [&str; 2] = ["A", "B"];

/// Figures of the test rows that tables show, and what goes first where there is no room.
const FIGURES: [(&str, u8); 5] = [("auc", 90), ("fn", 70), ("fp", 50), ("op_fn", 80), ("op_fp", 60)];

impl Pairing {
    /// Metrics that both runs have.
    pub(super) fn metrics_of_both(&self) -> Vec<String> {
        let [first, second] = self.sides.each_ref().map(|side| &side.report.ranking.metrics);
        first.iter().filter(|name| second.contains(name)).cloned().collect()
    }

    pub(super) fn ranked(&self, trial: &Common, side: usize) -> &Ranked {
        &self.sides[side].report.ranking.trials[trial.places[side]]
    }

    pub(super) fn mean(&self, trial: &Common, side: usize, name: &str) -> Option<f64> {
        self.sides[side].report.ranking.mean(self.ranked(trial, side), name)
    }
}

/// Ranks, what was swept in the first run, and the figures of both runs side by side.
pub(super) fn pair_columns(pairing: &Pairing) -> Vec<Column<'_, Common>> {
    let head = |group: &str, name: &str, importance, place| Head {
        group: group.to_owned(),
        name: name.to_owned(),
        importance,
        place,
    };
    let rank = |side: usize| move |trial: &Common| pairing.ranked(trial, side).rank.to_string();
    let mut columns = vec![
        Column::raw("trial_id", |trial: &Common| trial.trial_id.clone()),
        Column::raw("rank_a", rank(0)).and_shown(head("rank", SIDES[0], None, 0), rank(0)),
        Column::raw("rank_b", rank(1)).and_shown(head("rank", SIDES[1], None, 1), rank(1)),
        Column::raw("same", |trial: &Common| trial.same.to_string()),
    ];
    let first = &pairing.sides[0].report.ranking;
    for name in first.swept() {
        let say = move |trial: &Common| or_nothing(first.parameter(pairing.ranked(trial, 0), name));
        columns.push(Column::shown(head("", name, Some(95), columns.len()), say));
    }
    let metrics = pairing.metrics_of_both();
    for name in &metrics {
        for (side, letter) in ["a", "b"].into_iter().enumerate() {
            let metric = name.clone();
            let say = move |trial: &Common| or_empty(pairing.mean(trial, side, &metric));
            columns.push(Column::raw(format!("{name}_{letter}"), say));
        }
    }
    for (name, importance) in FIGURES {
        let metric = column(Split::Test, name);
        let Some(known) = Metric::named(name).filter(|_| metrics.contains(&metric)) else { continue };
        let group = format!("{} {}", known.column(Part::Test).group(), known.bare_name());
        for (side, letter) in SIDES.into_iter().enumerate() {
            let metric = metric.clone();
            let say = move |trial: &Common| number(name, pairing.mean(trial, side, &metric));
            columns.push(Column::shown(head(&group, letter, Some(importance), columns.len()), say));
        }
        let change = move |trial: &Common| {
            let both = pairing.mean(trial, 1, &metric).zip(pairing.mean(trial, 0, &metric));
            or_nothing(both.map(|(b, a)| signed(name, b - a)))
        };
        columns.push(Column::shown(head(&group, "B - A", Some(importance - 1), columns.len()), change));
    }
    columns
}
