//! Another operating point for what was trained already: figures there, and the thresholds that models flag from.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::earlier::keys;
use super::error::RunDirError;
use super::manifest::Manifest;
use super::models::{ModelsFile, is_models, model_key, write_header};
use super::names::RESULTS;
use super::run_dir::RunDir;

/// What a row of results.parquet is to have in a column; `None` where it keeps what it has.
pub(super) type NewValue<'a> = &'a dyn Fn(&str, u32, &str) -> Option<Option<f64>>;

impl RunDir {
    /// Makes results.parquet and the files of models again, for [`RunDir::commit`], with the figures and thresholds
    /// that `value` gives for a trial, a replicate and a column. `metadata` takes the place of the pairs of the same
    /// keys in the file.
    ///
    /// Memory: all rows of results.parquet, and a model.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn stage_point(
        &self,
        manifest: &Manifest,
        metadata: &[(String, String)],
        value: NewValue<'_>,
    ) -> Result<(), RunDirError> {
        self.stage_results(metadata, value)?;
        for name in manifest.files.keys().filter(|name| is_models(name)) {
            self.stage_thresholds(name, value)?;
        }
        Ok(())
    }

    fn stage_results(&self, metadata: &[(String, String)], value: NewValue<'_>) -> Result<(), RunDirError> {
        let path = self.path(RESULTS);
        let make = || -> Result<RecordBatch, ParquetError> {
            let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(&path)?)?;
            let schema = builder.schema().clone();
            let batches = builder.build()?.collect::<Result<Vec<_>, ArrowError>>()?;
            Ok(replaced(&concat_batches(&schema, &batches)?, value)?)
        };
        let batch = make().map_err(|e| RunDirError::io(&path, io::Error::other(e)))?;
        let mut pairs = batch.schema().metadata().clone();
        pairs.extend(metadata.iter().cloned());
        let schema = Arc::new(batch.schema().as_ref().clone().with_metadata(pairs));
        let pairs = metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(pairs))
            .build();
        let write = |out: &mut (dyn Write + Send)| -> Result<(), ParquetError> {
            let mut writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties))?;
            writer.write(&RecordBatch::try_new(Arc::clone(&schema), batch.columns().to_vec())?)?;
            writer.close()?;
            Ok(())
        };
        self.stage_with(RESULTS, |out| Ok(write(out)?))
    }

    fn stage_thresholds(&self, name: &str, value: NewValue<'_>) -> Result<(), RunDirError> {
        let path = self.path(name);
        let failed = |e| RunDirError::io(&path, e);
        let mut file = File::open(&path).and_then(ModelsFile::new).map_err(failed)?;
        let mut models: Vec<_> = file.models.clone().into_iter().collect();
        for (key, model) in &mut models {
            let Some((trial, replicate)) = key.rsplit_once("-r") else { continue };
            let Ok(replicate) = replicate.parse() else { continue };
            debug_assert_eq!(model_key(trial, replicate), *key);
            let new = |column| value(trial, replicate, column);
            if let (Some(threshold), Some(threshold_raw)) = (new("threshold"), new("threshold_raw")) {
                (model.info.threshold, model.info.threshold_raw) = (threshold, threshold_raw);
            }
        }
        let header: Vec<_> =
            models.iter().map(|(key, model)| (key.clone(), model.info.clone(), model.tensors.clone())).collect();
        self.stage_with(name, |out| {
            write_header(out, &file.shared, &header)?;
            for (_, model) in &models {
                out.write_all(&file.parameters(model)?)?;
            }
            Ok(())
        })
    }
}

/// The rows with new values.
fn replaced(batch: &RecordBatch, value: NewValue<'_>) -> Result<RecordBatch, ArrowError> {
    let keys = keys(batch)?;
    let schema = batch.schema();
    let mut columns = batch.columns().to_vec();
    for (field, column) in schema.fields().iter().zip(&mut columns) {
        let new: Vec<_> = keys.iter().map(|(trial, replicate)| value(trial, *replicate, field.name())).collect();
        if new.iter().any(Option::is_some) {
            let old = cast(column, &DataType::Float64)?;
            let old = old.as_primitive::<Float64Type>();
            let values: Float64Array = new.into_iter().zip(old).map(|(new, old)| new.unwrap_or(old)).collect();
            let values: ArrayRef = Arc::new(values);
            *column = cast(&values, field.data_type())?;
        }
    }
    RecordBatch::try_new(schema, columns)
}
