//! The columns of results.parquet in words, with the way they are read.

use super::payload::{Metric, Short};
use crate::format::decimals;
use crate::metric::{Key, is_count};
use crate::rank::Ranking;
use focalsweep_core::spec::{Goal, Split};

/// Metrics whose uncertainty is shown.
const WITH_ERROR: [&str; 9] =
    ["auc", "average_precision", "brier", "fn", "fp", "op_fn", "op_fp", "op_recall", "op_precision"];

/// All metrics of the ranking with their values.
pub(super) fn metrics(ranking: &Ranking) -> Vec<Metric> {
    // Standard errors stand beside what they are the errors of.
    ranking.metrics.iter().filter(|column| !column.ends_with("_se")).map(|column| metric(ranking, column)).collect()
}

fn metric(ranking: &Ranking, column: &str) -> Metric {
    let (group, split, name) = parts(column);
    let bare = name.strip_prefix("op_").unwrap_or(name);
    let at_operating_point = name.starts_with("op_");
    let short = short(bare);
    let mut title = long(bare).to_owned();
    if !split.is_empty() {
        title = format!("{title}, {split}");
    }
    if at_operating_point {
        title += " at the operating point";
    } else if at_threshold(bare) && !split.is_empty() {
        title += " at 0.5";
    }
    let goal = Key::new(name, Split::Validation).map_or(0, |key| if key.goal == Goal::Maximize { 1 } else { -1 });
    let error: Vec<Option<Short>> = if WITH_ERROR.contains(&name) {
        ranking.trials.iter().map(|ranked| ranking.uncertainty(ranked, column).map(Short)).collect()
    } else {
        Vec::new()
    };
    Metric {
        column: column.to_owned(),
        title,
        short,
        group: format!("{group}{}", if at_operating_point { " op" } else { "" }),
        count: is_count(name),
        decimals: decimals(name),
        goal: if split.is_empty() { 0 } else { goal },
        mean: ranking.trials.iter().map(|ranked| ranking.mean(ranked, column).map(Short)).collect(),
        error: if error.iter().any(Option::is_some) { error } else { Vec::new() },
    }
}

/// Prefix, split in words, name without prefix.
fn parts(column: &str) -> (&'static str, &'static str, &str) {
    for (prefix, split) in [("train", "training"), ("val", "validation"), ("test", "test")] {
        if let Some(name) = column.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) {
            return (prefix, split, name);
        }
    }
    ("", "", column)
}

fn at_threshold(name: &str) -> bool {
    !["auc", "average_precision", "loss", "brier"].contains(&name)
}

/// The head of a table's column.
fn short(name: &str) -> String {
    match name {
        "average_precision" => "AP".to_owned(),
        "epochs_run" => "epochs".to_owned(),
        "best_epoch" => "best epoch".to_owned(),
        "auc" | "tp" | "fp" | "tn" | "fn" | "mcc" | "fpr" | "f1" => name.to_uppercase(),
        _ => name.replace('_', " "),
    }
}

fn long(name: &str) -> &str {
    match name {
        "auc" => "ROC AUC",
        "average_precision" => "Average precision",
        "tp" => "True positives",
        "fp" => "False positives",
        "tn" => "True negatives",
        "fn" => "False negatives",
        "mcc" => "Matthews correlation",
        "fpr" => "False-positive rate",
        "f1" => "F1",
        "loss" => "Own loss",
        "brier" => "Brier score",
        "accuracy" => "Accuracy",
        "precision" => "Precision",
        "recall" => "Recall",
        "threshold" => "Threshold of the operating point",
        "epochs_run" => "Epochs run",
        "best_epoch" => "Best epoch",
        other => other,
    }
}
