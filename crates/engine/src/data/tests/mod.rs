//! Tests of the data path, by stage.

mod bounds;
mod dialect;
mod download;
mod label;
mod parts;
mod portable;
mod prepare;
mod read;
mod real;
mod served;
mod split;
mod split_check;
mod split_column;
mod split_folds;
mod split_group;
mod split_recorded;
mod split_time;
mod suspect;
mod synth;
mod time;
mod understand;
mod weight;

use std::fs::write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Column, DataError, Levels, Pick, Reading, Splits, Table, Values};
use focalsweep_core::spec::{BadValues, ColumnKind, CsvSpec, DataSpec, SplitBy, SplitSpec, TestRows};

/// A folder with one file; the file's path.
fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    write(&path, content).unwrap();
    (folder, path)
}

/// The table of a file whose `categorical` columns are categories.
fn read_table(path: &Path, pick: Pick<'_>, categorical: &[String]) -> Result<Table, DataError> {
    let mut reading = Reading::default();
    reading.types = categorical.iter().map(|name| (name.clone(), ColumnKind::Category)).collect();
    super::read_table(path, pick, &reading).map(|read| read.table)
}

fn read_csv(content: impl AsRef<[u8]>) -> Result<Table, DataError> {
    let (_folder, path) = file("t.csv", content);
    read_table(&path, Pick::AllBut(&[]), &[])
}

fn spec(path: &Path, label: &str) -> DataSpec {
    DataSpec {
        source: path.to_path_buf(),
        beside: None,
        url: None,
        sha256: None,
        synth: None,
        label: label.to_owned(),
        positive: None,
        weight: None,
        csv: CsvSpec::default(),
        types: [].into(),
        bad_values: BadValues::Error,
        datetime: [].into(),
        deduplicate: false,
        drop: Vec::new(),
        log: [].into(),
        categorical: Vec::new(),
        min_level_count: 20,
        standardize: true,
        clip: None,
    }
}

/// Rows drawn one by one, as by default.
fn splits(seed: u64) -> Splits<'static> {
    const SPEC: &SplitSpec = &SplitSpec {
        by: SplitBy::Random,
        test: 0.2,
        validation: 0.16,
        stratify: true,
        test_rows: TestRows::Fixed,
        calibration: None,
        folds: None,
    };
    Splits { spec: SPEC, seed, replicates: 1 }
}

fn strings<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

fn number(name: &str, values: impl Into<Vec<f64>>) -> Column {
    Column { name: name.to_owned(), values: Values::Number(values.into()) }
}

fn text(name: &str, cells: &[Option<&str>]) -> Column {
    let mut names: Vec<String> = Vec::new();
    let codes = cells
        .iter()
        .map(|cell| match cell {
            None => Levels::MISSING,
            Some(cell) => match names.iter().position(|name| name == cell) {
                Some(at) => at as u32,
                None => {
                    names.push((*cell).to_owned());
                    names.len() as u32 - 1
                }
            },
        })
        .collect();
    Column { name: name.to_owned(), values: Values::Text(Levels { names, codes }) }
}

/// The message and the help, as people get them.
fn said(error: &DataError) -> String {
    let help = miette::Diagnostic::help(error).map(|help| format!(" | {help}")).unwrap_or_default();
    format!("{error}{help}")
}
