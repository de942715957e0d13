//! A column says which rows train, choose and test.

use super::super::error::{DataError, nearest};
use super::super::label::is_same;
use super::super::table::Levels;
use super::{Dealt, Parts};
use focalsweep_core::spec::{Scalar, SplitSpec};

/// Values of the column that are told by name.
const MOST_TOLD: usize = 10;

/// Deals rows by their values of `column`: those of training, validation and test. Rows with other values, or none, are
/// left out.
///
/// # Errors
/// A value is on no row.
pub(super) fn split(column: &str, levels: &Levels, values: [&Vec<Scalar>; 3]) -> Result<Dealt, DataError> {
    const KEYS: [&str; 3] = ["split.train", "split.validation", "split.test"];
    let mut part_of: Vec<Option<usize>> = vec![None; levels.names.len()];
    for (part, (key, values)) in KEYS.into_iter().zip(values).enumerate() {
        for value in values {
            let mut found = false;
            for (level, of) in
                levels.names.iter().zip(&mut part_of).filter(|(level, _)| is_same(&value.to_string(), level))
            {
                if let Some(other) = of.filter(|other| *other != part) {
                    let (column, value) = (column.to_owned(), level.clone());
                    return Err(DataError::ValueInTwoParts { column, value, keys: [KEYS[other], key] });
                }
                *of = Some(part);
                found = true;
            }
            if !found {
                let value = value.to_string();
                let help = match nearest(&value, levels.names.iter().map(String::as_str)) {
                    Some(near) => format!("did you mean `{near}`? the column has {}", told(&levels.names)),
                    None => format!("the column has {}", told(&levels.names)),
                };
                return Err(DataError::NoSuchPart { key, column: column.to_owned(), value, help });
            }
        }
    }
    let mut parts = Parts::default();
    let mut left_out = vec![0_u64; levels.names.len()];
    let mut missing = 0_u64;
    for (row, &code) in (0_u32..).zip(&levels.codes) {
        match part_of.get(code as usize) {
            Some(Some(0)) => parts.train.push(row),
            Some(Some(1)) => parts.validation.push(row),
            Some(Some(_)) => parts.test.push(row),
            Some(None) => left_out[code as usize] += 1,
            None => missing += 1,
        }
    }
    let mut notes = Vec::new();
    let others: Vec<(&String, u64)> = levels.names.iter().zip(left_out).filter(|(_, rows)| *rows > 0).collect();
    if !others.is_empty() {
        let named: Vec<String> =
            others.iter().take(MOST_TOLD).map(|(level, rows)| format!("{level} ({rows})")).collect();
        let more = others.len() - named.len();
        let more = if more > 0 { format!(", and {more} more values") } else { String::new() };
        notes.push(format!("left out, rows that are of no part by `{column}`: {}{more}", named.join(", ")));
    }
    if missing > 0 {
        notes.push(format!("left out, rows without a value of `{column}`: {missing}"));
    }
    Ok(Dealt { parts, notes })
}

/// What replicates have in common; `draws`: whether each draws validation rows of its own.
pub(super) fn told_of_replicates(column: &str, spec: &SplitSpec, draws: bool) -> String {
    if draws {
        format!(
            "split by column `{column}`: all replicates have these test rows, and draw a share of {} of the training \
             rows for validation",
            spec.validation
        )
    } else {
        format!("split by column `{column}`: all replicates have these rows, and differ by their seed")
    }
}

fn told(names: &[String]) -> String {
    let named = names.iter().take(MOST_TOLD).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > MOST_TOLD { format!("{named}, ...") } else { named }
}
