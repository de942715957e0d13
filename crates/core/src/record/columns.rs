//! Rows as Arrow columns: names and types that pandas, polars, DuckDB and pyarrow read as they are.
//!
//! Counts are signed, so that a difference of two columns cannot wrap.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float32Array, Float64Array, Int8Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use arrow::error::ArrowError;

use super::entry::Entry;
use super::rows::{ResultRow, State};
use crate::metrics::catalogue::{METRICS, MetricColumn, OfCounts, Part, Source};
use crate::metrics::{Confusion, RocCorner, SplitMetrics, logistic};
use crate::plan::Phase;
use crate::prepared::Rows;
use crate::spec::{ColumnType, FreeColumn, PARAMETERS, ParameterValue};

/// Columns under way.
struct Columns {
    columns: Vec<(String, ArrayRef)>,
}

impl Columns {
    fn add(&mut self, name: impl Into<String>, array: impl arrow::array::Array + 'static) {
        self.columns.push((name.into(), Arc::new(array)));
    }

    fn batch(self) -> Result<RecordBatch, ArrowError> {
        RecordBatch::try_from_iter_with_nullable(self.columns.into_iter().map(|(name, array)| (name, array, true)))
    }
}

/// results.parquet: a row for each of `entries`, with columns for the `free` parameters of commands. Counts of rows
/// that have weights are sums of these: numbers, where they are whole numbers else.
pub(super) fn results(entries: &[&Entry], free: &[FreeColumn], has_weights: bool) -> Result<RecordBatch, ArrowError> {
    let rows: Vec<&ResultRow> = entries.iter().map(|entry| &entry.row).collect();
    let mut out = Columns { columns: Vec::new() };
    let text =
        |value: &dyn Fn(&ResultRow) -> Option<String>| rows.iter().map(|row| value(row)).collect::<StringArray>();
    let float = |value: &dyn Fn(&ResultRow) -> Option<f64>| rows.iter().map(|row| value(row)).collect::<Float64Array>();
    let int = |value: &dyn Fn(&ResultRow) -> Option<i64>| rows.iter().map(|row| value(row)).collect::<Int64Array>();
    let small = |value: &dyn Fn(&ResultRow) -> Option<u32>| {
        rows.iter().map(|row| value(row).and_then(|v| i32::try_from(v).ok())).collect::<Int32Array>()
    };
    let time = |value: &dyn Fn(&ResultRow) -> i64| {
        TimestampMicrosecondArray::from_iter_values(rows.iter().map(|row| value(row))).with_timezone("UTC")
    };
    out.add("trial_id", text(&|r| Some(r.trial_id.clone())));
    out.add("replicate", small(&|r| Some(r.replicate)));
    out.add("state", text(&|r| Some(state(r.state).into())));
    out.add("error", text(&|r| r.error.clone()));
    out.add("trainer", text(&|r| Some(r.trainer.clone())));
    out.add("trainer_fingerprint", text(&|r| r.trainer_fingerprint.clone()));
    out.add("phase", text(&|r| Some(r.phase.word().into())));
    out.add("fold", small(&|r| r.fold));
    out.add("repeat", small(&|r| r.repeat));
    for parameter in PARAMETERS {
        let value = |row: &ResultRow| row.hyperparameters.value(parameter);
        let number = |row: &ResultRow| match value(row) {
            Some(ParameterValue::Number(number)) => Some(number),
            _ => None,
        };
        let integer = |row: &ResultRow| match value(row) {
            Some(ParameterValue::Integer(integer)) => Some(integer),
            _ => None,
        };
        match parameter.column {
            ColumnType::Float => out.add(parameter.name, float(&number)),
            ColumnType::Integer => out.add(parameter.name, int(&integer)),
            ColumnType::Text => out.add(parameter.name, text(&|row| value(row).map(|value| value.to_string()))),
        }
    }
    for FreeColumn { name, column } in free {
        let value = |row: &ResultRow| row.hyperparameters.free_value(name, *column);
        match column {
            ColumnType::Float => out.add(name, float(&|row| value(row).and_then(|value| value.number()))),
            ColumnType::Integer => out.add(
                name,
                int(&|row| match value(row) {
                    Some(ParameterValue::Integer(value)) => Some(value),
                    _ => None,
                }),
            ),
            ColumnType::Text => out.add(name, text(&|row| value(row).map(|value| value.to_string()))),
        }
    }
    out.add("seed", rows.iter().map(|row| Some(row.seed)).collect::<UInt64Array>());
    out.add("split_fingerprint", text(&|r| Some(r.split_fingerprint.clone())));
    out.add("data_fingerprint", text(&|r| Some(r.data_fingerprint.clone())));
    out.add("device", text(&|r| Some(r.device.clone())));
    out.add("device_name", text(&|r| Some(r.device_name.clone())));
    out.add("host", text(&|r| Some(r.host.clone())));
    out.add("job_id", text(&|r| Some(r.job_id.clone())));
    out.add("stack_size", small(&|r| Some(r.stack_size)));
    out.add("epochs_run", small(&|r| Some(r.epochs_run)));
    out.add("best_epoch", small(&|r| r.best_epoch));
    out.add("train_seconds", float(&|r| Some(r.train_seconds)));
    out.add("started_at", time(&|r| r.started_at));
    out.add("finished_at", time(&|r| r.finished_at));
    type Measured = (Part, fn(&ResultRow) -> Option<&SplitMetrics>);
    let parts: [Measured; 3] = [
        (Part::Training, |r| r.train.as_ref()),
        (Part::Validation, |r| r.val.as_ref()),
        (Part::Test, |r| r.test.as_ref()),
    ];
    for (part, metrics_of) in parts {
        let number =
            |measure: fn(&SplitMetrics) -> Option<f64>| float(&|r: &ResultRow| metrics_of(r).and_then(measure));
        for metric in METRICS {
            let column = metric.column(part);
            match metric.source {
                Source::Scores(measure) => out.add(column.name(), number(measure)),
                Source::AtHalf(of_counts) => {
                    let counts = |r: &ResultRow| metrics_of(r).and_then(|metrics| metrics.confusion);
                    out.columns.push((column.name(), counted(&rows, (of_counts, has_weights), &counts)));
                }
                Source::ScoresToPoint(_) | Source::AtOperatingPoint(_) | Source::Weighed(_) | Source::Training => {}
            }
            if let Some(measure) = metric.standard_error {
                out.add(MetricColumn { is_error: true, ..column }.name(), number(measure));
            }
        }
    }
    out.add("threshold", float(&|r| r.threshold));
    out.add("threshold_raw", float(&|r| r.threshold_raw));
    type Counted = fn(&ResultRow) -> Option<Confusion>;
    let points: [Counted; 2] = [|r| r.val_op, |r| r.test_op];
    for ((part, metrics_of), counts) in parts[1..].iter().zip(points) {
        for metric in METRICS {
            let name = metric.column(*part).name();
            match metric.source {
                Source::ScoresToPoint(measure) => {
                    out.add(name, float(&|r: &ResultRow| metrics_of(r).and_then(measure)));
                }
                Source::AtOperatingPoint(of_counts) => {
                    out.columns.push((name, counted(&rows, (of_counts, has_weights), &counts)));
                }
                Source::Scores(_) | Source::AtHalf(_) | Source::Weighed(_) | Source::Training => {}
            }
        }
    }
    let batch = out.batch()?;
    // A reader cannot know these by their names.
    let marked = |field: &Arc<Field>| {
        if free.iter().any(|free| free.name == *field.name()) {
            let pair = (FREE_PARAMETER.to_owned(), "true".to_owned());
            Arc::new(field.as_ref().clone().with_metadata([pair]))
        } else {
            Arc::clone(field)
        }
    };
    let fields: Vec<Arc<Field>> = batch.schema().fields().iter().map(marked).collect();
    batch.with_schema(Arc::new(Schema::new(fields)))
}

