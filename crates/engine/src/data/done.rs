//! A file that was read, and what there is of it until then.

use super::error::DataError;
use super::fault::ColumnFault;
use super::reading::Reading;
use super::remark::{Remark, said};
use super::row_place::Places;
use super::table::{Column, Table};
use super::understand::Understood;

/// A file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Its columns.
    pub table: Table,
    /// How it was understood, a line each.
    pub notes: Vec<String>,
    /// What of that is to be doubted.
    pub warnings: Vec<String>,
    /// Where its rows stand.
    pub(super) places: Places,
}

/// Columns as they are done.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) columns: Vec<Column>,
    pub(super) remarks: Vec<(String, Remark)>,
    /// Each with its 0-based row.
    pub(super) faults: Vec<ColumnFault>,
}

impl Done {
    pub(super) fn with(faults: Vec<ColumnFault>) -> Self {
        Self { faults, ..Self::default() }
    }

    pub(super) fn push(&mut self, name: &str, understood: Understood) {
        self.remarks.extend(understood.remarks.into_iter().map(|remark| (name.to_owned(), remark)));
        self.columns.push(Column { name: name.to_owned(), values: understood.values });
    }

    /// All of them as a file that was read.
    ///
    /// # Errors
    /// Some are not as they should be: all of them at once.
    pub(super) fn read(
        mut self,
        rows: usize,
        places: Places,
        mut notes: Vec<String>,
        reading: &Reading,
    ) -> Result<Read, DataError> {
        if !self.faults.is_empty() {
            for fault in &mut self.faults {
                *fault.place = places.of(usize::try_from(fault.place.row).unwrap_or(0));
            }
            return Err(DataError::Columns { faults: self.faults, of_model: reading.is_of_model() });
        }
        let (of_columns, warnings) = said(&self.remarks);
        notes.extend(of_columns);
        Ok(Read { table: Table { columns: self.columns, rows }, notes, warnings, places })
    }
}
