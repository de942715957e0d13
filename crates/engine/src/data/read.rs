//! Any data file to a [`Table`](super::table::Table).

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::done::Read;
use super::error::{DataError, nearest};
use super::format::Format;
use super::parts::{Parts, is_pattern};
use super::pick::Pick;
use super::read_csv;
use super::read_parquet;
use super::reading::Reading;
use super::table::{Column, Values};
use focalsweep_core::record::folder_of;

/// Reads a `.csv`, `.csv.gz` or `.parquet` file, or a folder or pattern of Parquet parts.
///
/// Columns are numbers, booleans, text or points in time (ISO 8601), as their cells are and as `reading` says. In CSV a
/// cell is trimmed of blanks; an empty one is missing, and so are the words that pandas knows.
///
/// # Errors
/// The file is not there, is no such file, has no rows, names a column twice or has an unreadable row; a picked column
/// is not there or is of no known type; a number is infinite; columns cannot be taken as anything without a word.
pub fn read_table(path: &Path, pick: Pick<'_>, reading: &Reading) -> Result<Read, DataError> {
    let read = match Parts::of(path)? {
        Some(parts) => read_parquet::read(path, &parts, pick, reading)?,
        None => {
            let format = Format::by_name(path)?;
            if !path.is_file() {
                return Err(not_found(path));
            }
            match format {
                Format::Csv | Format::CsvGz => read_csv::read(path, pick, reading)?,
                Format::Parquet => read_parquet::read(path, &Parts::single(path), pick, reading)?,
            }
        }
    };
    let rows = read.table.rows;
    if rows == 0 {
        return Err(DataError::Empty { path: path.to_path_buf() });
    }
    if u32::try_from(rows).is_err() {
        return Err(DataError::file("read", path, format!("{rows} rows are more than 4,294,967,295")));
    }
    match read.table.columns.par_iter().find_map_first(first_infinite) {
        Some((column, row)) => Err(DataError::Infinite { column, place: read.places.of(row) }),
        None => Ok(read),
    }
}

fn first_infinite(column: &Column) -> Option<(String, usize)> {
    let Values::Number(values) = &column.values else { return None };
    values.iter().position(|value| value.is_infinite()).map(|row| (column.name.clone(), row))
}

impl DataError {
    /// Where a missing source was looked for, when its sweep file lies in another folder, `beside`, too.
    pub(super) fn sought_beside(self, beside: Option<&Path>) -> Self {
        let (Self::NotFound { path, help }, Some(beside)) = (&self, beside) else { return self };
        let here = std::env::current_dir().unwrap_or_default();
        let near = [path.clone(), beside.join(path)].into_iter().find_map(|path| match not_found(&path) {
            Self::NotFound { help, .. } if help.starts_with("did you mean") => Some(help),
            _ => None,
        });
        let near = near.unwrap_or_else(|| help.clone());
        let looked =
            format!("looked beside the sweep file, in {}, and in {}; {near}", beside.display(), here.display());
        Self::NotFound { path: path.clone(), help: looked }
    }
}

fn not_found(path: &Path) -> DataError {
    if is_pattern(path) {
        return DataError::NoParts { path: path.to_path_buf() };
    }
    let folder = folder_of(path);
    let help = match std::fs::read_dir(folder) {
        Err(_) => {
            format!("there is no folder {} either; paths are relative to where the program runs", folder.display())
        }
        Ok(entries) => {
            let names: Vec<String> = entries
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| Format::by_name(Path::new(name)).is_ok())
                .collect();
            let wanted = path.file_name().unwrap_or_default().to_string_lossy();
            match nearest(&wanted, names.iter().map(String::as_str)) {
                Some(name) => format!("did you mean {}?", path.with_file_name(name).display()),
                None => "a relative path is looked for beside the sweep file and where the program runs; `data.url` \
                         would fetch it"
                    .to_owned(),
            }
        }
    };
    DataError::NotFound { path: PathBuf::from(path), help }
}
