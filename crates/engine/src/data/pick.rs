//! Which columns of a file are read, whatever its format.

use std::collections::HashSet;
use std::path::Path;

use super::error::{DataError, nearest_column};
use super::glob::{fits, is_pattern};

/// Which columns of a file are read.
#[derive(Debug, Clone, Copy)]
pub enum Pick<'a> {
    /// All except these: names, which must be there, and patterns, which must fit one that is.
    AllBut(&'a [String]),
    /// As `AllBut`, but for those of `keep`, which are read though a pattern fits them.
    Kept {
        /// Names and patterns.
        drop: &'a [String],
        /// Names.
        keep: &'a [&'a str],
    },
    /// These alone, which must be there.
    Only(&'a [String]),
}

/// A column that is to be read.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Place in the file.
    pub(super) index: usize,
    pub(super) name: String,
    /// Read as text whatever it holds.
    pub(super) categorical: bool,
}

/// Whether `data.drop` takes a column away, by its name or by a pattern.
pub(super) fn is_dropped(drop: &[String], name: &str) -> bool {
    drop.iter().any(|dropped| fits(dropped, name))
}

/// The columns to read of a file with the columns `names`.
pub(super) fn wanted(
    path: &Path,
    names: &[String],
    pick: Pick<'_>,
    categorical: &[String],
) -> Result<Vec<Wanted>, DataError> {
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(DataError::DuplicateColumn { path: path.to_path_buf(), column: twice.clone() });
    }
    let all = || names.iter().map(String::as_str);
    let is_unknown = |name: &&String| !seen.contains(name.as_str());
    let is_wanted: Box<dyn Fn(&String) -> bool> = match pick {
        Pick::AllBut(drop) | Pick::Kept { drop, .. } => {
            let keep = if let Pick::Kept { keep, .. } = pick { keep } else { &[] };
            let fits_none = |dropped: &&String| !all().any(|name| fits(dropped, name));
            match drop.iter().find(fits_none) {
                Some(pattern) if is_pattern(pattern) => {
                    let (pattern, help) = (pattern.clone(), nearest_column(pattern, all()));
                    return Err(DataError::PatternFitsNone { pattern, help });
                }
                Some(column) => return Err(DataError::unknown_column("data.drop", column, all())),
                None => {}
            }
            if let Some(column) = categorical.iter().find(is_unknown) {
                return Err(DataError::unknown_column("data.categorical", column, all()));
            }
            Box::new(move |name| keep.contains(&name.as_str()) || !is_dropped(drop, name))
        }
        Pick::Only(only) => {
            if let Some(column) = only.iter().find(is_unknown) {
                return Err(DataError::MissingColumn { column: column.clone(), help: nearest_column(column, all()) });
            }
            Box::new(|name| only.contains(name))
        }
    };
    Ok(names
        .iter()
        .enumerate()
        .filter(|(_, name)| is_wanted(name))
        .map(|(index, name)| Wanted { index, name: name.clone(), categorical: categorical.contains(name) })
        .collect())
}
