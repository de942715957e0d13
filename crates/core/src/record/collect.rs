//! From journals to the files that people read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::columns::{self, Scores};
use super::earlier::{Earlier, RESULTS, SCORES};
use super::error::RunDirError;
use super::journal::{Entry, JobBytes, Journals, Kept};
use super::models::{MODELS, ModelInfo, ModelsFile, Shared, StoredModel, model_key, models_name, write_header};
use super::rows::{ResultRow, State};
use super::run_dir::RunDir;
use crate::plan::{Hyperparameters, Plan, Shape, Trials};
use crate::prepared::Replicate;

/// Scores that are handed to the Parquet writer together.
const SCORES_AT_ONCE: usize = 1 << 17;

/// What a run came to: its journals, read, beside the rows that were collected before, each (trial, replicate) once.
#[derive(Debug)]
pub struct Collection<'a> {
    dir: &'a RunDir,
    /// In the order of trials and replicates.
    entries: Vec<Kept>,
    /// What was collected before and no journal has.
    earlier: Earlier,
    metadata: Vec<KeyValue>,
}

impl<'a> Collection<'a> {
    /// Reads the journals of `plan`'s jobs and what earlier collections left. `metadata` goes into each Parquet file.
    ///
    /// Memory: the rows and epochs of all trials.
    ///
    /// # Errors
    /// A journal or results.parquet cannot be read.
    pub fn read(
        dir: &'a RunDir,
        plan: &Plan,
        trials: &Trials,
        metadata: &[(String, String)],
    ) -> Result<Self, RunDirError> {
        let metadata = metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let places: HashMap<String, usize> =
            (0..trials.len()).map(|index| (trials.get(index).trial_id(), index)).collect();
        let mut entries = entries(dir, plan, &places)?;
        let mut earlier = Earlier::read(dir, places)?;
        entries.retain(|kept| earlier.gives_way_to(&kept.entry.row));
        Ok(Self { dir, entries, earlier, metadata })
    }

    /// Rows in all.
    pub fn rows(&self) -> usize {
        self.entries.len() + self.earlier.rows()
    }

    /// Rows that failed.
    pub fn failed(&self) -> usize {
        self.entries.iter().filter(|kept| kept.entry.row.state == State::Failed).count() + self.earlier.failed()
    }

    /// Writes results.parquet, history.parquet and curves.parquet.
    ///
    /// # Errors
    /// A file cannot be written, or one that stands there cannot be read; what stood there before still does. So for
    /// the others.
    pub fn write_rows(&self) -> Result<(), RunDirError> {
        let rows: Vec<&ResultRow> = self.entries.iter().map(|kept| &kept.entry.row).collect();
        let entries: Vec<&Entry> = self.entries.iter().map(|kept| &kept.entry).collect();
        self.write_batch("history.parquet", columns::history(&entries))?;
        self.write_batch("curves.parquet", columns::curves(&entries))?;
        // The last, since it says which rows the others have.
        self.write_batch(RESULTS, columns::results(&rows))
    }

    /// Writes models/: a file of models for each job, the preprocessing of each replicate beside.
    ///
    /// # Errors
    /// A file cannot be written, or one that stands there cannot be read.
    pub fn write_models(&self, replicates: &[Arc<Replicate>]) -> Result<(), RunDirError> {
        for replicate in replicates {
            self.dir.write_json(&format!("{MODELS}/{}", preprocessing(replicate.index)), &replicate.preprocessing)?;
        }
        let mut jobs: BTreeMap<String, Vec<&Kept>> = BTreeMap::new();
        for kept in self.entries.iter().filter(|kept| kept.entry.bytes.is_some()) {
            jobs.entry(models_name(&kept.entry.row.job_id)).or_default().push(kept);
        }
        let mut bytes = JobBytes::new(self.dir.jobs());
        for (name, kept) in jobs {
            let features = kept.first().and_then(|kept| replicates.get(kept.entry.row.replicate as usize));
            let Some(replicate) = features else { continue };
            self.write_models_of(&name, &kept, replicate, &mut bytes)?;
        }
        Ok(())
    }

