//! Rows of a replicate: split, preprocessing fitted on the training rows, matrices.

use std::ops::Range;
use std::sync::Arc;

use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::spec::DataSpec;
use rayon::prelude::*;

use super::error::DataError;
use super::fit::fit;
use super::label::Source;
use super::split::{Dealt, Splits, split};
use super::transform::Transform;
use super::weight;
use crate::memory::Budget;

/// Bytes of features beyond which the replicates of a sweep are prepared one by one, and let go of their features until
/// jobs train on them ([`super::Again`]); so do those that would take more than [`SHARE`] of the memory that is free.
const MOST_FEATURES: u64 = 1 << 30;
/// One part of so many.
const SHARE: u64 = 4;

/// The first `count` of the replicates of a sweep, as [`prepare`] makes each; without their features where those of
/// `all` would take too much room.
///
/// # Errors
/// Those of [`prepare`]; they do not fit into memory, which is seen before they are made.
pub fn prepare_first(
    count: u32,
    source: &Source,
    data: &DataSpec,
    splits: &Splits<'_>,
    all: u32,
) -> Result<Vec<Arc<Replicate>>, DataError> {
    prepare_some(&Budget::now(), 0..count, (source, data), splits, all)
}

/// The replicates `numbers` of a sweep, as [`prepare_first`] makes those before them.
///
/// # Errors
/// Those of [`prepare`]; they do not fit into the memory that is left, which is seen before they are made.
pub fn prepare_onward(
    numbers: Range<u32>,
    source: &Source,
    data: &DataSpec,
    splits: &Splits<'_>,
) -> Result<Vec<Arc<Replicate>>, DataError> {
    let more = numbers.end.saturating_sub(numbers.start);
    prepare_some(&Budget::now(), numbers, (source, data), splits, more)
}

/// `all` share the memory that is left.
pub(super) fn prepare_some(
    budget: &Budget,
    numbers: Range<u32>,
    (source, data): (&Source, &DataSpec),
    splits: &Splits<'_>,
    all: u32,
) -> Result<Vec<Arc<Replicate>>, DataError> {
    let room = Room { budget, replicates: all };
    let one = |replicate| prepare_within(&room, source, data, splits, replicate);
    // The first says how wide they are; others may have a few levels more or less.
    let Some(first) = numbers.clone().next().filter(|_| all > 1) else {
        return numbers.map(|replicate| one(replicate).map(Arc::new)).collect();
    };
    let whole = one(first)?;
    if !room.lets_go(source.table.rows, whole.features.len()) {
        let rest = (first + 1..numbers.end).into_par_iter();
        let rest = rest.map(|replicate| one(replicate).map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        return Ok(std::iter::once(Arc::new(whole)).chain(rest).collect());
    }
    let mut replicates = vec![Arc::new(whole.without_features())];
    drop(whole);
    for replicate in first + 1..numbers.end {
        replicates.push(Arc::new(one(replicate)?.without_features()));
    }
    Ok(replicates)
}

/// Splits `source` as the sweep has it for `replicate`, fits the preprocessing on the training rows and applies it to
/// all.
///
/// # Errors
/// Too few rows or groups of a class, or a part without one, or where one weighs nothing; no feature varies on the
/// training rows; a prepared value does not fit single precision.
pub fn prepare(source: &Source, data: &DataSpec, splits: &Splits<'_>, replicate: u32) -> Result<Replicate, DataError> {
    let room = Room { budget: &Budget::now(), replicates: 1 };
    prepare_within(&room, source, data, splits, replicate)
}

/// The rows of all parts that the sweep has for `replicate` as rows to train on, with the preprocessing fitted on all
/// of them. The other parts are empty: no row is left that could choose or test.
///
/// # Errors
/// Those of [`prepare`].
pub fn prepare_all(
    source: &Source,
    data: &DataSpec,
    splits: &Splits<'_>,
    replicate: u32,
) -> Result<Replicate, DataError> {
    let budget = Budget::now();
    let room = Room { budget: &budget, replicates: 1 };
    let Dealt { parts, notes } = split(&source.labels, &source.split, splits, replicate)?;
    prepare_parts(&room, (source, data), (splits, replicate), Dealt { parts: parts.together(), notes })
}

/// The memory that replicates share.
struct Room<'a> {
    budget: &'a Budget,
    replicates: u32,
}

