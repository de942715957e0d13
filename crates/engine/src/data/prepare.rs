//! Rows of a replicate: split, preprocessing fitted on the training rows, matrices.

use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::spec::{DataSpec, SplitSpec};

use super::error::DataError;
use super::fit::fit;
use super::label::Source;
use super::row_place::row_place;
use super::split::split;
use super::transform::Transform;

/// Splits `source` as `(seed, replicate)` has it, fits the preprocessing on the training rows and applies it to all.
///
/// # Errors
/// A class has fewer than 3 rows or is absent from a part; no feature varies on the training rows; a prepared value
/// does not fit single precision.
pub fn prepare(
    source: &Source,
    data: &DataSpec,
    split_spec: &SplitSpec,
    seed: u64,
    replicate: u32,
) -> Result<Replicate, DataError> {
    let parts = split(&source.labels, split_spec, seed, replicate)?;
    let (preprocessing, fit_notes) = fit(&source.table, &parts.train, data)?;
    let split_fingerprint = parts.fingerprint();
    let rows = |part: Vec<u32>| -> Result<Rows, DataError> {
        let x = preprocessing.transform_rows(&source.table, &part, |row| row_place(&data.source, row))?;
        let y = part.iter().map(|&row| source.labels[row as usize]).collect();
        Ok(Rows { x: x.into(), y, source_rows: part.into() })
    };
    let (train, validation, test) = (rows(parts.train)?, rows(parts.validation)?, rows(parts.test)?);
    let mut notes = vec![format!(
        "split: {} training, {} validation, {} test rows; {}, {}, {} of them positive",
        train.len(),
        validation.len(),
        test.len(),
        train.positives(),
        validation.positives(),
        test.positives(),
    )];
    notes.extend(fit_notes);
    Ok(Replicate {
        index: replicate,
        seed,
        features: preprocessing.features(),
        preprocessing,
        train,
        validation,
        test,
        split_fingerprint,
        notes,
    })
}
