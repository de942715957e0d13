//! From journals to the files that people read.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
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
use super::earlier::Earlier;
use super::entry::{Entry, Expected};
use super::error::RunDirError;
use super::job_bytes::JobBytes;
use super::journals::{Journals, Kept};
use super::models::{ModelInfo, Models, ModelsFile, Shared, StoredModel, model_key, write_header};
use super::names::{CURVES, HISTORY, MODELS, RESULTS, SCORES, models_name, planned};
use super::row_groups::RowGroups;
use super::rows::State;
use super::run_dir::RunDir;
use super::run_files::RunFiles;
use crate::metrics::RocCorner;
use crate::plan::{Hyperparameters, Plan, Shape, Trials};
use crate::prepared::Replicate;
use crate::spec::FreeColumn;

/// Scores that are handed to the Parquet writer together.
const SCORES_AT_ONCE: usize = 1 << 17;
/// Entries whose rows are; in tests few, so that tables of a few trials are written in several goes.
const ENTRIES_AT_ONCE: usize = if cfg!(test) { 3 } else { 1 << 12 };

/// What a run came to: its journals, read, beside the rows that were collected before, each (trial, replicate) once.
#[derive(Debug)]
pub struct Collection<'a> {
    dir: &'a RunDir,
    plan: &'a Plan,
    /// In the order of trials and replicates.
    entries: Vec<Kept>,
    /// What was collected before and no journal has.
    earlier: Earlier,
    metadata: Vec<KeyValue>,
    /// Columns for the parameters of commands.
    free: Vec<FreeColumn>,
    /// Ids of the trials of commands, which have no model of ours.
    commands: HashSet<String>,
    /// The rows that were trained on.
    replicates: &'a [Arc<Replicate>],
    damage: Vec<String>,
    under_way: usize,
}

