//! `predict`: scores of new rows by an exported model.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use tempfile::NamedTempFile;

use super::predicted::Labelled;
use super::scored::{Scored, Scorer};
use super::spec::closed;
use crate::cli::{PredictArgs, StreamFormat};
use crate::output::{self, Failure, Plain};
use focalsweep_core::record::{
    PREDICTION_COLUMNS, Predictions, PredictionsFormat, stream_predictions, write_named, write_predictions,
};
use focalsweep_engine::data::{Table, Unfamiliar, take_stream};
use focalsweep_report::thousands;

/// The name of standard input and output.
const STREAM: &str = "-";

pub(super) fn predict(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let to_stdout = args.out == Path::new(STREAM);
    let format = format(args, to_stdout)?;
    check_kept(&args.keep)?;
    let scorer = Scorer::read(&args.model_dir)?;
    let stdin = if args.data == Path::new(STREAM) {
        Some(take_stream(io::stdin().lock()).map_err(Failure::input)?)
    } else {
        None
    };
    let data = stdin.as_ref().map_or(args.data.as_path(), NamedTempFile::path);
    let Scored { raw, scores, flagged, threshold, threshold_raw, unfamiliar, table, label } =
        scorer.score(&args.model_dir, data, &args.keep)?;
    let count = flagged.iter().filter(|flagged| **flagged == Some(true)).count();
    let rows = raw.len();
    let labelled = Labelled::of(label, &raw, &flagged);
    let notes = json!({ "rows": rows, "unfamiliar": unfamiliar, "label": labelled });
    let predictions = Predictions {
        raw,
        scores,
        flagged,
        threshold_raw,
        kept: args.keep.iter().map(|name| (name.clone(), cells(&table, name))).collect(),
        notes: Some(notes.to_string()),
    };
    let told = match (threshold, threshold_raw) {
        (Some(t), _) => format!("{} flagged at threshold {t:.3}", thousands(count)),
        (None, Some(raw)) => format!("{} flagged from {raw:.4} on", thousands(count)),
        (None, None) => "no threshold, so none is flagged".to_owned(),
    };
    let from = if stdin.is_some() { "standard input".to_owned() } else { args.data.display().to_string() };
    output::talk(&format!("scored {} rows of {from}: {told}", thousands(rows)));
    if !unfamiliar.is_empty() {
        output::warn(&format!("of {} rows {}", thousands(rows), Unfamiliar::in_words(&unfamiliar)));
    }
    if let Some(labelled) = &labelled {
        output::talk(&labelled.in_words());
    }
    if let Some(path) = &args.metrics {
        let text = format!("{notes:#}\n");
        write_named::<io::Error>(path, |out| out.write_all(text.as_bytes())).map_err(|e| unwritten(path, &e))?;
    }
    if to_stdout {
        let mut bytes = Vec::new();
        stream_predictions(&mut bytes, format, &predictions).map_err(closed)?;
        output::bytes(&[&bytes]).map_err(closed)?;
    } else {
        write_predictions(&args.out, format, &predictions).map_err(|e| unwritten(&args.out, &e))?;
        output::path(&args.out).map_err(closed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How the predictions are written: a file's name says it, `--format` that of a stream.
fn format(args: &PredictArgs, to_stdout: bool) -> Result<PredictionsFormat, Failure> {
    let refused = |message: String, help: &str| {
        let help = Some(help.to_owned());
        Err(Failure::input(Plain { message, help }))
    };
    match (to_stdout, args.format) {
        (true, Some(StreamFormat::Arrow)) if io::stdout().is_terminal() => {
            let message = "--format arrow would write an Arrow stream to a terminal".to_owned();
            refused(message, "send it on (`| …`) or to a file (`> FILE`), or leave --format out for CSV")
        }
        (true, Some(StreamFormat::Arrow)) => Ok(PredictionsFormat::Arrow),
        (true, Some(StreamFormat::Csv) | None) => Ok(PredictionsFormat::Csv),
        (false, Some(_)) => {
            let message = format!("--format is for `--out -`, but --out is {}", args.out.display());
            refused(message, "the ending of a file's name says how it is written: .csv or .parquet")
        }
        (false, None) => PredictionsFormat::of(&args.out).map_or_else(
            || {
                let message = format!("--out {} is neither a .csv nor a .parquet file by its name", args.out.display());
                refused(
                    message,
                    "its ending says how it is written; `-` is standard output, as CSV or `--format arrow`",
                )
            },
            Ok,
        ),
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", path.display());
    Failure::environment(Plain { message, help: Some("its folder has to be there and writable".to_owned()) })
}

/// Refuses columns to keep that would stand there twice.
fn check_kept(keep: &[String]) -> Result<(), Failure> {
    let of_ours = keep.iter().find(|name| PREDICTION_COLUMNS.contains(&name.as_str()));
    let twice = keep.iter().enumerate().find(|(at, name)| keep[..*at].contains(name)).map(|(_, name)| name);
    let (name, why) = match (of_ours, twice) {
        (Some(name), _) => (name, "is a column that is written anyway"),
        (None, Some(name)) => (name, "is there twice"),
        (None, None) => return Ok(()),
    };
    let help = Some("rename the column in the data, or leave it out".to_owned());
    Err(Failure::input(Plain { message: format!("--keep {name} {why}"), help }))
}

/// The cells of a column as they are written.
fn cells(table: &Table, name: &str) -> Vec<Option<String>> {
    let Some(column) = table.column(name) else { return vec![None; table.rows] };
    (0..table.rows).map(|row| (!column.values.is_missing(row)).then(|| column.values.show(row))).collect()
}
