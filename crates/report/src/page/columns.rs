//! The metrics of the page: what the catalogue knows of each, with the trials' values.

use super::payload::{MapOf, Metric, Short};
use crate::evidence::Report;
use crate::rank::{Ranked, Ranking};
use crate::read::part_of;
use crate::say::ranked_columns;
use focalsweep_core::metrics::catalogue::{Better, MetricColumn, Part, Written};
use focalsweep_core::spec::Split;

/// Metrics that have a map, with the titles of the maps.
const MAPS: [(&str, &str); 6] = [
    ("auc", "ROC AUC"),
    ("fn", "FN at 0.5"),
    ("op_fn", "FN, operating point"),
    ("average_precision", "Average precision"),
    ("fp", "FP at 0.5"),
    ("op_fp", "FP, operating point"),
];

/// Columns of the table of trials before others are chosen, after what was swept and the rank keys.
const FIRST: [&str; 10] = [
    "val_auc",
    "val_fn",
    "test_auc",
    "test_average_precision",
    "test_fn",
    "test_fp",
    "test_op_fn",
    "test_op_fp",
    "test_op_precision",
    "test_op_recall",
];

/// All metrics of the ranking with their values of the trials that are `shown`.
pub(super) fn metrics(report: &Report, shown: &[&Ranked]) -> Vec<Metric> {
    // Standard errors stand beside what they are the errors of.
    let columns = ranked_columns(report).into_iter().filter_map(|column| column.metric);
    columns.filter(|column| !column.is_error).map(|column| metric(report, shown, column)).collect()
}

fn metric(report: &Report, shown: &[&Ranked], column: MetricColumn) -> Metric {
    let (name, known) = (column.name(), column.metric);
    let place = report.ranking.place_of(&name);
    let on = [Split::Validation, Split::Test].into_iter().find(|&on| Some(part_of(on)) == column.part);
    let of = |ranked: &&Ranked| on.and_then(|on| report.standard_error(ranked, on, known.name)).map(Short);
    let error: Vec<Option<Short>> =
        if known.standard_error.is_some() { shown.iter().map(of).collect() } else { Vec::new() };
    Metric {
        name: known.name,
        split: column.part.map_or("", Part::prefix),
        plotted: known.plotted,
        with_error: known.standard_error.is_some(),
        title: column.title(),
        short: known.short,
        group: column.group(),
        count: known.counts_rows(),
        decimals: match known.written {
            Written::Rows | Written::Whole => 1,
            Written::Decimals(decimals) => decimals,
        },
        goal: match known.better.filter(|_| column.part.is_some()) {
            Some(Better::More) => 1,
            Some(Better::Less) => -1,
            None => 0,
        },
        mean: shown.iter().map(|ranked| ranked.mean_at(place).map(Short)).collect(),
        error: if error.iter().any(Option::is_some) { error } else { Vec::new() },
        column: name,
    }
}

/// The maps of the metrics that were measured on the validation and on the test rows.
pub(super) fn maps(ranking: &Ranking) -> Vec<MapOf> {
    let measured =
        |name: &str| ["val", "test"].iter().all(|prefix| ranking.metrics.contains(&format!("{prefix}_{name}")));
    let maps = MAPS.into_iter().filter(|(name, _)| measured(name));
    maps.map(|(name, title)| MapOf { name, title }).collect()
}

/// Names of the columns that the table of trials has at first.
pub(super) fn first_columns(ranking: &Ranking) -> Vec<String> {
    let mut columns: Vec<String> = ["rank", "front"].map(str::to_owned).to_vec();
    columns.extend(ranking.swept().into_iter().map(str::to_owned));
    columns.extend(ranking.keys.iter().map(|key| key.column.clone()));
    columns.extend(FIRST.map(str::to_owned));
    let mut seen = std::collections::HashSet::new();
    columns.retain(|column| seen.insert(column.clone()));
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Report;
    use crate::tests::{ranked, results, row};

    #[test]
    fn every_name_of_the_page_is_that_of_a_metric() {
        assert!(FIRST.iter().all(|column| MetricColumn::named(column).is_some()));
        assert!(MAPS.iter().all(|(name, _)| MetricColumn::named(&format!("val_{name}")).is_some()));
    }

    #[test]
    fn seconds_of_training_are_not_shown_as_a_figure_of_the_training_rows() {
        let mut results = results(vec![row("a", 0, "bce", None, 0.9, 1.0)]);
        results.metrics.push("train_seconds".to_owned());
        results.rows[0].metrics.push(Some(1.5));
        let all = metrics(&Report::bare(ranked(&results, &["auc"])), &[]);
        let seconds = all.iter().find(|metric| metric.column == "train_seconds").unwrap();
        assert_eq!((seconds.title.as_str(), seconds.group, seconds.split), ("Training time, seconds", "", ""));
        let auc = all.iter().find(|metric| metric.column == "val_auc").unwrap();
        assert_eq!((auc.title.as_str(), auc.group, auc.goal), ("ROC AUC, validation", "val", 1));
    }
}
