//! What in the data is to be looked at before results are believed: nothing here is wrong for certain.

use rayon::prelude::*;

use super::fault::cut;
use super::repeated::{repeated_columns, repeats};
use super::table::{Column, Levels, Table, Values};
use focalsweep_core::spec::DataSpec;

/// A column that orders the classes at least this well alone is hardly known in advance.
const NEARLY_DECIDES: f64 = 0.995;
/// What it has to reach on some of the rows before all are looked at.
const WORTH_A_LOOK: f64 = 0.98;
/// Rows of a class that are looked at first.
const FIRST_LOOK: usize = 20_000;
/// Rows of each class without which nothing is suspected.
const LEAST_OF_A_CLASS: usize = 3;
/// Rows without which numbers are no identifier.
const LEAST_ROWS: usize = 20;
/// How many standard errors the AUC of the row number lies from one half when the order tells something (p < 1e-6),
const ORDER_Z: f64 = 5.0;
/// and how far at least.
const ORDER_DISTANCE: f64 = 0.05;
/// Columns named in a line.
const MOST_NAMED: usize = 10;

/// A line for each suspicion.
pub(super) fn suspicions(table: &Table, labels: &[u8], spec: &DataSpec) -> Vec<String> {
    let mut found = Vec::new();
    let columns: Vec<&Column> = table.columns.iter().filter(|column| !column.is_time()).collect();
    let classes = Classes::of(labels);
    let alone: Vec<Option<f64>> = columns.par_iter().map(|column| classes.alone(&column.values, spec)).collect();
    for (column, auc) in columns.iter().zip(alone) {
        if let Some(auc) = auc {
            let name = cut(&column.name);
            found.push(format!(
                "`{name}` alone nearly decides the label (AUC {auc:.4}): is it known before the label is? If not, \
                 `data.drop: [{name}]`",
            ));
        }
    }
    let missing: Vec<Option<f64>> = columns.par_iter().map(|column| classes.missing(&column.values)).collect();
    for (column, auc) in columns.iter().zip(missing) {
        if let Some(auc) = auc {
            let name = cut(&column.name);
            found.push(format!(
                "whether `{name}` is missing alone nearly decides the label (AUC {auc:.4}): is it filled in before the \
                 label is known? If not, `data.drop: [{name}]`",
            ));
        }
    }
    let identifiers: Vec<&str> =
        columns.par_iter().filter(|column| numbers_the_rows(&column.values)).map(|column| &*column.name).collect();
    if !identifiers.is_empty() {
        found.push(format!(
            "all different whole numbers in order, so perhaps identifiers and of no use for new rows (`data.drop`): {}",
            listed(&identifiers)
        ));
    }
    let copies = repeated_columns(table);
    if !copies.is_empty() {
        let told: Vec<String> = copies.iter().map(|(column, of)| format!("{} (of {})", cut(column), cut(of))).collect();
        let told: Vec<&str> = told.iter().map(String::as_str).collect();
        found.push(format!("columns that are copies of others, of no use beside them: {}", listed(&told)));
    }
    let copies = repeats(table, labels);
    if copies > 0 {
        found.push(format!(
            "{copies} of {} rows are exact copies of earlier ones; `data.deduplicate: true` keeps the first of each",
            table.rows
        ));
    }
    found.extend(classes.order(labels));
    found
}

fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(MOST_NAMED);
    let told: Vec<String> = names.iter().take(MOST_NAMED).map(|name| cut(name)).collect();
    if more > 0 { format!("{} and {more} more", told.join(", ")) } else { told.join(", ") }
}

/// The rows of each class.
struct Classes {
    positive: Vec<u32>,
    negative: Vec<u32>,
}

impl Classes {
    fn of(labels: &[u8]) -> Self {
        let (positive, negative) = (0u32..).zip(labels).partition::<Vec<_>, _>(|(_, label)| **label == 1);
        let rows = |of: Vec<(u32, &u8)>| of.into_iter().map(|(row, _)| row).collect();
        Self { positive: rows(positive), negative: rows(negative) }
    }

    /// The AUC of a column alone, where it nearly decides; of text by the share of positives of each level.
    fn alone(&self, values: &Values, spec: &DataSpec) -> Option<f64> {
        let score: Box<dyn Fn(u32) -> f64> = match values {
            Values::Number(values) => Box::new(|row| values[row as usize]),
            Values::Bool(values) => {
                Box::new(|row| values[row as usize].map_or(f64::NAN, |truth| f64::from(u8::from(truth))))
            }
            Values::Text(levels) => {
                let shares = self.shares(levels, u64::from(spec.min_level_count));
                Box::new(move |row| shares.get(levels.codes[row as usize] as usize).copied().unwrap_or(f64::NAN))
            }
            Values::Time(_) => return None,
        };
        let some = |rows: &[u32]| -> Vec<u32> {
            rows.iter().copied().step_by(rows.len().div_ceil(FIRST_LOOK).max(1)).collect()
        };
        let strength = |positive: &[u32], negative: &[u32]| {
            let auc = auc(positive.iter().map(|&row| score(row)), negative.iter().map(|&row| score(row)))?;
            Some(auc.max(1.0 - auc))
        };
        if strength(&some(&self.positive), &some(&self.negative))? < WORTH_A_LOOK {
            return None;
        }
        strength(&self.positive, &self.negative).filter(|auc| *auc >= NEARLY_DECIDES)
    }

