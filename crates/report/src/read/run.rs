//! Reads a run directory's manifest.json and results.parquet.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

use super::error::ReportError;
use super::parameters::TRAINER;
use super::rows::{Results, Row, Timing, Value};
use super::words::column;
use focalsweep_core::guard::guarded;
use focalsweep_core::metrics::catalogue::MetricColumn;
use focalsweep_core::plan::{Phase, is_id};
use focalsweep_core::record::{FREE_PARAMETER, RESULTS, RunDirError, RunFiles, State};
use focalsweep_core::spec::{PARAMETERS, STACK, Spec, Split, Stopping};

/// The run in `run_dir`, whose files are compared with their checksums when they are read.
///
/// # Errors
/// `run_dir` is missing, is not a run directory or one of a later format, or its manifest is damaged.
pub fn run_files(run_dir: &Path) -> Result<RunFiles, ReportError> {
    named(run_dir, RunFiles::read)
}

/// The same of a run whose files somebody changed on purpose: they are taken as they are.
///
/// # Errors
/// As there.
pub fn unchecked_run_files(run_dir: &Path) -> Result<RunFiles, ReportError> {
    named(run_dir, RunFiles::unchecked)
}

fn named(run_dir: &Path, open: impl Fn(&Path) -> Result<RunFiles, RunDirError>) -> Result<RunFiles, ReportError> {
    if !run_dir.exists() {
        return Err(ReportError::NoRun(run_dir.to_owned()));
    }
    open(run_dir).map_err(|error| match error {
        RunDirError::NotOurs(_) | RunDirError::NoRun(_) => ReportError::NotOurs(run_dir.to_owned()),
        error => ReportError::RunDir(error),
    })
}

/// Reads what a run has written so far.
///
/// # Errors
/// It has no results yet, or a file of it is damaged or cannot be read.
pub fn read(files: &RunFiles) -> Result<Results, ReportError> {
    let no_results = || ReportError::NoResults(files.root().to_owned());
    let path = files.path(RESULTS);
    let table = Table::read(&path, files.open(RESULTS)?.ok_or_else(no_results)?)?;
    let (parameters, metrics) = (table.parameters()?, table.metrics()?);
    let manifest = files.manifest();
    let spec = spec(files)?;
    let mut results = Results {
        name: manifest.name.clone(),
        planned_trials: manifest.counts.trials,
        planned_replicates: manifest.counts.replicates,
        rows: table.rows(&parameters, &metrics)?,
        parameters: parameters.into_iter().map(|(name, _)| name).collect(),
        metrics: metrics.into_iter().map(|(name, _)| name).collect(),
        weight: spec.as_ref().and_then(|spec| spec.data.weight.clone()).or_else(|| table.weight()),
        stops_early: spec.as_ref().is_some_and(|spec| spec.train.early_stopping != Stopping::None),
        split: spec.as_ref().map(|spec| spec.split.clone()).unwrap_or_default(),
        operating_point: spec.map(|spec| spec.operating_point),
        ranks: Phase::Search,
        warnings: manifest.data_warnings.clone(),
    };
    results.add_costs();
    Ok(results)
}

