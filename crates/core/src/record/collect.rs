//! From journals to the files that people read.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::atomic::write_atomically;
use super::columns::{self, Scores};
use super::journal::{Entry, JobBytes, Journals, Kept};
use super::rows::{ResultRow, State};
use super::run_dir::{RunDir, RunDirError};
use crate::plan::{Plan, Trials};
use crate::prepared::Replicate;

/// Scores that are handed to the Parquet writer together.
const SCORES_AT_ONCE: usize = 1 << 17;

/// The journals of a run, read: each (trial, replicate) once.
#[derive(Debug)]
pub struct Collection<'a> {
    dir: &'a RunDir,
    /// In the order of trials and replicates.
    entries: Vec<Kept>,
    metadata: Vec<KeyValue>,
}

impl<'a> Collection<'a> {
    /// Reads the journals of `plan`'s jobs. `metadata` goes into each Parquet file.
    ///
    /// Memory: the rows and epochs of all trials.
    ///
    /// # Errors
    /// A journal cannot be read.
    pub fn read(
        dir: &'a RunDir,
        plan: &Plan,
        trials: &Trials,
        metadata: &[(String, String)],
    ) -> Result<Self, RunDirError> {
        let metadata = metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        Ok(Self { dir, entries: entries(dir, plan, trials)?, metadata })
    }

    /// Rows in all.
    pub fn rows(&self) -> usize {
        self.entries.len()
    }

    /// Rows that failed.
    pub fn failed(&self) -> usize {
        self.entries.iter().filter(|kept| kept.entry.row.state == State::Failed).count()
    }

    /// Writes results.parquet, history.parquet and curves.parquet.
    ///
    /// # Errors
    /// A file cannot be written; what stood there before still does. So for the others.
    pub fn write_rows(&self) -> Result<(), RunDirError> {
        let rows: Vec<&ResultRow> = self.entries.iter().map(|kept| &kept.entry.row).collect();
        self.write_batch("results.parquet", columns::results(&rows))?;
        let entries: Vec<&Entry> = self.entries.iter().map(|kept| &kept.entry).collect();
        self.write_batch("history.parquet", columns::history(&entries))?;
        self.write_batch("curves.parquet", columns::curves(&entries))
    }

    /// Writes models/: a safetensors file for each finished row, the preprocessing of each replicate beside.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write_models(&self, replicates: &[Arc<Replicate>]) -> Result<(), RunDirError> {
        let folder = self.dir.path("models");
        for replicate in replicates {
            self.dir
                .write_json(&format!("models/preprocessing-r{}.json", replicate.index), &replicate.preprocessing)?;
        }
        let write = || -> io::Result<()> {
            let mut bytes = JobBytes::new(self.dir.jobs());
            for Kept { stem, entry } in &self.entries {
                let Some(spans) = entry.bytes else { continue };
                // Written straight and synced together: the journals go only after that, so a torn file is made again.
                // One after the other: threads that make files in one folder wait for each other.
                let name = format!("{}-r{}.safetensors", entry.row.trial_id, entry.row.replicate);
                fs::write(folder.join(name), bytes.model(stem, spans)?)?;
            }
            sync_all(&folder)
        };
        write().map_err(|e| RunDirError::io(&folder, e))
    }

    /// Writes scores.parquet, with the scores of the trials in `keep` (all when `None`).
    ///
    /// Memory: the scores of one trial and a row group.
    ///
    /// # Errors
    /// The file cannot be written.
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
        let properties = numbers(properties, "row", Encoding::DELTA_BINARY_PACKED);
        self.write_parquet("scores.parquet", Arc::new(columns::scores_schema()), properties, |out| {
            let mut bytes = JobBytes::new(self.dir.jobs());
            let mut pending = Scores::default();
            let write = |out: &mut ArrowWriter<_>, scores: Scores| {
                out.write(&scores.batch().map_err(|e| ParquetError::External(Box::new(e)))?)
            };
            for Kept { stem, entry } in &self.entries {
                let kept = keep.is_none_or(|ids| ids.contains(&entry.row.trial_id));
                let data = replicates.get(entry.row.replicate as usize);
                let (Some(spans), Some(data), true) = (entry.bytes, data, kept) else { continue };
                let (validation, test) = bytes.scores(stem, spans)?;
                pending.add(&entry.row, [(&data.validation, validation), (&data.test, test)]);
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

    fn write_batch(&self, name: &str, batch: Result<RecordBatch, ArrowError>) -> Result<(), RunDirError> {
        let batch = batch.map_err(|e| RunDirError::io(&self.dir.path(name), io::Error::other(e)))?;
        self.write_parquet(name, batch.schema(), self.properties(), |out| out.write(&batch))
    }

    fn write_parquet(
        &self,
        name: &str,
        schema: SchemaRef,
        properties: WriterPropertiesBuilder,
        write: impl FnOnce(&mut ArrowWriter<&mut BufWriter<&mut File>>) -> Result<(), ParquetError>,
    ) -> Result<(), RunDirError> {
        let path = self.dir.path(name);
        // Also in the Arrow schema, which pyarrow and pandas read instead of the file's own pairs.
        let pair = |pair: &KeyValue| (pair.key.clone(), pair.value.clone().unwrap_or_default());
        let pairs: HashMap<String, String> = self.metadata.iter().map(pair).collect();
        let schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), pairs));
        write_atomically::<io::Error>(&path, |out| {
            let mut writer = ArrowWriter::try_new(out, schema, Some(properties.build()))?;
            write(&mut writer)?;
            writer.close()?;
            Ok(())
        })
        .map_err(|e| RunDirError::io(&path, e))
    }
}

/// Each (trial, replicate) once, in the order of trials and replicates.
fn entries(dir: &RunDir, plan: &Plan, trials: &Trials) -> Result<Vec<Kept>, RunDirError> {
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    let mut place = HashMap::new();
    let jobs = dir.jobs();
    let journals = Journals::list(&jobs).map_err(|e| RunDirError::io(&jobs, e))?;
    for job in &plan.jobs {
        for index in job.first..job.first + job.count {
            place.insert(trials.get(index).trial_id(), index);
        }
        for kept in journals.of(&job.job_id).map_err(|e| RunDirError::io(&jobs, e))? {
            if seen.insert((kept.entry.row.trial_id.clone(), kept.entry.row.replicate)) {
                entries.push(kept);
            }
        }
    }
    entries.sort_by_key(|kept| (place.get(&kept.entry.row.trial_id).copied(), kept.entry.row.replicate));
    Ok(entries)
}

/// Makes every file of `folder` last: where the system can sync all at once, with one call however many they are.
fn sync_all(folder: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(folder)?)?;
    #[cfg(not(target_os = "linux"))]
    for entry in fs::read_dir(folder)? {
        File::open(entry?.path())?.sync_data()?;
    }
    super::atomic::sync_folder(folder)
}
