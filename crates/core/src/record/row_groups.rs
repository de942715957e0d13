//! A Parquet file whose columns are encoded at once, each by a thread of its own that lives as long as the file is
//! written: none waits for another before its row group ends. A column for which no thread can be had is encoded by
//! whoever writes.

use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

/// Rows of a row group, as [`ArrowWriter`] has them.
const ROWS: usize = 1 << 20;
/// Batches that a column may be behind.
const BEHIND: usize = 2;

/// Writes batches of flat columns.
///
/// Memory: a row group, encoded, and a few batches.
pub(super) struct RowGroups<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    columns: Vec<Column>,
    /// Rows of the row group under way.
    rows: usize,
    /// Row groups that are written.
    written: usize,
}

impl<W: Write + Send> RowGroups<W> {
    pub(super) fn new(out: W, schema: SchemaRef, properties: WriterProperties) -> Result<Self, ParquetError> {
        // Which writes the Arrow schema into the file too.
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))?;
        let (file, factory) = writer.into_serialized_writer()?;
        let columns = schema.fields().iter().map(Column::new).collect();
        Ok(Self { file, factory, columns, rows: 0, written: 0 })
    }

    /// Adds a batch of the schema.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let part = batch.slice(from, (batch.num_rows() - from).min(ROWS - self.rows));
            from += part.num_rows();
            if self.rows == 0 {
                let writers = self.factory.create_column_writers(self.written)?;
                for (column, writer) in self.columns.iter_mut().zip(writers) {
                    column.tell(Work::Begin(Box::new(writer)))?;
                }
            }
            for (column, array) in self.columns.iter_mut().zip(part.columns()) {
                column.tell(Work::Rows(array.clone()))?;
            }
            self.rows += part.num_rows();
            if self.rows == ROWS {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        self.columns.iter_mut().try_for_each(|column| column.tell(Work::End))?;
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            column.ended()?.append_to_row_group(&mut group)?;
        }
        group.close()?;
        (self.rows, self.written) = (0, self.written + 1);
        Ok(())
    }

    /// Writes what is under way and the end of the file.
    pub(super) fn close(mut self) -> Result<(), ParquetError> {
        if self.rows > 0 {
            self.end_group()?;
        }
        self.file.close().map(drop)
    }
}

/// What encodes a column is told.
enum Work {
    /// A row group begins.
    Begin(Box<ArrowColumnWriter>),
    /// Some of its rows.
    Rows(ArrayRef),
    /// It ends, and is wanted.
    End,
}

type Chunk = Result<ArrowColumnChunk, ParquetError>;

/// A column's part of the row group under way, and of the one that has ended.
struct Encoder {
    field: FieldRef,
    group: Option<Result<Box<ArrowColumnWriter>, ParquetError>>,
    ended: Option<Chunk>,
}

impl Encoder {
    fn new(field: &FieldRef) -> Self {
        Self { field: FieldRef::clone(field), group: None, ended: None }
    }

    fn hear(&mut self, work: Work) {
        match work {
            Work::Begin(writer) => self.group = Some(Ok(writer)),
            Work::Rows(array) => {
                // After an error the rest of the group is not encoded.
                if let Some(Ok(writer)) = &mut self.group
                    && let Err(why) = encode(writer, &self.field, &array)
                {
                    self.group = Some(Err(why));
                }
            }
            Work::End => {
                self.ended = self.group.take().map(|group| group.and_then(|writer| writer.close()));
            }
        }
    }
}

/// A column, and who encodes it.
enum Column {
    /// A thread, which ends when this goes.
    There { work: SyncSender<Work>, ended: Receiver<Chunk> },
    /// Whoever writes.
    Here(Box<Encoder>),
}

impl Column {
    fn new(field: &FieldRef) -> Self {
        let (work, told) = sync_channel(BEHIND);
        let (give, ended) = sync_channel(1);
        let mut encoder = Encoder::new(field);
        let encode = move || {
            for work in told {
                encoder.hear(work);
                if let Some(chunk) = encoder.ended.take()
                    && give.send(chunk).is_err()
                {
                    return;
                }
            }
        };
        match thread::Builder::new().name("parquet-column".to_owned()).spawn(encode) {
            Ok(_) => Self::There { work, ended },
            Err(_) => Self::here(field),
        }
    }

    fn here(field: &FieldRef) -> Self {
        Self::Here(Box::new(Encoder::new(field)))
    }

    fn tell(&mut self, order: Work) -> Result<(), ParquetError> {
        match self {
            Self::There { work, .. } => work.send(order).map_err(|_| failed()),
            Self::Here(encoder) => {
                encoder.hear(order);
                Ok(())
            }
        }
    }

    /// The part of the row group that was told to end.
    fn ended(&mut self) -> Chunk {
        match self {
            Self::There { ended, .. } => ended.recv().map_err(|_| failed())?,
            Self::Here(encoder) => encoder.ended.take().unwrap_or_else(|| Err(failed())),
        }
    }
}

fn encode(writer: &mut ArrowColumnWriter, field: &FieldRef, array: &ArrayRef) -> Result<(), ParquetError> {
    compute_leaves(field, array)?.iter().try_for_each(|leaf| writer.write(leaf))
}

fn failed() -> ParquetError {
    ParquetError::General("the encoder of a column failed".to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, Int64Array};
    use arrow::compute::concat_batches;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::metadata::RowGroupMetaData;

    use super::*;

    /// By threads, and where there are none.
    #[test]
    fn what_is_written_is_read_back_in_groups_of_equal_size() {
        let of = |rows: std::ops::Range<i32>| {
            let columns: [(&str, ArrayRef); 2] = [
                ("a", Arc::new(Int32Array::from_iter_values(rows.clone()))),
                ("b", Arc::new(Int64Array::from_iter_values(rows.map(|row| i64::from(row) * 7)))),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let batches = [of(0..5), of(5..2_300_000), of(2_300_000..2_300_001)];
        let schema = batches[0].schema();
        let mut bytes = Vec::new();
        for threads in [true, false] {
            let mut file = tempfile::tempfile().unwrap();
            let mut out = RowGroups::new(&mut file, schema.clone(), WriterProperties::default()).unwrap();
            if !threads {
                out.columns = schema.fields().iter().map(Column::here).collect();
            }
            batches.iter().for_each(|batch| out.write(batch).unwrap());
            out.close().unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file.try_clone().unwrap()).unwrap();
            let sizes: Vec<i64> = reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
            assert_eq!(sizes, [1 << 20, 1 << 20, 2_300_001 - (2 << 20)]);
            let read: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
            assert_eq!(concat_batches(&schema, &read).unwrap(), concat_batches(&schema, &batches).unwrap());
            let mut all = Vec::new();
            file.rewind().unwrap();
            file.read_to_end(&mut all).unwrap();
            bytes.push(all);
        }
        assert!(bytes[0] == bytes[1]);
    }

    #[test]
    fn a_file_without_rows_has_its_columns() {
        let mut file = tempfile::tempfile().unwrap();
        let columns: [(&str, ArrayRef); 1] = [("a", Arc::new(Int32Array::from(Vec::<i32>::new())))];
        let schema = RecordBatch::try_from_iter(columns).unwrap().schema();
        RowGroups::new(&mut file, schema.clone(), WriterProperties::default()).unwrap().close().unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        assert_eq!((reader.schema().fields(), reader.metadata().num_row_groups()), (schema.fields(), 0));
    }
}