/// What marks the column of a command's parameter in a file's schema.
pub const FREE_PARAMETER: &str = "focalsweep.parameter";

/// What is made of each row's counts: whole numbers, sums of weights, or shares.
fn counted(
    rows: &[&ResultRow],
    (of_counts, has_weights): (OfCounts, bool),
    counts: &dyn Fn(&ResultRow) -> Option<Confusion>,
) -> ArrayRef {
    let of_rows = || rows.iter().map(|row| counts(row));
    match of_counts {
        OfCounts::Count(count) if !has_weights => {
            Arc::new(of_rows().map(|c| c.map(|c| count(&c) as i64)).collect::<Int64Array>())
        }
        OfCounts::Count(count) => Arc::new(of_rows().map(|c| c.map(|c| count(&c))).collect::<Float64Array>()),
        OfCounts::Share(share) => Arc::new(of_rows().map(|c| c.as_ref().and_then(share)).collect::<Float64Array>()),
    }
}

/// history.parquet: a row for each epoch of `entries`.
pub(super) fn history(entries: &[&Entry]) -> Result<RecordBatch, ArrowError> {
    let rows = || entries.iter().flat_map(|entry| entry.history.iter().map(|epoch| (&entry.row, epoch)));
    let mut out = Columns { columns: Vec::new() };
    let small = |value: u32| i32::try_from(value).ok();
    out.add("trial_id", rows().map(|(row, _)| Some(row.trial_id.as_str())).collect::<StringArray>());
    out.add("replicate", rows().map(|(row, _)| small(row.replicate)).collect::<Int32Array>());
    out.add("phase", rows().map(|(row, _)| Some(row.phase.word())).collect::<StringArray>());
    out.add("epoch", rows().map(|(_, epoch)| small(epoch.epoch)).collect::<Int32Array>());
    // Of a command's epochs what it did not say is null.
    let said =
        |row: &ResultRow, value: f64| Some(value).filter(|v| row.hyperparameters.command.is_none() || !v.is_nan());
    out.add("train_loss", rows().map(|(row, epoch)| said(row, epoch.train_loss)).collect::<Float64Array>());
    out.add("val_loss", rows().map(|(row, epoch)| said(row, epoch.val_loss)).collect::<Float64Array>());
    out.add("val_auc", rows().map(|(_, epoch)| epoch.val_auc).collect::<Float64Array>());
    out.add("learning_rate", rows().map(|(row, epoch)| said(row, epoch.learning_rate)).collect::<Float64Array>());
    out.add("seconds", rows().map(|(_, epoch)| Some(epoch.seconds)).collect::<Float64Array>());
    out.batch()
}