impl<'a> Collection<'a> {
    /// Reads the journals of `plan`'s jobs and what earlier collections left. `metadata` goes into each Parquet file.
    /// Entries that are damaged, or are not of these trials and replicates, are left out: see [`Collection::damage`].
    ///
    /// Memory: the rows and epochs of all trials.
    ///
    /// # Errors
    /// A journal or results.parquet cannot be read.
    pub fn read(
        dir: &'a RunDir,
        (plan, trials): (&'a Plan, &Trials),
        replicates: &'a [Arc<Replicate>],
        data_fingerprint: &str,
        metadata: &[(String, String)],
    ) -> Result<Self, RunDirError> {
        let metadata = metadata.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
        let places = trials.places();
        let jobs = dir.jobs();
        let journals = Journals::list(&jobs).map_err(|e| RunDirError::io(&jobs, e))?;
        let fits = |kept: &Kept| {
            let row = &kept.entry.row;
            let place = places.get(&row.trial_id).ok_or("it is of a trial that the sweep does not have")?;
            let replicate = replicates.get(row.replicate as usize).ok_or("it is of a replicate that there is not")?;
            let trial = &trials.get(*place);
            kept.entry.check(&Expected { trial, replicate, data_fingerprint })
        };
        let mut damage = Vec::new();
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        // The last first: what goes on at a rung has its row there.
        for job in plan.jobs.iter().rev() {
            for kept in journals.of(&job.job_id).map_err(|e| RunDirError::io(&jobs, e))? {
                let row = &kept.entry.row;
                match fits(&kept) {
                    Ok(()) if planned(&row.job_id) != planned(&job.job_id) => {
                        damage.push(format!("{}: a row of {}", kept.stem, row.job_id));
                    }
                    Ok(()) if row.phase != job.phase => {
                        damage.push(format!("{}: trial {}: it is for another phase", kept.stem, row.trial_id));
                    }
                    Ok(()) => {
                        if seen.insert((row.trial_id.clone(), row.replicate)) {
                            entries.push(kept);
                        }
                    }
                    Err(why) => damage.push(format!("{}: trial {}: {why}", kept.stem, row.trial_id)),
                }
            }
        }
        entries.sort_by_key(|kept| (places.get(&kept.entry.row.trial_id).copied(), kept.entry.row.replicate));
        damage.extend(journals.damage());
        let mut earlier = Earlier::read(dir, places)?;
        let of_jobs: HashMap<&str, usize> = (0..).zip(&plan.jobs).map(|(at, job)| (job.job_id.as_str(), at)).collect();
        let place = |job_id: &str| of_jobs.get(planned(job_id)).copied();
        entries.retain(|kept| earlier.gives_way_to(&kept.entry.row, place));
        // Most plans have nothing that goes on, and keys cost.
        let last = plan.last_jobs(trials);
        let is_last = |trial: &str, replicate: u32, job_id: &str| {
            last.is_empty() || last.get(&(trial.to_owned(), replicate)).is_none_or(|&at| Some(at) == place(job_id))
        };
        let rows = entries.iter().map(|kept| &kept.entry.row);
        let rows = rows.map(|row| (row.trial_id.as_str(), row.replicate, row.job_id.as_str()));
        let all = rows.chain(earlier.jobs().map(|((trial, replicate), job_id)| (trial.as_str(), *replicate, job_id)));
        let under_way = all.filter(|&(trial, replicate, job_id)| !is_last(trial, replicate, job_id)).count();
        let (free, commands) = (trials.free_columns(), trials.of_commands());
        Ok(Self { dir, plan, entries, earlier, metadata, free, commands, replicates, damage, under_way })
    }

    /// Rows that are planned to go on: they paused at a rung.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Places in the journals, in words, that are damaged or not of this sweep.
    pub fn damage(&self) -> &[String] {
        &self.damage
    }

    /// Rows in all.
    pub fn rows(&self) -> usize {
        self.entries.len() + self.earlier.rows()
    }

    /// Rows that failed.
    pub fn failed(&self) -> usize {
        self.entries.iter().filter(|kept| kept.entry.row.state == State::Failed).count() + self.earlier.failed()
    }

    /// Makes results.parquet, history.parquet and curves.parquet, for [`RunDir::commit`]. So for the others.
    ///
    /// Memory: the rows of some thousand trials and a row group; where files had rows before, all rows of one.
    ///
    /// # Errors
    /// A file cannot be written, or one that stands there cannot be read; what stood there before still does.
    pub fn stage_rows(&self) -> Result<(), RunDirError> {
        self.write_rows(HISTORY, &|entries| columns::history(entries))?;
        self.write_rows(CURVES, &|entries| {
            columns::curves(&entries.iter().map(|entry| curve_of(entry)).collect::<Vec<_>>())
        })?;
        self.write_rows(RESULTS, &|entries| columns::results(entries, &self.free, self.has_weights()))
    }

    /// Makes models/: a file of models for each job, the preprocessing of each replicate beside.
    ///
    /// # Errors
    /// A file cannot be written, or one that stands there cannot be read.
    pub fn stage_models(&self) -> Result<(), RunDirError> {
        self.dir.stage_preprocessing(self.replicates)?;
        let mut jobs: BTreeMap<String, Vec<&Kept>> = BTreeMap::new();
        let has_model = |kept: &&Kept| kept.entry.bytes.is_some() && kept.entry.row.hyperparameters.command.is_none();
        for kept in self.entries.iter().filter(has_model) {
            jobs.entry(models_name(&kept.entry.row.job_id)).or_default().push(kept);
        }
        let mut bytes = JobBytes::new(self.dir.jobs());
        for (name, kept) in jobs {
            let replicate = kept.first().and_then(|kept| self.replicates.get(kept.entry.row.replicate as usize));
            let Some(replicate) = replicate else { continue };
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
            let sum = kept.entry.bytes.as_ref().map(|spans| spans.model_sum().to_string()).unwrap_or_default();
            let hyperparameters = serde_json::to_value(&row.hyperparameters).map_err(|e| failed(e.into()))?;
            let info = ModelInfo { hyperparameters, threshold: row.threshold, threshold_raw: row.threshold_raw, sum };
            let Hyperparameters { hidden, activation, .. } = &row.hyperparameters;
            let shape = Shape { inputs: shared.features.len(), hidden: hidden.clone(), activation: *activation };
            header.push((model_key(&row.trial_id, row.replicate), info, shape.tensors()));
        }
        let mut file = match File::open(&path).and_then(ModelsFile::new) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened.map_err(failed)?),
        };
        let taken: HashSet<String> = header.iter().map(|(key, ..)| key.clone()).collect();
        let stored = file.iter().flat_map(|file| &file.models).filter(|(key, _)| !taken.contains(*key));
        let stored: Vec<(String, StoredModel)> = stored.map(|(key, model)| (key.clone(), model.clone())).collect();
        header.extend(stored.iter().map(|(key, model)| (key.clone(), model.info.clone(), model.tensors.clone())));
        self.dir.stage_with(name, |out| {
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

    /// Makes scores.parquet, with the scores of the trials in `keep` (all when `None`) and those that it had before.
    ///
    /// Memory: the scores of one trial and a row group.
    ///
    /// # Errors
    /// The file cannot be written, or the one that stands there cannot be read.
    pub fn stage_scores(&self, keep: Option<&HashSet<String>>) -> Result<(), RunDirError> {
        let schema = Arc::new(self.scores_schema());
        let earlier = self.earlier.batches(self.dir, SCORES, &schema)?;
        let is_kept = |kept: &&Kept| keep.is_none_or(|ids| ids.contains(&kept.entry.row.trial_id));
        let mut new = self.entries.iter().filter(is_kept).peekable();
        let mut bytes = JobBytes::new(self.dir.jobs());
        let mut scores_of = |Kept { stem, entry }: &Kept, pending: &mut Scores| -> Result<(), ParquetError> {
            let data = self.replicates.get(entry.row.replicate as usize);
            let (Some(spans), Some(data)) = (&entry.bytes, data) else { return Ok(()) };
            let whose = (&*entry.row.trial_id, entry.row.replicate, entry.row.phase);
            pending.add(whose, data.scored(), bytes.scores(stem, spans)?);
            Ok(())
        };
        self.write_scores(|out| {
            let mut pending = Scores::default();
            for batch in earlier {
                for (place, rows) in self.earlier.runs(&batch?)? {
                    while let Some(kept) = new.next_if(|kept| self.earlier.place(&kept.entry.row) < place) {
                        scores_of(kept, &mut pending)?;
                        if pending.len() >= SCORES_AT_ONCE {
                            add_scores(out, std::mem::take(&mut pending))?;
                        }
                    }
                    add_scores(out, std::mem::take(&mut pending))?;
                    out.write(&rows)?;
                }
            }
            for kept in new {
                scores_of(kept, &mut pending)?;
                if pending.len() >= SCORES_AT_ONCE {
                    add_scores(out, std::mem::take(&mut pending))?;
                }
            }
            add_scores(out, pending)
        })
    }

    /// Makes scores.parquet and curves.parquet of what `remake` gives for each (trial, replicate) that was collected
    /// and did not fail; those for which it gives nothing are left out.
    ///
    /// Memory: the scores of one trial, a row group, and all curves.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn stage_remade(
        &self,
        keep: Option<&HashSet<String>>,
        remake: &mut dyn FnMut(&str, u32) -> Option<Remade>,
    ) -> Result<(), RunDirError> {
        let keys = self.earlier.finished();
        let mut curves = Vec::new();
        self.write_scores(|out| {
            let mut pending = Scores::default();
            for &(trial, replicate) in &keys {
                let Some(data) = self.replicates.get(replicate as usize) else { continue };
                let Some(Remade { train_roc, scores }) = remake(trial, replicate) else { continue };
                curves.push((trial, replicate, train_roc));
                if keep.is_none_or(|ids| ids.contains(trial)) {
                    pending.add((trial, replicate, self.plan.phase_of(replicate)), data.scored(), scores);
                }
                if pending.len() >= SCORES_AT_ONCE {
                    add_scores(out, std::mem::take(&mut pending))?;
                }
            }
            add_scores(out, pending)
        })?;
        let curves: Vec<(&str, u32, &[RocCorner])> =
            curves.iter().map(|(trial, replicate, corners)| (*trial, *replicate, corners.as_slice())).collect();
        let batch =
            columns::curves(&curves).map_err(|e| RunDirError::io(&self.dir.path(CURVES), io::Error::other(e)))?;
        self.write_parquet(CURVES, batch.schema(), self.properties(), |out| out.write(&batch))
    }

    /// Whether a row that was collected before, did not fail and is not in a journal any more has no model, or no
    /// scores where `keep` wants them (`None`: of all trials): its journal was damaged before these were made of it.
    /// To be asked when the models have their places.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn lacks_parts(&self, keep: Option<&HashSet<String>>) -> Result<bool, RunDirError> {
        if self.damage.is_empty() || !self.has_earlier() {
            return Ok(false);
        }
        let models = Models::read(&RunFiles::read(self.dir.root())?)?;
        let scored = self.earlier.keys_in(self.dir, SCORES)?;
        let is_whole = |(trial, replicate): (&str, u32)| {
            let wants_scores = keep.is_none_or(|ids| ids.contains(trial));
            (models.has(trial, replicate) || self.commands.contains(trial))
                && (!wants_scores || scored.contains(&(trial.to_owned(), replicate)))
        };
        Ok(!self.earlier.finished().into_iter().all(is_whole))
    }