    /// The share of positives among the rows of each level; rare levels share one.
    fn shares(&self, levels: &Levels, least: u64) -> Vec<f64> {
        let rows = |of: &[u32]| levels.counts(of.iter().map(|&row| row as usize));
        let (positive, negative) = (rows(&self.positive), rows(&self.negative));
        let share = |positive: u64, negative: u64| positive as f64 / (positive + negative).max(1) as f64;
        let is_rare = |at: usize| positive[at] + negative[at] < least;
        let pooled = (0..positive.len())
            .filter(|&at| is_rare(at))
            .fold((0, 0), |(p, n), at| (p + positive[at], n + negative[at]));
        let of = |at: usize| if is_rare(at) { share(pooled.0, pooled.1) } else { share(positive[at], negative[at]) };
        (0..positive.len()).map(of).collect()
    }

    /// The AUC of whether a column is missing, where that nearly decides.
    fn missing(&self, values: &Values) -> Option<f64> {
        if self.positive.len() < LEAST_OF_A_CLASS || self.negative.len() < LEAST_OF_A_CLASS {
            return None;
        }
        let share = |rows: &[u32]| {
            rows.iter().filter(|&&row| values.is_missing(row as usize)).count() as f64 / rows.len() as f64
        };
        let auc = 0.5 + (share(&self.positive) - share(&self.negative)) / 2.0;
        Some(auc.max(1.0 - auc)).filter(|auc| *auc >= NEARLY_DECIDES)
    }

    /// Whether the order of the rows predicts the label: Mann and Whitney's test of the row numbers, which have no
    /// ties.
    fn order(&self, labels: &[u8]) -> Option<String> {
        let (positives, negatives) = (self.positive.len() as f64, self.negative.len() as f64);
        let ranks: f64 = self.positive.iter().map(|&row| f64::from(row) + 1.0).sum();
        let auc = (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives);
        let error = ((labels.len() as f64 + 1.0) / (12.0 * positives * negatives)).sqrt();
        let distance = (auc - 0.5).abs();
        (distance > ORDER_DISTANCE && distance > ORDER_Z * error).then(|| {
            format!(
                "the order of the rows predicts the label (AUC of the row number {auc:.3}): are they sorted by it, or \
                 does it change over time? Then a random split promises more than new rows will keep",
            )
        })
    }
}

/// The area under the ROC curve of scores, those that are NaN left out; `None` with too few of a class.
fn auc(positive: impl Iterator<Item = f64>, negative: impl Iterator<Item = f64>) -> Option<f64> {
    let known = |scores: &mut dyn Iterator<Item = f64>, class: u8| -> Vec<(f64, u8)> {
        scores.filter(|score| !score.is_nan()).map(|score| (score, class)).collect()
    };
    let (mut positive, mut negative) = (positive, negative);
    let (mut all, negatives) = (known(&mut positive, 1), known(&mut negative, 0));
    let (p, n) = (all.len(), negatives.len());
    if p < LEAST_OF_A_CLASS || n < LEAST_OF_A_CLASS {
        return None;
    }
    all.extend(negatives);
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // Twice the number of pairs in which the positive is above, ties counted half.
    let (mut pairs, mut below) = (0.0, 0.0);
    for ties in all.chunk_by(|a, b| a.0 == b.0) {
        let positives = ties.iter().filter(|(_, class)| *class == 1).count() as f64;
        let negatives = ties.len() as f64 - positives;
        pairs += positives * (2.0 * below + negatives);
        below += negatives;
    }
    Some(pairs / (2.0 * p as f64 * n as f64))
}

/// Whether whole numbers are all there, all different, and rise or fall from row to row.
fn numbers_the_rows(values: &Values) -> bool {
    let Values::Number(values) = values else { return false };
    let ordered = |less: fn(f64, f64) -> bool| values.windows(2).all(|pair| less(pair[0], pair[1]));
    values.len() >= LEAST_ROWS
        && values.iter().all(|value| value.fract() == 0.0)
        && (ordered(|a, b| a < b) || ordered(|a, b| a > b))
}