/// curves.parquet: a row for each corner of the ROC curves of trials and replicates.
pub(super) fn curves(curves: &[(&str, u32, &[RocCorner])]) -> Result<RecordBatch, ArrowError> {
    let rows = || {
        curves.iter().flat_map(|&(trial, replicate, corners)| {
            let all = corners.last().map_or((0, 0), |all| (all.fp, all.tp));
            corners.iter().map(move |corner| ((trial, replicate), corner, all))
        })
    };
    let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64);
    let mut out = Columns { columns: Vec::new() };
    out.add("trial_id", rows().map(|((trial, _), ..)| Some(trial)).collect::<StringArray>());
    out.add("replicate", rows().map(|((_, replicate), ..)| i32::try_from(replicate).ok()).collect::<Int32Array>());
    out.add("split", rows().map(|_| Some("train")).collect::<StringArray>());
    out.add("fpr", rows().map(|(_, corner, (negatives, _))| share(corner.fp, negatives)).collect::<Float64Array>());
    out.add("tpr", rows().map(|(_, corner, (_, positives))| share(corner.tp, positives)).collect::<Float64Array>());
    let raw = |corner: &RocCorner| corner.threshold.map(f64::from);
    let score = |corner: &RocCorner| raw(corner).map(|raw| logistic(raw) as f32);
    out.add("threshold", rows().map(|(_, corner, _)| score(corner)).collect::<Float32Array>());
    out.add("threshold_raw", rows().map(|(_, corner, _)| raw(corner)).collect::<Float64Array>());
    out.batch()
}

/// Schema of scores.parquet, of rows that come in units or not, and have weights or not.
pub(super) fn scores_schema(has_units: bool, has_weights: bool) -> Schema {
    let word = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let mut fields = vec![
        Field::new("trial_id", word(), true),
        Field::new("replicate", DataType::Int32, true),
        Field::new("phase", word(), true),
        Field::new("split", word(), true),
        Field::new("row", DataType::Int64, true),
        Field::new("label", DataType::Int8, true),
        Field::new("raw", DataType::Float64, true),
        Field::new("score", DataType::Float32, true),
    ];
    if has_units {
        fields.push(Field::new("unit", DataType::Int64, true));
    }
    if has_weights {
        fields.push(Field::new("weight", DataType::Float64, true));
    }
    Schema::new(fields)
}

/// Rows of scores.parquet under way.
#[derive(Default)]
pub(super) struct Scores {
    ids: Vec<String>,
    id: Vec<i32>,
    replicate: Vec<i32>,
    phase: Vec<i32>,
    split: Vec<i32>,
    row: Vec<i64>,
    label: Vec<i8>,
    raw: Vec<f64>,
    score: Vec<f32>,
    /// Empty where rows stand for themselves.
    unit: Vec<i64>,
    /// Empty where each row counts once.
    weight: Vec<f64>,
}

