//! What the data are, as far as choices follow from it.

use std::collections::HashSet;

use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{self, Spec};
use focalsweep_engine::data::{self, Column, ColumnFault, DataError, Matter, Purpose, Remedy, Source, Splits, Values};
use focalsweep_report::FEW_POSITIVES;

use super::Asked;
use super::words::{FOLDS, quoted, scalar};
use crate::run::RunError;

/// Whole numbers with at most this many different values may be codes.
const MOST_CODES: usize = 50;
/// Rows below which a column that differs on every row may do so by chance.
const FEWEST_ROWS: usize = 20;
/// Columns that are left out one after the other because they cannot be read or used, before that is told instead.
const MOST_TRIES: usize = 200;
/// Words that are taken as missing because they stand among numbers, before that is told instead.
const MOST_WORDS: usize = 100;

/// The data, and what to do with their columns.
pub(super) struct Facts {
    pub(super) rows: usize,
    pub(super) positives: usize,
    /// The value of the rare class, as the label column has it.
    pub(super) positive: String,
    /// Columns of features that are kept.
    pub(super) features: usize,
    /// What has to be said so that columns can be read.
    pub(super) read_as: ReadAs,
    /// Columns to leave out, and why.
    pub(super) drop: Vec<(String, String)>,
    /// Columns of whole numbers that are codes by their name.
    pub(super) codes: Vec<String>,
    /// Columns of whole numbers with few values, which may be codes.
    pub(super) maybe_codes: Vec<String>,
    /// Columns of points in time, which are no features.
    pub(super) times: Vec<String>,
    /// Whether folds take the place of replicates, as few positives choose.
    pub(super) folds: bool,
    /// Rows that train.
    pub(super) training: usize,
    /// Positives and negatives that choose.
    pub(super) validation: (usize, usize),
    /// Positives that measure.
    pub(super) test: usize,
}

/// Columns that are readable only by what is said of them.
#[derive(Default)]
pub(super) struct ReadAs {
    /// What is said.
    pub(super) remedy: Remedy,
    /// Why: what was the matter.
    pub(super) why: Vec<String>,
}

impl ReadAs {
    /// Says of columns what mends them; whether that is anything new, and no more words than are read by somebody.
    fn mend(&mut self, faults: &[ColumnFault]) -> bool {
        let (before, found) = (self.remedy.clone(), Remedy::of(faults));
        self.remedy.na_values.extend(found.na_values);
        self.remedy.types.extend(found.types);
        self.remedy.decimal = self.remedy.decimal.or(found.decimal);
        self.why.extend(faults.iter().map(ToString::to_string));
        self.remedy != before && self.remedy.na_values.len() <= MOST_WORDS
    }
}

impl Facts {
    /// Reads, splits and prepares the data, saying of columns how they can be read and leaving out what cannot be used.
    pub(super) fn of(asked: &Asked<'_>) -> Result<Self, RunError> {
        let (mut drop, mut read_as) = (Vec::new(), ReadAs::default());
        loop {
            match prepared(&draft(asked, &read_as, &drop, "{}")?) {
                Ok((source, replicate)) => {
                    let few = replicate.validation.positives() < FEW_POSITIVES;
                    let folds = if few { prepared(&draft(asked, &read_as, &drop, FOLDS)?).ok() } else { None };
                    let first = folds.as_ref().map_or(&replicate, |(_, first)| first);
                    let facts = Self::found(&source, first, read_as, drop);
                    return Ok(Self { folds: folds.is_some(), ..facts });
                }
                Err(error) => match (unusable(&error), &error) {
                    (Some(found), _) if drop.len() < MOST_TRIES => drop.push(found),
                    (None, DataError::Columns { faults, .. }) if read_as.mend(faults) => {}
                    _ => return Err(error.into()),
                },
            }
        }
    }

    fn found(source: &Source, replicate: &Replicate, read_as: ReadAs, mut drop: Vec<(String, String)>) -> Self {
        let (mut codes, mut maybe_codes) = (Vec::new(), Vec::new());
        let is_time = |column: &&Column| matches!(column.values, Values::Time(_));
        let times: Vec<String> =
            source.table.columns.iter().filter(is_time).map(|column| column.name.clone()).collect();
        let mut features = source.table.columns.len() - times.len();
        for column in source.table.columns.iter().filter(|column| !is_time(column)) {
            match kind_of(column, source.table.rows) {
                // One feature has to stay.
                Kind::Useless(why) if features > 1 => {
                    drop.push((column.name.clone(), why.to_owned()));
                    features -= 1;
                }
                Kind::Codes => codes.push(column.name.clone()),
                Kind::MaybeCodes => maybe_codes.push(column.name.clone()),
                Kind::Useless(_) | Kind::Feature => {}
            }
        }
        let validation = replicate.validation.positives();
        Self {
            rows: source.table.rows,
            positives: source.positives(),
            positive: source.positive.clone(),
            features,
            read_as,
            drop,
            codes,
            maybe_codes,
            times,
            folds: false,
            training: replicate.train.len(),
            validation: (validation, replicate.validation.len() - validation),
            test: replicate.test.positives(),
        }
    }
}

