//! The metrics that may rank, and which way each is better.

use focalsweep_core::spec::{Goal, Split};

use super::ReportError;

/// Names without the prefix of the split, with the better direction. A figure at the operating point starts with `op_`.
const METRICS: [(&str, Goal); 22] = [
    ("auc", Goal::Maximize),
    ("fn", Goal::Minimize),
    ("average_precision", Goal::Maximize),
    ("recall", Goal::Maximize),
    ("precision", Goal::Maximize),
    ("f1", Goal::Maximize),
    ("mcc", Goal::Maximize),
    ("accuracy", Goal::Maximize),
    ("brier", Goal::Minimize),
    ("loss", Goal::Minimize),
    ("tp", Goal::Maximize),
    ("fp", Goal::Minimize),
    ("tn", Goal::Maximize),
    ("op_fn", Goal::Minimize),
    ("op_fp", Goal::Minimize),
    ("op_tp", Goal::Maximize),
    ("op_tn", Goal::Maximize),
    ("op_precision", Goal::Maximize),
    ("op_recall", Goal::Maximize),
    ("op_fpr", Goal::Minimize),
    ("cost", Goal::Minimize),
    ("epochs_run", Goal::Minimize),
];

/// A key of the ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name without the prefix of the split: `auc`, `op_fn`.
    pub name: String,
    /// Column of results.parquet: `val_auc`, `test_op_fn`.
    pub column: String,
    /// Which way is better.
    pub goal: Goal,
}

impl Key {
    /// # Errors
    /// There is no such metric; the error names the nearest.
    pub(super) fn new(name: &str, on: Split) -> Result<Self, ReportError> {
        match METRICS.iter().find(|(known, _)| *known == name) {
            Some(&(_, goal)) => Ok(Self { name: name.to_owned(), column: column(on, name), goal }),
            None => Err(ReportError::UnknownMetric {
                name: name.to_owned(),
                nearest: nearest(name),
                known: METRICS.map(|(known, _)| known).join(", "),
            }),
        }
    }
}

/// Column of a metric on a split; that of the training itself is the same for both.
pub(super) fn column(on: Split, name: &str) -> String {
    if name == "epochs_run" {
        return name.to_owned();
    }
    let prefix = match on {
        Split::Validation => "val",
        Split::Test => "test",
    };
    format!("{prefix}_{name}")
}

/// What the user may have meant, if anything comes near.
fn nearest(name: &str) -> Option<&'static str> {
    // Column names and common spellings.
    let bare = ["val_", "validation_", "test_"].iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
    let bare = bare.to_lowercase().replace('-', "_");
    let meant = match bare.as_str() {
        "roc_auc" | "auroc" => "auc",
        "ap" | "pr_auc" | "auprc" => "average_precision",
        "false_negatives" | "fnr" | "missed" => "fn",
        "false_positives" | "fpr" => "fp",
        "sensitivity" | "tpr" => "recall",
        other => other,
    };
    let by_distance = METRICS.iter().map(|&(known, _)| (strsim::damerau_levenshtein(meant, known), known));
    by_distance
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, known)| distance <= 2 && distance < known.len())
        .map(|(_, known)| known)
}

/// Whether a metric counts rows.
pub(super) fn is_count(name: &str) -> bool {
    matches!(name.strip_prefix("op_").unwrap_or(name), "tp" | "fp" | "tn" | "fn")
}