    /// Whether there are rows that no journal has.
    pub fn has_earlier(&self) -> bool {
        self.earlier.rows() > 0
    }

    /// The (trial, replicate) that were collected before and did not fail, as far as curves.parquet has them too.
    ///
    /// # Errors
    /// curves.parquet cannot be read.
    pub fn collected(&self) -> Result<HashSet<(String, u32)>, RunDirError> {
        let with_curves = self.earlier.keys_in(self.dir, CURVES)?;
        let finished = self.earlier.finished().into_iter().map(|(trial, replicate)| (trial.to_owned(), replicate));
        // A command says nothing of the training rows.
        Ok(finished.filter(|key| with_curves.contains(key) || self.commands.contains(&key.0)).collect())
    }

    /// Whether rows have weights, so that counts of them are sums of weights.
    fn has_weights(&self) -> bool {
        self.replicates.first().is_some_and(|replicate| !replicate.test.weights.is_empty())
    }

    fn scores_schema(&self) -> Schema {
        let has_units = self.replicates.first().is_some_and(|replicate| !replicate.test.units.is_empty());
        columns::scores_schema(has_units, self.has_weights())
    }

    fn write_scores(
        &self,
        write: impl FnOnce(&mut RowGroups<&mut (dyn Write + Send)>) -> Result<(), ParquetError>,
    ) -> Result<(), RunDirError> {
        // Without dictionaries, in which each row would be looked up.
        let numbers = [
            ("replicate", Encoding::DELTA_BINARY_PACKED),
            ("row", Encoding::DELTA_BINARY_PACKED),
            ("label", Encoding::DELTA_BINARY_PACKED),
            ("raw", Encoding::PLAIN),
            ("score", Encoding::PLAIN),
            ("unit", Encoding::DELTA_BINARY_PACKED),
            ("weight", Encoding::PLAIN),
        ];
        let properties = numbers.into_iter().fold(self.properties(), |builder, (name, encoding)| {
            let path = ColumnPath::from(name);
            builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding)
        });
        let schema = self.described(&self.scores_schema());
        self.dir.stage_with(SCORES, |out| {
            let mut out = RowGroups::new(out, schema, properties.build())?;
            write(&mut out)?;
            Ok(out.close()?)
        })
    }

    fn properties(&self) -> WriterPropertiesBuilder {
        WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(self.metadata.clone()))
    }

    /// Writes a file of the rows that `batch` makes of entries, together with those that it had before, in the order of
    /// trials and replicates.
    fn write_rows(
        &self,
        name: &str,
        batch: &dyn Fn(&[&Entry]) -> Result<RecordBatch, ArrowError>,
    ) -> Result<(), RunDirError> {
        let failed = |e: ArrowError| RunDirError::io(&self.dir.path(name), io::Error::other(e));
        let entries: Vec<&Entry> = self.entries.iter().map(|kept| &kept.entry).collect();
        let schema = batch(&[]).map_err(failed)?.schema();
        let earlier = self.earlier.batches(self.dir, name, &schema)?;
        let earlier = earlier.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        if earlier.iter().any(|earlier| earlier.num_rows() > 0) {
            let new = batch(&entries).map_err(failed)?;
            let all = concat_batches(&schema, earlier.iter().chain([&new])).map_err(failed)?;
            let all = self.earlier.in_order(&all).map_err(failed)?;
            return self.write_parquet(name, schema, self.properties(), |out| out.write(&all));
        }
        self.write_parquet(name, schema, self.properties(), |out| {
            entries.chunks(ENTRIES_AT_ONCE).try_for_each(|entries| out.write(&batch(entries)?))
        })
    }

    /// A schema that says what the file's own pairs say too, since pyarrow and pandas read its instead.
    fn described(&self, schema: &Schema) -> SchemaRef {
        let pair = |pair: &KeyValue| (pair.key.clone(), pair.value.clone().unwrap_or_default());
        let pairs: HashMap<String, String> = self.metadata.iter().map(pair).collect();
        Arc::new(Schema::new_with_metadata(schema.fields().clone(), pairs))
    }

    fn write_parquet(
        &self,
        name: &str,
        schema: SchemaRef,
        properties: WriterPropertiesBuilder,
        write: impl FnOnce(&mut ArrowWriter<&mut (dyn Write + Send)>) -> Result<(), ParquetError>,
    ) -> Result<(), RunDirError> {
        let schema = self.described(&schema);
        self.dir.stage_with(name, |out| {
            let mut writer = ArrowWriter::try_new(out, schema, Some(properties.build()))?;
            write(&mut writer)?;
            writer.close()?;
            Ok(())
        })
    }
}

