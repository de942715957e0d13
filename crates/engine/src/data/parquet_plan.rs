//! Parquet files before they are read: what they hold, and how each column is decoded.

use std::fs;
use std::path::Path;

use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::error::DataError;
use super::fault::{ColumnFault, Matter};
use super::parts::Parts;
use super::place::Place;
use super::reading::Reading;
use focalsweep_core::guard::guarded;
use focalsweep_core::spec::ColumnKind;

/// Of a file that its reader cannot make sense of.
pub(super) fn contradicts(path: &Path) -> DataError {
    DataError::broken("Parquet", path, "its pages contradict what it says of them")
}

/// How the cells of a column are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Bool,
    Text,
    Time,
}

impl Kind {
    /// Of a type as the file has it, for a column that is said to be `said`. `Err(None)`: of no kind that is known;
    /// `Err(Some(kind))`: it is not what is said.
    fn of(data_type: &DataType, said: Option<ColumnKind>) -> Result<Self, Option<ColumnKind>> {
        let plain = Self::plain(data_type).ok_or(None)?;
        let is_dictionary = matches!(data_type, DataType::Dictionary(..));
        match said {
            None if is_dictionary && plain != Self::Time => Ok(Self::Text),
            None => Ok(plain),
            // Whole numbers as they stand, so that none is rounded.
            Some(ColumnKind::Category) if is_dictionary || data_type.is_integer() => Ok(Self::Text),
            Some(ColumnKind::Category | ColumnKind::Ignore) => Ok(plain),
            Some(ColumnKind::Number) => match plain {
                Self::Time => Err(said),
                Self::Bool => Ok(Self::Number),
                plain => Ok(plain),
            },
            Some(ColumnKind::Boolean) => match plain {
                Self::Time => Err(said),
                Self::Number => Ok(Self::Text),
                plain => Ok(plain),
            },
            Some(ColumnKind::Datetime) => match plain {
                Self::Number if data_type.is_integer() => Ok(Self::Text),
                Self::Number | Self::Bool => Err(said),
                plain => Ok(plain),
            },
        }
    }

    fn plain(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Null => Some(Self::Number),
            DataType::Boolean => Some(Self::Bool),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Self::Text),
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Some(Self::Time),
            DataType::Dictionary(_, values) => Self::plain(values),
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
                Some(Self::Number)
            }
            other => (other.is_integer() || other.is_floating()).then_some(Self::Number),
        }
    }

    /// Bytes in a [`Table`](super::table::Table); of text without what the levels are called.
    pub(super) fn bytes_per_row(self) -> u64 {
        match self {
            Self::Number | Self::Time => 8,
            Self::Bool => 1,
            Self::Text => 4,
        }
    }
}

/// How a column is read.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// What is said of it, or what its type says as clearly.
    pub(super) said: Option<ColumnKind>,
    /// Its type where that is a dictionary of something else than text.
    pub(super) dictionary: Option<String>,
    /// Whether its type is text.
    pub(super) is_text: bool,
    /// Which of the folders' keys it is; `None`: it is in the files.
    pub(super) key: Option<usize>,
    /// Whether whole numbers may be too long for a double.
    pub(super) is_long: bool,
}

impl Plan {
    /// How column `name` is read of all files; a fault where it is not what the sweep file says.
    pub(super) fn of(
        name: String,
        files: &[File<'_>],
        parts: &Parts,
        reading: &Reading,
    ) -> Result<Result<Self, ColumnFault>, DataError> {
        let said = reading.kind(&name);
        let mut plan =
            Self { kind: Kind::Text, said, dictionary: None, is_text: false, key: None, is_long: false, name };
        if files[0].data_type(&plan.name).is_none() {
            plan.key = parts.keys.iter().position(|key| *key == plan.name);
            return Ok(Ok(plan));
        }
        let mut first: Option<Kind> = None;
        for file in files {
            let Some(data_type) = file.data_type(&plan.name) else { continue };
            let kind = match Kind::of(data_type, said) {
                Ok(kind) => kind,
                Err(None) => {
                    let is_label = reading.is_label(&plan.name);
                    return Err(DataError::ColumnType { column: plan.name, kind: data_type.to_string(), is_label });
                }
                Err(Some(kind)) => {
                    let place = Box::new(Place { file: None, row: 0, line: None });
                    let what = Matter::Type { found: data_type.to_string(), kind };
                    let purpose = reading.purpose(&plan.name);
                    return Ok(Err(ColumnFault { column: plan.name, what, place, purpose }));
                }
            };
            // A part without values says nothing of their kind.
            if *data_type == DataType::Null {
                continue;
            }
            if first.is_some_and(|first| first != kind) {
                let what = format!("column `{}` is of type {data_type}, unlike in the parts before it", plan.name);
                return Err(DataError::PartColumns { path: file.path.to_path_buf(), what });
            }
            first = Some(kind);
            plan.is_long |= matches!(data_type, DataType::Int64 | DataType::UInt64) && said.is_none();
            match data_type {
                DataType::Dictionary(_, values) if kind == Kind::Text && said.is_none() => {
                    plan.said = Some(ColumnKind::Category);
                    let is_text = Kind::plain(values) == Some(Kind::Text);
                    plan.dictionary = (!is_text).then(|| values.to_string());
                    plan.is_text = true;
                }
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => plan.is_text = true,
                _ => {}
            }
        }
        plan.kind = first.unwrap_or(Kind::Number);
        Ok(Ok(plan))
    }
}

/// A file before its columns are read.
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) metadata: ArrowReaderMetadata,
    pub(super) rows: usize,
}

impl<'a> File<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self, DataError> {
        let file = fs::File::open(path).map_err(|e| DataError::file("read", path, e))?;
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::default()))
            .ok_or_else(|| contradicts(path))?
            .map_err(|e| DataError::broken("Parquet", path, e))?;
        let rows = usize::try_from(metadata.metadata().file_metadata().num_rows()).unwrap_or(0);
        let mut groups = metadata.metadata().row_groups().iter();
        let in_groups = groups.try_fold(0usize, |sum, group| sum.checked_add(usize::try_from(group.num_rows()).ok()?));
        if in_groups != Some(rows) {
            return Err(DataError::broken("Parquet", path, format!("it says {rows} rows, but its groups have others")));
        }
        Ok(Self { path, metadata, rows })
    }

    fn data_type(&self, column: &str) -> Option<&DataType> {
        self.metadata.schema().column_with_name(column).map(|(_, field)| field.data_type())
    }
}
