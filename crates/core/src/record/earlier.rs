//! Rows that an earlier collection left, whose journals are gone: they stay, unless a journal has a better one.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, new_null_array};
use arrow::compute::{cast, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Int32Type, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::error::RunDirError;
use super::names::RESULTS;
use super::rows::{ResultRow, State};
use super::run_dir::RunDir;

/// A trial's id and a replicate.
pub(super) type Key = (String, u32);
/// Where a row comes: index of the trial in the plan, and replicate.
type Place = (Option<usize>, u32);

/// The rows of results.parquet that no journal has, and the order in which rows come.
#[derive(Debug)]
pub(super) struct Earlier {
    /// By its key.
    rows: HashMap<Key, There>,
    /// Index of each trial of the plan.
    places: HashMap<String, usize>,
}

/// What is known of a row that was collected before.
#[derive(Debug)]
struct There {
    /// Whether it failed.
    failed: bool,
    /// The job that trained it.
    job_id: String,
}

impl Earlier {
    /// The rows of the results in `dir`; none where there are no results yet.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn read(dir: &RunDir, places: HashMap<String, usize>) -> Result<Self, RunDirError> {
        let path = dir.path(RESULTS);
        let mut rows = HashMap::new();
        let mut read = || -> io::Result<()> {
            let Some(reader) = open(dir, RESULTS, Some(&["trial_id", "replicate", "state", "job_id"]))? else {
                return Ok(());
            };
            for batch in reader {
                let batch = batch.map_err(damaged)?;
                let (states, jobs) =
                    (text(&batch, "state").map_err(damaged)?, text(&batch, "job_id").map_err(damaged)?);
                let of = states.as_string::<i32>().iter().zip(jobs.as_string::<i32>());
                for (key, (state, job_id)) in keys(&batch).map_err(damaged)?.into_iter().zip(of) {
                    let job_id = job_id.unwrap_or_default().to_owned();
                    rows.insert(key, There { failed: state == Some("failed"), job_id });
                }
            }
            Ok(())
        };
        read().map_err(|e| RunDirError::io(&path, e))?;
        Ok(Self { rows, places })
    }

    /// Whether `row` of a journal stands instead of the one that was there: not if it failed and that one did not, nor
    /// if that one was trained further by a later job. `place` says where a job stands in the plan.
    pub(super) fn gives_way_to(&mut self, row: &ResultRow, place: impl Fn(&str) -> Option<usize>) -> bool {
        let key = (row.trial_id.clone(), row.replicate);
        let stays = |there: &There| {
            row.state == State::Failed && !there.failed
                || row.state == State::Stopped && place(&there.job_id) > place(&row.job_id)
        };
        if self.rows.get(&key).is_some_and(stays) {
            return false;
        }
        self.rows.remove(&key);
        true
    }

    /// The keys that a file has; none where it is not there.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn keys_in(&self, dir: &RunDir, name: &str) -> Result<HashSet<Key>, RunDirError> {
        let read = || -> io::Result<HashSet<Key>> {
            let mut found = HashSet::new();
            for batch in open(dir, name, Some(&["trial_id", "replicate"]))?.into_iter().flatten() {
                found.extend(keys(&batch.map_err(damaged)?).map_err(damaged)?);
            }
            Ok(found)
        };
        read().map_err(|e| RunDirError::io(&dir.path(name), e))
    }

    /// Where a row of a journal comes.
    pub(super) fn place(&self, row: &ResultRow) -> Place {
        (self.places.get(&row.trial_id).copied(), row.replicate)
    }

    /// Rows of a file, by (trial, replicate), and where each of these comes.
    ///
    /// # Errors
    /// They have no keys.
    pub(super) fn runs(&self, batch: &RecordBatch) -> Result<Vec<(Place, RecordBatch)>, ArrowError> {
        let keys = keys(batch)?;
        let mut start = 0;
        let runs = keys.chunk_by(|one, next| one == next).map(|run| {
            let (trial, replicate) = &run[0];
            let rows = batch.slice(start, run.len());
            start += run.len();
            ((self.places.get(trial).copied(), *replicate), rows)
        });
        Ok(runs.collect())
    }

    /// Those that did not fail, in the order of trials and replicates.
    pub(super) fn finished(&self) -> Vec<(&str, u32)> {
        let finished =
            self.rows.iter().filter(|(_, there)| !there.failed).map(|((trial, replicate), _)| (trial, *replicate));
        let mut keys: Vec<(&str, u32)> = finished.map(|(trial, replicate)| (trial.as_str(), replicate)).collect();
        keys.sort_by_key(|(trial, replicate)| (self.places.get(*trial).copied(), *replicate));
        keys
    }

    /// How many stay.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// How many of them failed.
    pub(super) fn failed(&self) -> usize {
        self.rows.values().filter(|there| there.failed).count()
    }

    /// Each with the job that trained it.
    pub(super) fn jobs(&self) -> impl Iterator<Item = (&Key, &str)> {
        self.rows.iter().map(|(key, there)| (key, there.job_id.as_str()))
    }

    /// The rows of a file that stay, with the columns of `schema`; those that the file lacks are null.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn batches<'a>(
        &'a self,
        dir: &RunDir,
        name: &str,
        schema: &SchemaRef,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, ArrowError>> + use<'a>, RunDirError> {
        let path = dir.path(name);
        // Most collections have nothing to take over.
        let reader =
            if self.rows.is_empty() { None } else { open(dir, name, None).map_err(|e| RunDirError::io(&path, e))? };
        let schema = Arc::clone(schema);
        Ok(reader.into_iter().flatten().map(move |batch| {
            let batch = batch?;
            let stay: BooleanArray = keys(&batch)?.iter().map(|key| Some(self.rows.contains_key(key))).collect();
            conform(&filter_record_batch(&batch, &stay)?, &schema)
        }))
    }

    /// Rows in the order of trials and replicates; of one (trial, replicate) they keep theirs.
    ///
    /// # Errors
    /// They have no keys.
    pub(super) fn in_order(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let keys = keys(batch)?;
        let mut order: Vec<u32> = (0..).take(keys.len()).collect();
        order.sort_by_key(|&row| {
            let (trial, replicate) = &keys[row as usize];
            (self.places.get(trial).copied(), *replicate)
        });
        take_record_batch(batch, &UInt32Array::from(order))
    }
}

fn damaged(why: ArrowError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// Some columns of a Parquet file of the run, or all; `None` where there is no such file.
fn open(dir: &RunDir, name: &str, columns: Option<&[&str]>) -> io::Result<Option<ParquetRecordBatchReader>> {
    let file = match File::open(dir.path(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let failed = |e: parquet::errors::ParquetError| damaged(e.into());
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(failed)?;
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    builder.with_batch_size(1 << 16).build().map(Some).map_err(failed)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    batch.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("there is no column `{name}`")))
}

fn text(batch: &RecordBatch, name: &str) -> Result<ArrayRef, ArrowError> {
    cast(column(batch, name)?, &DataType::Utf8)
}

/// The (trial, replicate) of each row.
pub(super) fn keys(batch: &RecordBatch) -> Result<Vec<Key>, ArrowError> {
    let (trials, replicates) = (text(batch, "trial_id")?, cast(column(batch, "replicate")?, &DataType::Int32)?);
    let pairs = trials.as_string::<i32>().iter().zip(replicates.as_primitive::<Int32Type>());
    Ok(pairs
        .map(|(id, replicate)| (id.unwrap_or_default().to_owned(), replicate.unwrap_or(0).cast_unsigned()))
        .collect())
}

/// The columns of `schema` by name.
pub(super) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(array) => cast(array, field.data_type()),
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
}
