//! `export`: a trained model in a directory of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::export_ensemble::export_ensemble;
use super::exported::{metrics, model, refused, row, trial_named, unwritten};
use super::report::ranked_by;
use super::spec::closed;
use crate::cli::ExportArgs;
use crate::launch::command::kept_model;
use crate::output::{self, Failure};
use focalsweep_core::record::{ModelDirError, RunFiles, State, write_atomically, write_model_dir};
use focalsweep_core::shell::quoted;
use focalsweep_report::{self as report, ENSEMBLE, Options, Results, Row};

pub(super) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let files = report::run_files(&args.run_dir)?;
    let results = report::read(&files)?;
    if args.trial == ENSEMBLE {
        return export_ensemble(args, &files, &results);
    }
    let trial = trial(args, &files, &results)?;
    let row = row(&results, &trial, args.replicate)?;
    if let Some(trainer) = &row.trainer {
        return export_kept(args, (&results, row), trainer);
    }
    let (card, preprocessing, weights) = model(args, &files, &results, row)?;
    write_model_dir(&args.out, &card, &preprocessing, &weights).map_err(unwritten)?;
    output::talk(&format!(
        "exported {} (trial {trial}, replicate {}, threshold {}); \
         `focalsweep predict {} DATA --out FILE` scores rows with it",
        in_words(&results, row),
        row.replicate,
        card.threshold.map_or_else(|| "none".to_owned(), |t| format!("{t:.3}")),
        quoted(&args.out)
    ));
    if row.state == State::Stopped {
        let epochs = results.value(row, "epochs_run").unwrap_or_default();
        output::warn(&format!("`early_terminate` ended it after {epochs} epochs: it was not trained to its end"));
    }
    output::path(&args.out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// Copies what a command kept of its training, with a card beside.
fn export_kept(args: &ExportArgs, (results, row): (&Results, &Row), trainer: &str) -> Result<ExitCode, Failure> {
    let from = kept_model(&args.run_dir, &row.trial_id, row.replicate);
    if !from.is_dir() {
        let message = format!("`{trainer}` kept no model of trial {}, replicate {}", row.trial_id, row.replicate);
        return Err(refused(message, "what a command writes under `out/model/` is kept, up to 1 GiB"));
    }
    if args.out.exists() && !fs::read_dir(&args.out).is_ok_and(|mut there| there.next().is_none()) {
        return Err(Failure::input(ModelDirError::Taken(args.out.clone())));
    }
    let named = results.parameters.iter().zip(&row.parameters).filter(|(name, _)| *name != "trainer");
    let parameters: BTreeMap<&str, String> =
        named.filter_map(|(name, value)| Some((name.as_str(), value.as_ref()?.to_string()))).collect();
    let card = json!({
        "program": concat!("focalsweep ", env!("CARGO_PKG_VERSION")),
        "sweep": results.name, "trial_id": row.trial_id, "replicate": row.replicate, "trainer": trainer,
        "trainer_fingerprint": row.trainer_fingerprint, "parameters": parameters,
        "threshold": results.value(row, "threshold"), "threshold_raw": results.value(row, "threshold_raw"),
        "data_fingerprint": row.data_fingerprint, "split_fingerprint": row.split_fingerprint,
        "validation": metrics(results, &row.metrics, "val_"), "test": metrics(results, &row.metrics, "test_"),
    });
    let failed = |why: io::Error| Failure::environment(ModelDirError::Write { path: args.out.clone(), why });
    copy(&from, &args.out.join("model")).map_err(failed)?;
    let path = args.out.join("trainer.json");
    write_atomically::<io::Error>(&path, |out| out.write_all(format!("{card:#}\n").as_bytes())).map_err(failed)?;
    output::talk(&format!(
        "exported what `{trainer}` kept of trial {}, replicate {}; rows are scored by what wrote it",
        row.trial_id, row.replicate
    ));
    output::path(&args.out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// Copies the files of a folder; links are left out, since what they name is elsewhere.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let (entry, kind) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind)))?;
        let to = to.join(entry.file_name());
        if kind.is_dir() {
            copy(&entry.path(), &to)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

/// The id that `--trial` names.
fn trial(args: &ExportArgs, files: &RunFiles, results: &Results) -> Result<String, Failure> {
    if args.trial == "best" {
        let by = ranked_by(files);
        let ranking = report::rank(results, &Options { by: by.by, on: by.on, top: None })?;
        let winner = ranking.winner().map(|ranked| ranked.trial.trial_id.clone());
        return winner.ok_or_else(|| refused("no trial of this run finished".to_owned(), "see its error column"));
    }
    let ids: BTreeSet<String> = results.rows.iter().map(|row| row.trial_id.clone()).collect();
    trial_named("--trial", &args.trial, &ids.into_iter().collect::<Vec<_>>(), &args.run_dir)
}

/// `loss focal, alpha 0.25, gamma 2, …`: what differs between trials, or all when there is one.
fn in_words(results: &Results, row: &Row) -> String {
    let varies = |at: usize| results.rows.iter().any(|other| other.parameters[at] != row.parameters[at]);
    let named = results.parameters.iter().zip(&row.parameters).enumerate();
    let words = named.filter_map(|(at, (name, value))| {
        let value = value.as_ref()?;
        (name == "loss" || varies(at)).then(|| format!("{name} {value}"))
    });
    words.collect::<Vec<_>>().join(", ")
}