    /// Writes a job's file of models: those that journals have, and those that are in the file already.
    fn write_models_of(
        &self,
        name: &str,
        kept: &[&Kept],
        replicate: &Replicate,
        bytes: &mut JobBytes,
    ) -> Result<(), RunDirError> {
        let path = self.dir.path(name);
        let failed = |e| RunDirError::io(&path, e);
        let shared = Shared { features: replicate.features.clone(), preprocessing: preprocessing(replicate.index) };
        let mut header = Vec::new();
        for kept in kept {
            let row = &kept.entry.row;
            let sum = kept.entry.bytes.as_ref().map(|spans| spans.model_sum().to_owned()).unwrap_or_default();
            let hyperparameters = serde_json::to_value(&row.hyperparameters).map_err(|e| failed(e.into()))?;
            let info = ModelInfo { hyperparameters, threshold: row.threshold, threshold_raw: row.threshold_raw, sum };
            let Hyperparameters { hidden, activation, .. } = &row.hyperparameters;
            let shape = Shape { inputs: shared.features.len(), hidden: hidden.clone(), activation: *activation };
            header.push((model_key(&row.trial_id, row.replicate), info, shape.tensors()));
        }
        let mut file = match ModelsFile::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened.map_err(failed)?),
        };
        let taken: HashSet<String> = header.iter().map(|(key, ..)| key.clone()).collect();
        let stored = file.iter().flat_map(|file| &file.models).filter(|(key, _)| !taken.contains(*key));
        let stored: Vec<(String, StoredModel)> = stored.map(|(key, model)| (key.clone(), model.clone())).collect();
        header.extend(stored.iter().map(|(key, model)| (key.clone(), model.info.clone(), model.tensors.clone())));
        self.dir.write_with(name, |out| {
            write_header(out, &shared, &header)?;
            for kept in kept {
                if let Some(spans) = &kept.entry.bytes {
                    out.write_all(&bytes.model(&kept.stem, spans)?)?;
                }
            }
            for (_, model) in &stored {
                if let Some(file) = &mut file {
                    out.write_all(&file.parameters(model)?)?;
                }
            }
            Ok(())
        })
    }

    /// Writes scores.parquet, with the scores of the trials in `keep` (all when `None`) and those that it had before.
    ///
    /// Memory: the scores of one trial and a row group.
    ///
    /// # Errors
    /// The file cannot be written, or the one that stands there cannot be read.
    pub fn write_scores(
        &self,
        replicates: &[Arc<Replicate>],
        keep: Option<&HashSet<String>>,
    ) -> Result<(), RunDirError> {
        let numbers = |builder: WriterPropertiesBuilder, name: &str, encoding| {
            let path = ColumnPath::from(name);
            builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding)
        };
        let properties = numbers(self.properties(), "score", Encoding::PLAIN);
        let properties = numbers(properties, "raw", Encoding::PLAIN);
        let properties = numbers(properties, "row", Encoding::DELTA_BINARY_PACKED);
        let schema = Arc::new(columns::scores_schema());
        let earlier = self.earlier.batches(self.dir, SCORES, &schema)?;
        self.write_parquet(SCORES, Arc::clone(&schema), properties, |out| {
            for batch in earlier {
                out.write(&batch?)?;
            }
            let mut bytes = JobBytes::new(self.dir.jobs());
            let mut pending = Scores::default();
            let write = |out: &mut ArrowWriter<_>, scores: Scores| {
                out.write(&scores.batch().map_err(|e| ParquetError::External(Box::new(e)))?)
            };
            for Kept { stem, entry } in &self.entries {
                let kept = keep.is_none_or(|ids| ids.contains(&entry.row.trial_id));
                let data = replicates.get(entry.row.replicate as usize);
                let (Some(spans), Some(data), true) = (&entry.bytes, data, kept) else { continue };
                let [val_raw, val_score, test_raw, test_score] = bytes.scores(stem, spans)?;
                let parts = [(&data.validation, [val_raw, val_score]), (&data.test, [test_raw, test_score])];
                pending.add(&entry.row, parts);
                if pending.len() >= SCORES_AT_ONCE {
                    write(out, std::mem::take(&mut pending))?;
                }
            }
            write(out, pending)?;
            Ok(())
        })
    }

    fn properties(&self) -> WriterPropertiesBuilder {
        WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(self.metadata.clone()))
    }

    /// Writes a file of rows that fit into memory, together with those that it had before, in the order of trials and
    /// replicates.
    fn write_batch(&self, name: &str, batch: Result<RecordBatch, ArrowError>) -> Result<(), RunDirError> {
        let failed = |e: ArrowError| RunDirError::io(&self.dir.path(name), io::Error::other(e));
        let mut batch = batch.map_err(failed)?;
        let earlier = self.earlier.batches(self.dir, name, &batch.schema())?;
        let earlier = earlier.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        if earlier.iter().any(|earlier| earlier.num_rows() > 0) {
            let all = concat_batches(&batch.schema(), earlier.iter().chain([&batch])).map_err(failed)?;
            batch = self.earlier.in_order(&all).map_err(failed)?;
        }
        self.write_parquet(name, batch.schema(), self.properties(), |out| out.write(&batch))
    }

    fn write_parquet(
        &self,
        name: &str,
        schema: SchemaRef,
        properties: WriterPropertiesBuilder,
        write: impl FnOnce(&mut ArrowWriter<&mut (dyn Write + Send)>) -> Result<(), ParquetError>,
    ) -> Result<(), RunDirError> {
        // Also in the Arrow schema, which pyarrow and pandas read instead of the file's own pairs.
        let pair = |pair: &KeyValue| (pair.key.clone(), pair.value.clone().unwrap_or_default());
        let pairs: HashMap<String, String> = self.metadata.iter().map(pair).collect();
        let schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), pairs));
        self.dir.write_with(name, |out| {
            let mut writer = ArrowWriter::try_new(out, schema, Some(properties.build()))?;
            write(&mut writer)?;
            writer.close()?;
            Ok(())
        })
    }
}

/// The file that says how the inputs of a replicate's models are made.
fn preprocessing(replicate: u32) -> String {
    format!("preprocessing-r{replicate}.json")
}

/// Each (trial, replicate) of the journals once, in the order of trials and replicates.
fn entries(dir: &RunDir, plan: &Plan, places: &HashMap<String, usize>) -> Result<Vec<Kept>, RunDirError> {
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    let jobs = dir.jobs();
    let journals = Journals::list(&jobs).map_err(|e| RunDirError::io(&jobs, e))?;
    for job in &plan.jobs {
        for kept in journals.of(&job.job_id).map_err(|e| RunDirError::io(&jobs, e))? {
            if seen.insert((kept.entry.row.trial_id.clone(), kept.entry.row.replicate)) {
                entries.push(kept);
            }
        }
    }
    entries.sort_by_key(|kept| (places.get(&kept.entry.row.trial_id).copied(), kept.entry.row.replicate));
    Ok(entries)
}

#[cfg(test)]
mod tests;