impl Room<'_> {
    /// Whether they are to let go of their features, of so many columns.
    fn lets_go(&self, rows: usize, features: usize) -> bool {
        let most = MOST_FEATURES.min(self.budget.most() / SHARE);
        self.replicates > 1 && of_features(rows, features).saturating_mul(u64::from(self.replicates)) > most
    }

    /// Whether all replicates, each as wide as this one, find room.
    fn check(&self, rows: usize, features: usize) -> Result<(), DataError> {
        // One that goes while another comes.
        let whole = if self.lets_go(rows, features) { 2 } else { self.replicates };
        // A row's label and its place in the source.
        let need = (5 * rows as u64).saturating_mul(u64::from(self.replicates));
        let need = need.saturating_add(of_features(rows, features).saturating_mul(u64::from(whole)));
        self.budget.holds(need).map_err(|short| DataError::Memory {
            what: format!("{} replicates of {rows} rows with {features} features", self.replicates),
            short,
            help: "ask for fewer `replicates`, leave columns out (`data.drop`), or pool more levels of text with a \
                   larger `data.min_level_count`",
        })
    }
}

/// Bytes of the features of a replicate.
fn of_features(rows: usize, features: usize) -> u64 {
    4 * (features as u64).saturating_mul(rows as u64)
}

fn prepare_within(
    room: &Room<'_>,
    source: &Source,
    data: &DataSpec,
    splits: &Splits<'_>,
    replicate: u32,
) -> Result<Replicate, DataError> {
    let dealt = split(&source.labels, &source.split, splits, replicate)?;
    prepare_parts(room, (source, data), (splits, replicate), dealt)
}

fn prepare_parts(
    room: &Room<'_>,
    (source, data): (&Source, &DataSpec),
    (splits, replicate): (&Splits<'_>, u32),
    Dealt { parts, notes: of_split }: Dealt,
) -> Result<Replicate, DataError> {
    let of_weights = Some(&source.weights).filter(|weights| !weights.is_empty()).zip(data.weight.as_deref());
    if let Some((weights, column)) = of_weights {
        let parts = [("training", &*parts.train), ("validation", &*parts.validation), ("test", &*parts.test)];
        weight::check((column, weights), &source.labels, parts, replicate)?;
    }
    let (mut preprocessing, fit_notes) = fit(&source.table, &parts.train, data, &|row| source.place(row))?;
    if let Some(reading) = &mut preprocessing.reading {
        reading.label = Some(source.label_reading());
    }
    room.check(source.table.rows, preprocessing.width())?;
    let split_fingerprint = parts.fingerprint();
    let units = source.split.units(splits.spec);
    let units = units.as_deref();
    let rows = |part: Vec<u32>| -> Result<Rows, DataError> {
        let x = preprocessing.transform_rows(&source.table, &part, |row| source.place(row))?;
        let y = part.iter().map(|&row| source.labels[row as usize]).collect();
        let units = units.map(|of| part.iter().map(|&row| of[row as usize]).collect()).unwrap_or_default();
        let weights = of_weights.map(|(of, _)| part.iter().map(|&row| of[row as usize]).collect()).unwrap_or_default();
        let source_rows = part.into_iter().map(|row| source.number(row)).collect();
        Ok(Rows { x: x.into(), y, source_rows, units, weights })
    };
    let (train, validation, test) = (rows(parts.train)?, rows(parts.validation)?, rows(parts.test)?);
    let calibration = rows(parts.calibration)?;
    let mut notes = vec![format!(
        "split: {} training, {} validation, {} test rows; {}, {}, {} of them positive",
        train.len(),
        validation.len(),
        test.len(),
        train.positives(),
        validation.positives(),
        test.positives(),
    )];
    if !calibration.is_empty() {
        notes.push(format!("calibration: {} negatives set aside", calibration.len()));
    }
    notes.extend(of_split);
    notes.extend(fit_notes);
    Ok(Replicate {
        index: replicate,
        seed: splits.seed,
        features: preprocessing.features(),
        preprocessing,
        train,
        validation,
        test,
        calibration,
        split_fingerprint,
        notes,
    })
}
