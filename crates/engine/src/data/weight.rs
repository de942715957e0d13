//! The column by which rows count: `data.weight`.

use super::error::DataError;
use super::row_place::Places;
use super::table::{Column, Table, Values};
use focalsweep_core::spec::SplitSpec;

/// Takes the column of weights out of `table`: it is no feature.
///
/// # Errors
/// It is not there, is a column of the split, or is none of numbers; a weight is missing, negative or not finite.
pub(super) fn take(table: &mut Table, name: &str, split: &SplitSpec, places: &Places) -> Result<Vec<f64>, DataError> {
    let Some(at) = table.columns.iter().position(|column| column.name == name) else {
        return Err(DataError::unknown_column("data.weight", name, table.names()));
    };
    if let Some((second, _)) = split.columns().into_iter().find(|(_, column)| *column == name) {
        return Err(DataError::Conflict { column: name.to_owned(), first: "data.weight", second });
    }
    let Column { name, values } = table.columns.remove(at);
    if let Some(row) = (0..values.len()).find(|&row| values.is_missing(row)) {
        return Err(DataError::WeightMissing { column: name, place: places.of(row) });
    }
    let weights = match values {
        Values::Number(weights) => weights,
        other => {
            let (value, kind) = (other.show(0), other.kind());
            return Err(DataError::NoWeights { column: name, value, kind });
        }
    };
    match weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
        Some(row) => Err(DataError::BadWeight { column: name, place: places.of(row), value: weights[row] }),
        None => Ok(weights),
    }
}

/// Looks whether each class weighs something in each part, a name and its rows, that has rows of it.
///
/// # Errors
/// All rows of a class in a part weigh nothing.
pub(super) fn check(
    (column, weights): (&str, &[f64]),
    labels: &[u8],
    parts: [(&'static str, &[u32]); 3],
    replicate: u32,
) -> Result<(), DataError> {
    for (part, rows) in parts {
        for (class, value) in [("positive", 1), ("negative", 0)] {
            let mut of_class = rows.iter().map(|&row| row as usize).filter(|&row| labels[row] == value).peekable();
            if of_class.peek().is_some() && of_class.all(|row| weights[row] == 0.0) {
                return Err(DataError::WeighsNothing { column: column.to_owned(), part, replicate, class });
            }
        }
    }
    Ok(())
}
