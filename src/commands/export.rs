//! `export`: a trained model in a directory of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::export_ensemble::export_ensemble;
use super::report::ranked_by;
use super::spec::closed;
use crate::cli::ExportArgs;
use crate::launch::command::kept_model;
use crate::output::{self, Failure, Plain};
use crate::run::RunError;
use focalsweep_core::record::{
    MODELS, ModelCard, ModelDirError, RunFiles, State, find_model, write_atomically, write_model_dir,
};
use focalsweep_core::shell::quoted;
use focalsweep_report::{self as report, ENSEMBLE, Options, Results, Row};

/// Fewest characters of an id that name a trial.
const SHORTEST: usize = 4;

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
    output::path(&args.out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// The model of a row, with what makes its inputs and what is known of it.
pub(super) fn model(
    args: &ExportArgs,
    files: &RunFiles,
    results: &Results,
    row: &Row,
) -> Result<(ModelCard, Vec<u8>, Vec<u8>), Failure> {
    let trial = &row.trial_id;
    let models = args.run_dir.join(MODELS);
    let job_id = row.timing.as_ref().map(|timing| timing.job_id.as_str());
    let weights = find_model(files, job_id, trial, row.replicate).map_err(RunError::from)?;
    let weights = weights.ok_or_else(|| {
        let message = format!("{} has no model of trial {trial}, replicate {}", models.display(), row.replicate);
        refused(message, &when_models_are_there(&args.run_dir))
    })?;
    let name = format!("{MODELS}/preprocessing-r{}.json", row.replicate);
    let preprocessing = files.bytes(&name)?.ok_or_else(|| {
        refused(format!("there is no {}", files.path(&name).display()), &when_models_are_there(&args.run_dir))
    })?;
    let mut card = ModelCard::of(&weights, &results.name).map_err(|why| {
        let help = Some("it was not written by focalsweep, or changed since".to_owned());
        let model = format!("{}, trial {trial}, replicate {}", models.display(), row.replicate);
        Failure::input(Plain { message: format!("{model}: {why}"), help })
    })?;
    card.data_fingerprint.clone_from(&row.data_fingerprint);
    card.split_fingerprint.clone_from(&row.split_fingerprint);
    card.validation = metrics(results, &row.metrics, "val_");
    card.test = metrics(results, &row.metrics, "test_");
    Ok((card, preprocessing, weights))
}

/// Who is to blame that a directory was not written.
pub(super) fn unwritten(error: ModelDirError) -> Failure {
    match error {
        ModelDirError::Write { .. } => Failure::environment(error),
        _ => Failure::input(error),
    }
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

/// The one of `ids` that begins with `asked`, which `option` said.
pub(super) fn trial_named(option: &str, asked: &str, ids: &[String], run_dir: &Path) -> Result<String, Failure> {
    let found: Vec<&str> = ids.iter().map(String::as_str).filter(|id| id.starts_with(asked)).collect();
    let list = format!("`focalsweep report {} --format csv` lists them", quoted(run_dir));
    match found.as_slice() {
        [id] if asked.len() >= SHORTEST => Ok((*id).to_owned()),
        [] => Err(refused(format!("{option} {asked}: none of the {} trials has that id", ids.len()), &list)),
        _ if asked.len() < SHORTEST => {
            Err(refused(format!("{option} {asked}: an id needs {SHORTEST} characters or more"), &list))
        }
        more => Err(refused(format!("{option} {asked} is not unique: {}", more.join(", ")), "add a character")),
    }
}

/// The row of the trial's replicate: the one asked for, else the first that finished. Not the one of the best
/// validation value: replicates have different validation rows, so that would be the one with the easiest rows.
pub(super) fn row<'a>(results: &'a Results, trial: &str, replicate: Option<u32>) -> Result<&'a Row, Failure> {
    let mut rows: Vec<&Row> = results.rows.iter().filter(|row| row.trial_id == trial).collect();
    rows.sort_by_key(|row| row.replicate);
    let wanted = match replicate {
        Some(replicate) => rows.iter().find(|row| row.replicate == replicate),
        None => rows.iter().find(|row| row.state != State::Failed).or(rows.first()),
    };
    match wanted {
        Some(row) if row.state != State::Failed => Ok(row),
        Some(row) => {
            let why = row.error.as_deref().unwrap_or("no reason recorded");
            Err(refused(format!("trial {trial}, replicate {} failed: {why}", row.replicate), "it has no model"))
        }
        None => {
            let there: Vec<String> = rows.iter().map(|row| row.replicate.to_string()).collect();
            let asked = replicate.unwrap_or(0);
            let help = format!("its replicates are {} (they count from 0)", there.join(", "));
            Err(refused(format!("--replicate {asked}: trial {trial} has no such replicate"), &help))
        }
    }
}

/// Figures by the names of their columns without the prefix of the rows.
pub(super) fn metrics(results: &Results, figures: &[Option<f64>], prefix: &str) -> BTreeMap<String, Option<f64>> {
    let named = results.metrics.iter().zip(figures);
    named.filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), *value))).collect()
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

fn when_models_are_there(run_dir: &Path) -> String {
    format!("models are written when a run ends: `focalsweep run SPEC --out {} --resume` finishes it", quoted(run_dir))
}

pub(super) fn refused(message: String, help: &str) -> Failure {
    Failure::input(Plain { message, help: Some(help.to_owned()) })
}
