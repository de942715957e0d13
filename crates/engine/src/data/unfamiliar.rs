//! What of a new file a model does not know: cells that are missing, levels that it was not trained on.

use serde::Serialize;

use super::table::{Levels, Table, Values};
use focalsweep_core::prepared::{Preprocessing, Step};

/// Levels that are told by name.
const MOST_LEVELS: usize = 5;

/// Cells of a column that a model makes little of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfamiliar {
    /// The column.
    pub column: String,
    /// Rows without a value.
    pub missing: u64,
    /// Rows with a level that has no feature of its own in the model: rare or absent when it was trained.
    pub unseen: u64,
    /// The most frequent of these levels.
    pub levels: Vec<String>,
}

impl Unfamiliar {
    /// `amount: 3 missing; city: 2 of other levels (Ulm, Hof)`
    pub fn in_words(all: &[Self]) -> String {
        let told = |one: &Self| {
            let missing = (one.missing > 0).then(|| format!("{} missing", one.missing));
            let levels = one.levels.join(", ");
            let unseen = (one.unseen > 0).then(|| format!("{} of levels it has no feature for ({levels})", one.unseen));
            let told: Vec<String> = missing.into_iter().chain(unseen).collect();
            format!("{}: {}", one.column, told.join(", "))
        };
        all.iter().map(told).collect::<Vec<_>>().join("; ")
    }
}

/// The columns of `table` with cells that `model` makes little of, in the model's order.
pub fn unfamiliar(model: &Preprocessing, table: &Table) -> Vec<Unfamiliar> {
    let mut found: Vec<Unfamiliar> = Vec::new();
    for step in &model.steps {
        let name = step.column();
        let Some(column) = table.column(name).filter(|_| found.iter().all(|one| one.column != name)) else { continue };
        let missing = (0..table.rows).filter(|&row| column.values.is_missing(row)).count() as u64;
        let mut others = match (step, &column.values) {
            (Step::Category { levels, base, .. }, Values::Text(there)) => others(levels, base.as_deref(), there),
            _ => Vec::new(),
        };
        others.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let unseen = others.iter().map(|(_, rows)| rows).sum();
        let levels = others.into_iter().take(MOST_LEVELS).map(|(level, _)| level.to_owned()).collect();
        found.push(Unfamiliar { column: name.to_owned(), missing, unseen, levels });
    }
    found.retain(|one| one.missing + one.unseen > 0);
    found
}

/// The levels there that are none of the model, with their rows.
fn others<'a>(levels: &[String], base: Option<&str>, there: &'a Levels) -> Vec<(&'a str, u64)> {
    let counts = there.counts(0..there.codes.len());
    let is_known = |name: &String| levels.contains(name) || base == Some(name.as_str());
    let levels = there.names.iter().zip(counts);
    levels.filter(|(name, rows)| *rows > 0 && !is_known(name)).map(|(name, rows)| (name.as_str(), rows)).collect()
}
