//! Tables of several runs as one: each (trial, replicate) once.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::datatypes::Schema;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::earlier::{Key, conform, keys};
use super::error::RunDirError;
use super::names::{CURVES, HISTORY, RESULTS, SCORES};
use super::run_dir::RunDir;
use super::run_files::RunFiles;

impl RunDir {
    /// Makes the tables of `runs` together, for [`RunDir::commit`]: the rows of all, of a (trial, replicate) that
    /// several have those of the first. Columns are those of the first run; where another lacks one, its rows have
    /// nulls there. `is_taken`: which rows of a run are taken at all.
    ///
    /// # Errors
    /// A file is damaged, or cannot be read or written.
    pub fn stage_together(
        &self,
        runs: &[&RunFiles],
        is_taken: &dyn Fn(usize, &str, u32) -> bool,
    ) -> Result<(), RunDirError> {
        for name in [RESULTS, HISTORY, SCORES, CURVES] {
            self.stage_one(name, runs, is_taken)?;
        }
        Ok(())
    }

    fn stage_one(
        &self,
        name: &str,
        runs: &[&RunFiles],
        is_taken: &dyn Fn(usize, &str, u32) -> bool,
    ) -> Result<(), RunDirError> {
        let mut readers = Vec::new();
        for (number, files) in runs.iter().enumerate() {
            let Some(file) = files.open(name)? else { continue };
            let reader = reader(file).map_err(|e| RunDirError::io(&files.path(name), e))?;
            readers.push((number, reader));
        }
        let Some((_, (schema, _))) = readers.first() else { return Ok(()) };
        // What the file says of itself is of one run alone.
        let schema = Arc::new(Schema::new(schema.fields().clone()));
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
        let write = |out: &mut (dyn Write + Send)| -> Result<(), ParquetError> {
            let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties.build()))?;
            let mut seen: HashSet<Key> = HashSet::new();
            for (number, (_, batches)) in readers {
                let mut of_run = HashSet::new();
                for batch in batches.build()? {
                    let batch = batch?;
                    let mut stay = Vec::with_capacity(batch.num_rows());
                    for key in keys(&batch)? {
                        stay.push(!seen.contains(&key) && is_taken(number, &key.0, key.1));
                        of_run.insert(key);
                    }
                    let rows = filter_record_batch(&batch, &BooleanArray::from(stay))?;
                    writer.write(&conform(&rows, &schema)?)?;
                }
                seen.extend(of_run);
            }
            writer.close()?;
            Ok(())
        };
        self.stage_with(name, |out| Ok(write(out)?))
    }
}

/// The columns of a file, and what reads its rows.
fn reader(file: File) -> io::Result<(arrow::datatypes::SchemaRef, ParquetRecordBatchReaderBuilder<File>)> {
    let failed = |e: ParquetError| io::Error::new(io::ErrorKind::InvalidData, e);
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?.with_batch_size(1 << 16);
    Ok((builder.schema().clone(), builder))
}
