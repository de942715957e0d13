//! Which columns of a file are read, whatever its format.

use std::collections::HashSet;
use std::path::Path;

use super::error::{DataError, nearest_column};
use super::glob::{fits, is_pattern};
use super::reading::Reading;
use focalsweep_core::spec::ColumnKind;

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

/// Whether a column is read, by its place and its name.
type IsWanted<'a> = Box<dyn Fn(usize, &String) -> bool + 'a>;

/// The columns of a file that are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// Place in the file and name.
    pub(super) columns: Vec<(usize, String)>,
    /// What is left out unasked.
    pub(super) notes: Vec<String>,
}

/// Whether `data.drop` takes a column away, by its name or by a pattern.
pub(super) fn is_dropped(drop: &[String], name: &str) -> bool {
    drop.iter().any(|dropped| fits(dropped, name))
}

/// The columns to read of a file with the columns `names`. Those of `indices` (a place and what it looks like) number
/// the rows, so they are left out unless something is said of them.
pub(super) fn wanted(
    path: &Path,
    names: &[String],
    indices: &[(usize, &'static str)],
    pick: Pick<'_>,
    reading: &Reading,
) -> Result<Wanted, DataError> {
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(DataError::DuplicateColumn { path: path.to_path_buf(), column: twice.clone() });
    }
    let all = || names.iter().map(String::as_str);
    let is_unknown = |name: &&String| !seen.contains(name.as_str());
    let mut notes = Vec::new();
    let is_wanted: IsWanted<'_> = match pick {
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
            if let Some(column) = reading.types.keys().find(is_unknown) {
                return Err(DataError::unknown_column(reading.key_of(column), column, all()));
            }
            let is_ignored = |name: &String| reading.kind(name) == Some(ColumnKind::Ignore);
            let is_index = |at: usize, name: &String| {
                indices.iter().any(|(index, _)| *index == at) && !reading.named.contains(name)
            };
            for (at, what) in indices {
                let name = &names[*at];
                if is_index(*at, name) && !is_dropped(drop, name) && !is_ignored(name) {
                    notes.push(format!(
                        "left out: column {} (`{name}`) {what}; `data.types: {{{name:?}: number}}` takes it",
                        at + 1,
                    ));
                }
            }
            let ignored: Vec<&str> = all().filter(|name| is_ignored(&(*name).to_owned())).collect();
            if !ignored.is_empty() {
                notes.push(format!("ignored as asked: {}", ignored.join(", ")));
            }
            Box::new(move |at, name| {
                keep.contains(&name.as_str()) || !(is_dropped(drop, name) || is_ignored(name) || is_index(at, name))
            })
        }
        Pick::Only(only) => {
            if let Some(column) = only.iter().find(is_unknown) {
                return Err(DataError::MissingColumn { column: column.clone(), help: nearest_column(column, all()) });
            }
            Box::new(|_, name| only.contains(name))
        }
    };
    let columns = names.iter().enumerate().filter(|(at, name)| is_wanted(*at, name));
    Ok(Wanted { columns: columns.map(|(at, name)| (at, name.clone())).collect(), notes })
}