impl Scores {
    /// The words of the column `split`, in the order of [`Replicate::scored`](crate::prepared::Replicate::scored).
    const SPLITS: [&str; 3] = ["validation", "test", "calibration"];
    /// The words of the column `phase`.
    const PHASES: [Phase; 2] = [Phase::Search, Phase::Confirm];

    /// Rows so far.
    pub(super) fn len(&self) -> usize {
        self.raw.len()
    }

    /// Adds the scores of one (trial, replicate): logits and probabilities of each part of its rows.
    pub(super) fn add(
        &mut self,
        (trial, replicate, phase): (&str, u32, Phase),
        parts: [&Rows; 3],
        scores: [[Vec<f32>; 2]; 3],
    ) {
        if self.ids.last().is_none_or(|last| last != trial) {
            self.ids.push(trial.to_owned());
        }
        let id = self.ids.len() as i32 - 1;
        let phase = Self::PHASES.iter().position(|one| *one == phase).unwrap_or_default() as i32;
        for (split, (rows, [raw, scores])) in parts.into_iter().zip(scores).enumerate() {
            if raw.is_empty() {
                continue; // they were not kept
            }
            let n = self.raw.len() + raw.len();
            self.id.resize(n, id);
            self.replicate.resize(n, replicate as i32);
            self.phase.resize(n, phase);
            self.split.resize(n, split as i32);
            self.row.extend(rows.source_rows.iter().map(|&row| i64::from(row)));
            self.label.extend(rows.y.iter().map(|&label| label as i8));
            self.raw.extend(raw.into_iter().map(f64::from));
            // There may be no probabilities.
            self.score.extend(scores);
            self.score.resize(n, f32::NAN);
            self.unit.extend(rows.units.iter().map(|&unit| i64::from(unit)));
            self.weight.extend(rows.weights.iter());
        }
    }

    /// What was added, as a batch.
    pub(super) fn batch(self) -> Result<RecordBatch, ArrowError> {
        let words = |keys: Vec<i32>, words: StringArray| {
            DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), Arc::new(words))
        };
        let (has_units, has_weights) = (!self.unit.is_empty(), !self.weight.is_empty());
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(words(self.id, StringArray::from(self.ids))?),
            Arc::new(Int32Array::from(self.replicate)),
            Arc::new(words(self.phase, StringArray::from(Self::PHASES.map(Phase::word).to_vec()))?),
            Arc::new(words(self.split, StringArray::from(Self::SPLITS.to_vec()))?),
            Arc::new(Int64Array::from(self.row)),
            Arc::new(Int8Array::from(self.label)),
            Arc::new(Float64Array::from(self.raw)),
            Arc::new(if self.score.iter().any(|score| score.is_nan()) {
                self.score.into_iter().map(|score| Some(score).filter(|score| !score.is_nan())).collect()
            } else {
                Float32Array::from(self.score)
            }),
        ];
        if has_units {
            columns.push(Arc::new(Int64Array::from(self.unit)));
        }
        if has_weights {
            columns.push(Arc::new(Float64Array::from(self.weight)));
        }
        RecordBatch::try_new(Arc::new(scores_schema(has_units, has_weights)), columns)
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Finished => "finished",
        State::Failed => "failed",
        State::Stopped => "stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_columns_keep_their_names_and_order() {
        let schema = results(&[], &[], false).unwrap().schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let metrics: Vec<&str> =
            names.iter().copied().filter(|name| MetricColumn::named(name).is_some_and(|c| c.part.is_some())).collect();
        let of_split = |prefix: &str| {
            let bare =
                "loss auc auc_se average_precision tp fp tn fn accuracy precision recall f1 mcc brier".split(' ');
            bare.map(|name| format!("{prefix}_{name}")).collect::<Vec<_>>()
        };
        let at_point = |prefix: &str| {
            let bare = "op_tp op_fp op_tn op_fn op_precision op_recall op_fpr partial_auc precision_at_k".split(' ');
            bare.map(|name| format!("{prefix}_{name}")).collect::<Vec<_>>()
        };
        let parts = ["train", "val", "test"].map(of_split).concat();
        assert_eq!(metrics, [parts, ["val", "test"].map(at_point).concat()].concat());
        for of_training in ["epochs_run", "best_epoch", "train_seconds", "threshold"] {
            assert!(names.contains(&of_training), "{of_training}");
        }
    }
}
