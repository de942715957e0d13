//! Rows of a replicate: split, preprocessing fitted on the training rows, matrices.

use arrow::buffer::ScalarBuffer;

use super::error::DataError;
use super::fit::fit;
use super::label::Source;
use super::preprocessing::Preprocessing;
use super::read::place;
use super::split::split;
use crate::spec::{DataSpec, SplitSpec};

/// Rows ready for training. The buffers are slices of memory of this process or of a file that several processes map.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Prepared features, row-major `[rows, features]`.
    pub x: ScalarBuffer<f32>,
    /// 1 for the rare class, else 0; `[rows]`.
    pub y: ScalarBuffer<u8>,
    /// 0-based rows of the source, ascending; `[rows]`.
    pub source_rows: ScalarBuffer<u32>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// Rows of the rare class.
    pub fn positives(&self) -> usize {
        self.y.iter().map(|&label| usize::from(label)).sum()
    }
}

/// The data of one replicate, shared by all trials that are trained on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Replicate {
    /// 0-based replicate.
    pub index: u32,
    /// Seed of the sweep.
    pub seed: u64,
    /// Names of the columns of [`Rows::x`].
    pub features: Vec<String>,
    /// What makes these columns from the file's.
    pub preprocessing: Preprocessing,
    /// Rows that weights are fitted to.
    pub train: Rows,
    /// Rows that choose: early stopping, thresholds, ranks.
    pub validation: Rows,
    /// Rows that nothing is chosen on.
    pub test: Rows,
    /// First 16 hexadecimal digits of a SHA-256 over the row numbers of the parts.
    pub split_fingerprint: String,
    /// What people should know about split and preparation, a line each.
    pub notes: Vec<String>,
}

/// Splits `source` as `(seed, replicate)` has it, fits the preprocessing on the training rows and applies it to all.
///
/// # Errors
/// A class has fewer than 3 rows or is absent from a part; no feature varies on the training rows; a prepared value does
/// not fit single precision.
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
        let x = preprocessing.transform_rows(&source.table, &part, |row| place(&data.source, row))?;
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