impl RunDir {
    /// Makes the files that say how the inputs of each replicate's models are made, for [`RunDir::commit`].
    ///
    /// # Errors
    /// They cannot be written.
    pub fn stage_preprocessing(&self, replicates: &[Arc<Replicate>]) -> Result<(), RunDirError> {
        replicates.iter().try_for_each(|replicate| {
            self.stage_json(&format!("{MODELS}/{}", preprocessing(replicate.index)), &replicate.preprocessing)
        })
    }
}

/// What a model of the run gives again of its training's end.
#[derive(Debug, Clone, PartialEq)]
pub struct Remade {
    /// ROC curve of the training rows.
    pub train_roc: Vec<RocCorner>,
    /// Logits and probabilities of the rows of [`Replicate::scored`].
    pub scores: [[Vec<f32>; 2]; 3],
}

fn add_scores(out: &mut RowGroups<&mut (dyn Write + Send)>, scores: Scores) -> Result<(), ParquetError> {
    if scores.len() == 0 {
        return Ok(());
    }
    out.write(&scores.batch().map_err(|e| ParquetError::External(Box::new(e)))?)
}

/// The ROC curve of an entry's training rows, and whose it is.
fn curve_of(entry: &Entry) -> (&str, u32, &[RocCorner]) {
    (&entry.row.trial_id, entry.row.replicate, &entry.train_roc)
}

/// The file that says how the inputs of a replicate's models are made.
fn preprocessing(replicate: u32) -> String {
    format!("preprocessing-r{replicate}.json")
}

#[cfg(test)]
mod tests;
