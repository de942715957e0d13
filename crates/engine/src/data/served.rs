//! A file that a model is to score, with its label where it is there.

use std::path::Path;

use focalsweep_core::prepared::{ColumnRead, FileReading, LabelReading, Preprocessing};
use focalsweep_core::spec::ColumnKind;

use super::done::Read;
use super::error::DataError;
use super::label::classes_as;
use super::pick::Pick;
use super::read::read_table;
use super::reading::Reading;

/// The label of the rows that a model scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServedLabel {
    /// The model does not say what it was trained to tell.
    Unknown,
    /// The file has no such column.
    Absent(LabelReading),
    /// The column is not what it was when the model was trained: why, in words.
    Unusable(LabelReading, String),
    /// The classes, 1 or 0 a row; `None` where the label is missing.
    Read(LabelReading, Vec<Option<u8>>),
}

/// Reads from a file what `model` needs, the columns `keep`, and the label. Columns that are only kept are text.
/// Nothing that is wrong with the label is an error: a model needs none.
///
/// # Errors
/// Those of [`read_table`]; a column that is needed or to be kept is not in the file.
pub fn read_served(model: &Preprocessing, path: &Path, keep: &[String]) -> Result<(Read, ServedLabel), DataError> {
    let reading = Reading::of_model(model);
    let label = model.reading.as_ref().and_then(|reading| reading.label.clone());
    read_needed(&Needs { columns: model.columns(), reading, label }, path, keep)
}

/// The same for a model that a trainer of the user's made of these columns of a file that was read so.
///
/// # Errors
/// Those of [`read_served`].
pub fn read_served_columns(
    columns: &[ColumnRead],
    reading: &FileReading,
    path: &Path,
    keep: &[String],
) -> Result<(Read, ServedLabel), DataError> {
    let names = columns.iter().map(|column| column.name.clone()).collect();
    let label = reading.label.clone();
    read_needed(&Needs { columns: names, reading: Reading::of_columns(columns, reading), label }, path, keep)
}

/// What a model needs of a file.
struct Needs {
    columns: Vec<String>,
    reading: Reading,
    label: Option<LabelReading>,
}

fn read_needed(needs: &Needs, path: &Path, keep: &[String]) -> Result<(Read, ServedLabel), DataError> {
    let Some(label) = needs.label.clone() else {
        return Ok((read_columns(needs, path, keep, None)?, ServedLabel::Unknown));
    };
    let why = match read_columns(needs, path, keep, Some(&label)) {
        Ok(read) => {
            let classes = read.table.column(&label.column).map(|column| classes_as(&label, &column.values));
            let label = match classes {
                Some(Ok(classes)) => ServedLabel::Read(label, classes),
                Some(Err(why)) => ServedLabel::Unusable(label, why),
                None => ServedLabel::Absent(label),
            };
            return Ok((read, label));
        }
        Err(why) => why,
    };
    // If it is not the label's fault it is there without the label too.
    let read = read_columns(needs, path, keep, None)?;
    let label = match why {
        DataError::MissingColumn { column, .. } if column == label.column => ServedLabel::Absent(label),
        why => ServedLabel::Unusable(label, why.to_string()),
    };
    Ok((read, label))
}

fn read_columns(needs: &Needs, path: &Path, keep: &[String], label: Option<&LabelReading>) -> Result<Read, DataError> {
    let of_model = &needs.columns;
    let mut columns = of_model.clone();
    let mut reading = needs.reading.clone();
    reading.label = label.map(|label| label.column.clone());
    for name in keep.iter().filter(|name| !of_model.contains(name)) {
        columns.push(name.clone());
        reading.types.insert(name.clone(), ColumnKind::Category);
    }
    if let Some(label) = label {
        if !columns.contains(&label.column) {
            columns.push(label.column.clone());
        }
        reading.named.insert(label.column.clone());
        // Among numbers and truths the words for missing are no classes, also in a label that is kept as text.
        let is_word = label.positive.parse::<f64>().is_err() && label.positive.to_lowercase().parse::<bool>().is_err();
        if let (false, Some(codes)) = (is_word, &mut reading.codes) {
            codes.insert(label.column.clone());
        }
    }
    let of_keep = |error| match error {
        DataError::MissingColumn { column, help } if keep.contains(&column) && !of_model.contains(&column) => {
            DataError::UnknownColumn { key: "--keep", column, help }
        }
        other => other,
    };
    read_table(path, Pick::Only(&columns), &reading).map_err(of_keep)
}
