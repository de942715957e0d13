//! A Parquet file of which a row group's columns are encoded at once, a thread for each.

use std::io::Write;
use std::thread;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

/// Rows of a row group, as [`ArrowWriter`] has them.
const ROWS: usize = 1 << 20;

/// Writes batches of flat columns.
///
/// Memory: a row group, encoded.
pub(super) struct RowGroups<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    /// Those of the row group under way.
    columns: Vec<ArrowColumnWriter>,
    /// Its rows so far.
    rows: usize,
    /// Row groups that are written.
    written: usize,
}

impl<W: Write + Send> RowGroups<W> {
    pub(super) fn new(out: W, schema: SchemaRef, properties: WriterProperties) -> Result<Self, ParquetError> {
        // Which writes the Arrow schema into the file too.
        let writer = ArrowWriter::try_new(out, schema.clone(), Some(properties))?;
        let (file, factory) = writer.into_serialized_writer()?;
        Ok(Self { file, factory, schema, columns: Vec::new(), rows: 0, written: 0 })
    }

    /// Adds a batch of the schema.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        let mut from = 0;
        while from < batch.num_rows() {
            let part = batch.slice(from, (batch.num_rows() - from).min(ROWS - self.rows));
            from += part.num_rows();
            if self.columns.is_empty() {
                self.columns = self.factory.create_column_writers(self.written)?;
            }
            let columns = self.columns.iter_mut().zip(self.schema.fields()).zip(part.columns());
            at_once::<_, ()>(columns.map(|((column, field), array)| {
                move || compute_leaves(field, array)?.iter().try_for_each(|leaf| column.write(leaf))
            }))?;
            self.rows += part.num_rows();
            if self.rows == ROWS {
                self.end_group()?;
            }
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        let columns = std::mem::take(&mut self.columns);
        let chunks: Vec<ArrowColumnChunk> = at_once(columns.into_iter().map(|column| move || column.close()))?;
        let mut group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut group)?;
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

/// Does all of it, each on a thread of its own; what they give, in their order.
fn at_once<T: Send, C: FromIterator<T>>(
    each: impl Iterator<Item = impl FnOnce() -> Result<T, ParquetError> + Send>,
) -> Result<C, ParquetError> {
    thread::scope(|scope| {
        let threads: Vec<_> = each.map(|work| scope.spawn(work)).collect();
        let failed = || ParquetError::General("the encoder of a column failed".to_owned());
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(failed()))).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int32Array, Int64Array};
    use arrow::compute::concat_batches;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::metadata::RowGroupMetaData;

    use super::*;

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
        let mut file = tempfile::tempfile().unwrap();
        let mut out = RowGroups::new(&mut file, batches[0].schema(), WriterProperties::default()).unwrap();
        batches.iter().for_each(|batch| out.write(batch).unwrap());
        out.close().unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let sizes: Vec<i64> = reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
        assert_eq!(sizes, [1 << 20, 1 << 20, 2_300_001 - (2 << 20)]);
        let read: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        let schema = batches[0].schema();
        assert_eq!(concat_batches(&schema, &read).unwrap(), concat_batches(&schema, &batches).unwrap());
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
