//! The metrics that rank, and which way each is better.

use crate::read::{ReportError, part_of};
use focalsweep_core::metrics::catalogue::{Better, METRICS, Metric, Part, Test};
use focalsweep_core::spec::Split;

/// A key of the ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Name without the prefix of the split: `auc`, `op_fn`.
    pub name: String,
    /// Column of results.parquet: `val_auc`, `test_op_fn`.
    pub column: String,
    /// Which way is better.
    pub better: Better,
    /// What tells two trials apart by it.
    pub test: Option<Test>,
}

impl Key {
    /// # Errors
    /// There is no such metric, or neither way of it is better; the error names the nearest.
    pub(super) fn new(name: &str, on: Split) -> Result<Self, ReportError> {
        let found = Metric::named(name).and_then(|metric| Some((metric, metric.better?)));
        match found {
            Some((metric, better)) => {
                Ok(Self { name: name.to_owned(), column: metric.column(part_of(on)).name(), better, test: metric.test })
            }
            None => Err(ReportError::UnknownMetric {
                name: name.to_owned(),
                nearest: nearest(name),
                known: Metric::rank_names().join(", "),
            }),
        }
    }
}

/// What the user may have meant, if anything comes near.
fn nearest(name: &str) -> Option<&'static str> {
    // Column names and common spellings.
    let begins = Part::ALL.map(|part| [part.prefix(), part.word()]).concat();
    let bare = begins.iter().find_map(|begin| name.strip_prefix(begin)?.strip_prefix('_')).unwrap_or(name);
    let bare = bare.to_lowercase().replace('-', "_");
    let meant = METRICS.iter().find(|metric| metric.aliases.contains(&bare.as_str())).map_or(&*bare, |m| m.name);
    let by_distance = Metric::rank_names().into_iter().map(|known| (strsim::damerau_levenshtein(meant, known), known));
    by_distance
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, known)| distance <= 2 && distance < known.len())
        .map(|(_, known)| known)
}
