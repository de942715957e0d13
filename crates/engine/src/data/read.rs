//! Any data file to a [`Table`].

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::{DataError, Place, nearest, nearest_column};
use super::read_csv;
use super::read_parquet;
use super::table::{Column, Table, Values};

/// Which columns of a file are read.
#[derive(Debug, Clone, Copy)]
pub enum Pick<'a> {
    /// All except these, which must be there.
    AllBut(&'a [String]),
    /// These alone, which must be there.
    Only(&'a [String]),
}

/// How a file is stored, as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Csv,
    CsvGz,
    Parquet,
}

impl Format {
    pub(super) fn of(path: &Path) -> Result<Self, DataError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if name.ends_with(".csv") {
            Ok(Self::Csv)
        } else if name.ends_with(".csv.gz") {
            Ok(Self::CsvGz)
        } else if name.ends_with(".parquet") {
            Ok(Self::Parquet)
        } else {
            Err(DataError::UnknownFormat { path: path.to_path_buf() })
        }
    }
}

/// Reads a `.csv`, `.csv.gz` or `.parquet` file.
///
/// Columns are numbers, booleans or text. In CSV a cell is trimmed of spaces, and empty, `NA`, `N/A`, `NaN`, `null`,
/// `None` and `?` are missing. Columns named in `categorical` are text whatever they hold.
///
/// # Errors
/// The file is not there, is no such file, has no rows, names a column twice or has an unreadable row; a picked column is
/// not there or is neither numbers, booleans nor text; a number is infinite; a column is numbers but for a few cells.
pub fn read_table(path: &Path, pick: Pick<'_>, categorical: &[String]) -> Result<Table, DataError> {
    let format = Format::of(path)?;
    if path.is_dir() {
        return Err(DataError::Folder { path: path.to_path_buf() });
    }
    if !path.is_file() {
        return Err(not_found(path));
    }
    let table = match format {
        Format::Csv | Format::CsvGz => read_csv::read(path, pick, categorical)?,
        Format::Parquet => read_parquet::read(path, pick, categorical)?,
    };
    if table.rows == 0 {
        return Err(DataError::Empty { path: path.to_path_buf() });
    }
    if u32::try_from(table.rows).is_err() {
        return Err(DataError::file("read", path, format!("{} rows are more than 4,294,967,295", table.rows)));
    }
    match table.columns.par_iter().find_map_first(first_infinite) {
        Some((column, row)) => Err(DataError::Infinite { column, place: place(path, row) }),
        None => Ok(table),
    }
}

fn first_infinite(column: &Column) -> Option<(String, usize)> {
    let Values::Number(values) = &column.values else { return None };
    values.iter().position(|value| value.is_infinite()).map(|row| (column.name.clone(), row))
}

/// The 0-based `row` of `path` as people find it.
pub(super) fn place(path: &Path, row: usize) -> Place {
    let row = row as u64 + 1;
    let line = match Format::of(path) {
        Ok(Format::Csv | Format::CsvGz) => read_csv::line_of_record(path, row + 1),
        _ => None,
    };
    Place { row, line }
}

fn not_found(path: &Path) -> DataError {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let help = match std::fs::read_dir(folder) {
        Err(_) => {
            format!("there is no folder {} either; paths are relative to where the program runs", folder.display())
        }
        Ok(entries) => {
            let names: Vec<String> = entries
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| Format::of(Path::new(name)).is_ok())
                .collect();
            let wanted = path.file_name().unwrap_or_default().to_string_lossy();
            match nearest(&wanted, names.iter().map(String::as_str)) {
                Some(name) => format!("did you mean {}?", path.with_file_name(name).display()),
                None => "paths are relative to where the program runs; `data.url` would fetch the file".to_owned(),
            }
        }
    };
    DataError::NotFound { path: PathBuf::from(path), help }
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
        Pick::AllBut(drop) => {
            if let Some(column) = drop.iter().find(is_unknown) {
                return Err(DataError::unknown_column("data.drop", column, all()));
            }
            if let Some(column) = categorical.iter().find(is_unknown) {
                return Err(DataError::unknown_column("data.categorical", column, all()));
            }
            Box::new(|name| !drop.contains(name))
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
