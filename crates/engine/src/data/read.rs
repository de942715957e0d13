//! Any data file to a [`Table`].

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::{DataError, nearest};
use super::format::Format;
use super::pick::Pick;
use super::read_csv;
use super::read_parquet;
use super::row_place::row_place;
use super::table::{Column, Table, Values};
use focalsweep_core::record::folder_of;

/// Reads a `.csv`, `.csv.gz` or `.parquet` file.
///
/// Columns are numbers, booleans, text or points in time (ISO 8601). In CSV a cell is trimmed of spaces, and empty, `NA`, `N/A`, `NaN`, `null`,
/// `None` and `?` are missing. Columns named in `categorical` are text whatever they hold.
///
/// # Errors
/// The file is not there, is no such file, has no rows, names a column twice or has an unreadable row; a picked column
/// is not there or is neither numbers, booleans nor text; a number is infinite; a column is numbers but for a few
/// cells.
pub fn read_table(path: &Path, pick: Pick<'_>, categorical: &[String]) -> Result<Table, DataError> {
    let format = Format::by_name(path)?;
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
        Some((column, row)) => Err(DataError::Infinite { column, place: row_place(path, row) }),
        None => Ok(table),
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