/// The least sweep file for the data, split so.
fn draft(asked: &Asked<'_>, read_as: &ReadAs, drop: &[(String, String)], split: &str) -> Result<Spec, RunError> {
    let names: Vec<String> = drop.iter().map(|(name, _)| quoted(name)).collect();
    let data = asked.data.to_string_lossy();
    let mended: String = read_as.remedy.lines(MOST_WORDS).iter().map(|line| format!("  {line}\n")).collect();
    let text = format!(
        "name: draft\ndata:\n  source: {}\n  label: {}\n  positive: {}\n  drop: [{}]\n{mended}split: {split}\n\
         parameters: {{}}\n",
        quoted(&data),
        quoted(asked.label),
        asked.positive.map_or("null".to_owned(), scalar),
        names.join(", ")
    );
    Ok(spec::parse("the arguments of init", &text)?)
}

/// The data and their first replicate; with folds all of them have to be good.
fn prepared(spec: &Spec) -> Result<(Source, Replicate), DataError> {
    let source = data::load(&spec.data, &spec.split)?;
    let splits = Splits { spec: &spec.split, seed: spec.seed, replicates: spec.replicates };
    let replicate = data::prepare(&source, &spec.data, &splits, 0)?;
    for other in 1..spec.replicates {
        data::prepare(&source, &spec.data, &splits, other)?;
    }
    Ok((source, replicate))
}

/// A column that cannot be a feature, and why.
fn unusable(error: &DataError) -> Option<(String, String)> {
    match error {
        DataError::Identifier { column, levels, rows } => {
            Some((column.clone(), format!("{levels} different texts on {rows} rows: an identifier")))
        }
        DataError::ColumnType { column, kind, is_label: false } => {
            Some((column.clone(), format!("{kind}, neither a number, a boolean nor text")))
        }
        DataError::Columns { faults, .. } => faults.iter().find_map(|fault| match fault {
            ColumnFault { column, what: Matter::TooLong { example }, purpose: Purpose::Feature, .. } => {
                Some((column.clone(), format!("whole numbers such as {example}, too long for one: an identifier")))
            }
            _ => None,
        }),
        DataError::TooManyLevels { column, levels, .. } | DataError::TooWide { column, levels, .. } => {
            Some((column.clone(), format!("{levels} levels of text, each of which would be a feature")))
        }
        _ => None,
    }
}

/// What a column may be.
enum Kind {
    Useless(&'static str),
    Codes,
    MaybeCodes,
    Feature,
}

fn kind_of(column: &Column, rows: usize) -> Kind {
    let Values::Number(values) = &column.values else {
        let first = column.values.show(0);
        let constant = (0..rows).all(|row| column.values.show(row) == first);
        return if constant { Kind::Useless("the same on every row") } else { Kind::Feature };
    };
    let known = || values.iter().copied().filter(|value| !value.is_nan());
    let mut different: HashSet<u64> = known().map(|value| (value + 0.0).to_bits()).collect();
    if different.len() < 2 {
        return Kind::Useless("the same on every row");
    }
    if !known().all(|value| value.fract() == 0.0) {
        return Kind::Feature;
    }
    if different.len() == rows && rows >= FEWEST_ROWS {
        let counts = values.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
        if counts {
            return Kind::Useless("the number of the row");
        }
        if is_named(&column.name, &["id", "uuid", "key", "index", "number", "no", "nr"]) {
            return Kind::Useless("a different number on every row: an identifier by its name");
        }
    }
    different.remove(&0.0_f64.to_bits());
    different.remove(&1.0_f64.to_bits());
    match different.len() {
        // Truths, or nearly.
        0 | 1 => Kind::Feature,
        many if many > MOST_CODES => Kind::Feature,
        _ if is_named(&column.name, CODES) => Kind::Codes,
        _ => Kind::MaybeCodes,
    }
}

/// Words in the names of columns whose numbers are codes.
const CODES: &[&str] = &["code", "mcc", "type", "category", "class", "group", "region", "zip", "country", "channel"];

/// Whether one of the words stands in a name by itself: `customer_id`, `customerId`, `MCC`.
fn is_named(name: &str, words: &[&str]) -> bool {
    let mut parts: Vec<String> = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            parts.push(String::new());
        }
        was_lower = c.is_lowercase();
        if let Some(part) = parts.last_mut().filter(|_| c.is_alphanumeric()) {
            part.extend(c.to_lowercase());
        }
    }
    parts.iter().any(|part| words.contains(&part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_names_by_themselves() {
        for name in ["id", "ID", "customer_id", "customerId", "order-id", "id2.id"] {
            assert!(is_named(name, &["id"]), "{name}");
        }
        for name in ["paid", "idle", "width", "Idaho", ""] {
            assert!(!is_named(name, &["id"]), "{name}");
        }
    }
}