/// The run's own sweep file; people may have taken that of a run of version 1 away.
fn spec(files: &RunFiles) -> Result<Option<Spec>, ReportError> {
    match files.spec() {
        Ok(spec) => Ok(Some(spec)),
        Err(_) if !files.is_checked() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Rows that are decoded at a time.
const ROWS_AT_ONCE: usize = 1 << 16;

/// A column by its name.
type Named<T> = (String, Vec<Option<T>>);

/// A whole Parquet file of the run.
struct Table<'a> {
    path: &'a Path,
    batch: RecordBatch,
}

impl<'a> Table<'a> {
    /// # Errors
    /// It cannot be read.
    fn read(path: &'a Path, file: File) -> Result<Self, ReportError> {
        guarded(|| Self::decode(path, file)).unwrap_or_else(|| Err(ReportError::contradicts(path)))
    }

    fn decode(path: &'a Path, file: File) -> Result<Self, ReportError> {
        let unreadable = |why: String| ReportError::Unreadable { path: path.to_owned(), why };
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| unreadable(e.to_string()))?;
        let schema = reader.schema().clone();
        let batches = reader
            .with_batch_size(ROWS_AT_ONCE)
            .build()
            .and_then(|reader| reader.map(|b| b.map_err(Into::into)).collect::<Result<Vec<_>, _>>());
        let batch = batches
            .and_then(|batches| concat_batches(&schema, &batches).map_err(Into::into))
            .map_err(|e| unreadable(e.to_string()))?;
        Ok(Self { path, batch })
    }

    fn optional(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name)
    }

    fn column(&self, name: &str) -> Result<&ArrayRef, ReportError> {
        let missing = || ReportError::MissingColumn { path: self.path.to_owned(), column: name.to_owned() };
        self.optional(name).ok_or_else(missing)
    }

    fn converted(&self, name: &str, array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ReportError> {
        cast(array, to).map_err(|e| self.strange(name, &e.to_string()))
    }

    fn strange(&self, name: &str, why: &str) -> ReportError {
        ReportError::Unreadable { path: self.path.to_owned(), why: format!("column `{name}`: {why}") }
    }

    fn text(&self, name: &str) -> Result<Vec<Option<String>>, ReportError> {
        let array = self.converted(name, self.column(name)?, &DataType::Utf8)?;
        Ok(array.as_string::<i32>().iter().map(|v| v.map(str::to_owned)).collect())
    }

    /// A text column without nulls.
    fn full_text(&self, name: &str) -> Result<Vec<String>, ReportError> {
        self.text(name)?.into_iter().map(|v| v.ok_or_else(|| self.strange(name, "a value is missing"))).collect()
    }

    fn integers(&self, name: &str) -> Result<Vec<Option<i64>>, ReportError> {
        let array = self.converted(name, self.column(name)?, &DataType::Int64)?;
        Ok(array.as_primitive::<Int64Type>().iter().collect())
    }

    fn floats(&self, name: &str) -> Result<Vec<Option<f64>>, ReportError> {
        let array = self.converted(name, self.column(name)?, &DataType::Float64)?;
        Ok(array.as_primitive::<Float64Type>().iter().map(|v| v.filter(|v| !v.is_nan())).collect())
    }

    /// Hyperparameters that the file has.
    fn parameters(&self) -> Result<Vec<Named<Value>>, ReportError> {
        let schema = self.batch.schema();
        let is_free = |field: &&Arc<Field>| field.metadata().contains_key(FREE_PARAMETER);
        let free = schema.fields().iter().filter(is_free).map(|field| field.name().as_str());
        let names = PARAMETERS.iter().map(|one| one.name).chain(free);
        let there = names.filter_map(|name| self.optional(name).map(|array| (name, array)));
        // What tells trials of commands from our own, and from each other.
        let trainers = self.trainers()?;
        let trainer = trainers.iter().any(Option::is_some).then(|| {
            let word = |trainer: Option<String>| Some(Value::Text(trainer.unwrap_or_else(|| STACK.to_owned())));
            Ok((TRAINER.to_owned(), trainers.into_iter().map(word).collect()))
        });
        let of_columns = there.map(|(name, array)| {
            let values = match array.data_type() {
                t if t.is_integer() => self.integers(name)?.into_iter().map(|v| v.map(Value::Integer)).collect(),
                t if t.is_floating() => self.floats(name)?.into_iter().map(|v| v.map(Value::Number)).collect(),
                _ => self.text(name)?.into_iter().map(|v| v.map(Value::Text)).collect(),
            };
            Ok((name.to_owned(), values))
        });
        trainer.into_iter().chain(of_columns).collect()
    }

    /// All that was measured.
    fn metrics(&self) -> Result<Vec<Named<f64>>, ReportError> {
        let measured = |name: &str| MetricColumn::named(name).is_some();
        let schema = self.batch.schema();
        let fields = schema.fields().iter().filter(|f| measured(f.name()) && f.data_type().is_numeric());
        fields.map(|f| Ok((f.name().clone(), self.floats(f.name())?))).collect()
    }

    /// Counts that are no whole numbers are sums of weights, whatever became of the sweep file.
    fn weight(&self) -> Option<String> {
        let counts = self.optional(&column(Split::Validation, "tp"))?;
        counts.data_type().is_floating().then(|| "a column of weights".to_owned())
    }

    /// Empty where a column is missing; `None` for a row in which a value is.
    fn timings(&self) -> Result<Vec<Option<Timing>>, ReportError> {
        const COLUMNS: [&str; 5] = ["host", "device", "job_id", "started_at", "finished_at"];
        if COLUMNS.iter().any(|name| self.optional(name).is_none()) {
            return Ok(Vec::new());
        }
        let (hosts, devices, jobs) = (self.text("host")?, self.text("device")?, self.text("job_id")?);
        let (starts, ends) = (self.micros("started_at")?, self.micros("finished_at")?);
        let timing = |row: usize| {
            Some(Timing {
                host: hosts[row].clone()?,
                device: devices[row].clone()?,
                job_id: jobs[row].clone()?,
                started_at: starts[row]?,
                finished_at: ends[row]?,
            })
        };
        Ok((0..self.batch.num_rows()).map(timing).collect())
    }

    /// Times as microseconds since 1970-01-01 UTC.
    fn micros(&self, name: &str) -> Result<Vec<Option<i64>>, ReportError> {
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let array = self.converted(name, self.column(name)?, &micros)?;
        let array = self.converted(name, &array, &DataType::Int64)?;
        Ok(array.as_primitive::<Int64Type>().iter().collect())
    }

    /// What each row's training was for. Runs of version 1 do not say; all they have is a search.
    fn phases(&self) -> Result<Vec<Phase>, ReportError> {
        const NAME: &str = "phase";
        if self.optional(NAME).is_none() {
            return Ok(vec![Phase::Search; self.batch.num_rows()]);
        }
        let phase = |word: Option<String>| match word {
            None => Ok(Phase::Search),
            Some(word) => Phase::deserialize(serde_json::Value::from(word)),
        };
        self.text(NAME)?.into_iter().map(|word| phase(word).map_err(|e| self.strange(NAME, &e.to_string()))).collect()
    }

    /// A text column that runs of earlier versions do not have.
    fn words(&self, name: &str) -> Result<Vec<Option<String>>, ReportError> {
        if self.optional(name).is_none() { Ok(vec![None; self.batch.num_rows()]) } else { self.text(name) }
    }

    /// The command of the user's that trained each row.
    fn trainers(&self) -> Result<Vec<Option<String>>, ReportError> {
        let trainers = self.words(TRAINER)?;
        Ok(trainers.into_iter().map(|trainer| trainer.filter(|name| name != STACK)).collect())
    }

    fn rows(&self, parameters: &[Named<Value>], metrics: &[Named<f64>]) -> Result<Vec<Row>, ReportError> {
        let (trials, states, errors) = (self.full_text("trial_id")?, self.full_text("state")?, self.text("error")?);
        let (data, splits) = (self.full_text("data_fingerprint")?, self.full_text("split_fingerprint")?);
        let replicates = self.integers("replicate")?;
        let (timings, phases) = (self.timings()?, self.phases()?);
        let (trainers, programs) = (self.trainers()?, self.words("trainer_fingerprint")?);
        (0..self.batch.num_rows())
            .map(|row| {
                if !is_id(&trials[row]) {
                    return Err(self.strange("trial_id", &format!("{:?} is no id of a trial", trials[row])));
                }
                let state = State::deserialize(serde_json::Value::from(states[row].as_str()))
                    .map_err(|e| self.strange("state", &e.to_string()))?;
                let replicate = replicates[row].and_then(|r| u32::try_from(r).ok());
                Ok(Row {
                    trial_id: trials[row].clone(),
                    replicate: replicate.ok_or_else(|| self.strange("replicate", "not a whole number from 0"))?,
                    phase: phases[row],
                    state,
                    error: errors[row].clone(),
                    trainer: trainers[row].clone(),
                    trainer_fingerprint: programs[row].clone(),
                    data_fingerprint: data[row].clone(),
                    split_fingerprint: splits[row].clone(),
                    parameters: parameters.iter().map(|(_, values)| values[row].clone()).collect(),
                    metrics: metrics.iter().map(|(_, values)| values[row]).collect(),
                    timing: timings.get(row).cloned().flatten(),
                })
            })
            .collect()
    }
}
