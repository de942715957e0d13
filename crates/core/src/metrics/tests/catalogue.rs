//! The catalogue holds together: with itself, and with what is measured.

use std::collections::BTreeSet;

use crate::metrics::catalogue::{METRICS, Metric, MetricColumn, Part};
use crate::metrics::{Confusion, SplitMetrics};

/// All columns that the catalogue knows.
fn columns() -> Vec<MetricColumn> {
    let of_metric = |metric: &'static Metric| {
        let on = if metric.parts().is_empty() { &[Part::Test][..] } else { metric.parts() };
        let values: Vec<MetricColumn> = on.iter().map(|&part| metric.column(part)).collect();
        let errors = values.clone().into_iter().filter(|column| column.metric.standard_error.is_some());
        let errors: Vec<MetricColumn> = errors.map(|column| MetricColumn { is_error: true, ..column }).collect();
        values.into_iter().chain(errors)
    };
    METRICS.iter().flat_map(of_metric).collect()
}

#[test]
fn a_column_is_found_by_its_name_and_no_two_share_one() {
    let names: Vec<String> = columns().iter().map(MetricColumn::name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    for (column, name) in columns().iter().zip(&names) {
        let found = MetricColumn::named(name).unwrap_or_else(|| panic!("{name} is not found"));
        assert_eq!((found.metric.name, found.part, found.is_error), (column.metric.name, column.part, column.is_error));
        assert!(!column.title().is_empty() && !column.metric.short.is_empty(), "{name}");
    }
    for other in ["", "auc", "val_", "val_seconds", "train_op_fn", "val_threshold", "val_brier_se", "started_at"] {
        assert!(MetricColumn::named(other).is_none(), "{other} is no metric");
    }
}

#[test]
fn seconds_of_training_are_no_figure_of_the_training_rows() {
    let seconds = MetricColumn::named("train_seconds").unwrap();
    assert_eq!((seconds.part, seconds.group(), seconds.title().as_str()), (None, "", "Training time, seconds"));
    assert_eq!(MetricColumn::named("train_auc").unwrap().part, Some(Part::Training));
}

#[test]
fn titles_say_rows_and_threshold() {
    let title = |name: &str| MetricColumn::named(name).unwrap().title();
    assert_eq!(title("val_auc"), "ROC AUC, validation");
    assert_eq!(title("train_fn"), "False negatives, training at 0.5");
    assert_eq!(title("test_op_fn"), "False negatives, test at the operating point");
    assert_eq!(title("val_cost"), "Cost per 1,000 rows, validation at the operating point");
    assert_eq!(title("threshold"), "Threshold of the operating point");
}

#[test]
fn all_that_is_measured_of_a_split_is_in_the_catalogue() {
    let confusion = Confusion { tp: 1.0, fp: 2.0, tn: 3.0, fn_: 4.0 };
    let measured = SplitMetrics {
        loss: Some(0.5),
        auc: Some(0.9),
        auc_se: Some(0.1),
        average_precision: None,
        partial_auc: None,
        precision_at_k: None,
        confusion: Some(confusion),
        brier: Some(0.1),
    };
    let fields = serde_json::to_value(measured).unwrap();
    for name in fields.as_object().unwrap().keys() {
        assert!(MetricColumn::named(&format!("val_{name}")).is_some(), "`{name}` of SplitMetrics has no entry");
    }
}

#[test]
fn what_ranks_has_a_direction_and_its_names_are_known() {
    let names = Metric::rank_names();
    assert!(names.contains(&"auc") && names.contains(&"cost") && names.contains(&"epochs_run"));
    assert!(!names.contains(&"threshold") && !names.contains(&"train_seconds"));
    let aliases = METRICS.iter().flat_map(|metric| metric.aliases);
    assert!(aliases.into_iter().all(|alias| !names.contains(alias)), "an alias is the name of another metric");
}
