//! `export`: a trained model in a directory of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use super::export_ensemble::export_ensemble;
use super::report::ranked_by;
use super::spec::closed;
use crate::cli::ExportArgs;
use crate::output::{self, Failure, Plain};
use crate::run::RunError;
use focalsweep_core::record::{MODELS, ModelCard, ModelDirError, RunFiles, State, find_model, write_model_dir};
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

/// The id that `--trial` names.
fn trial(args: &ExportArgs, files: &RunFiles, results: &Results) -> Result<String, Failure> {
    if args.trial == "best" {
        let by = ranked_by(files);
        let ranking = report::rank(results, &Options { by: by.by, on: by.on, top: None })?;
        let winner = ranking.winner().map(|ranked| ranked.trial.trial_id.clone());
        return winner.ok_or_else(|| refused("no trial of this run finished".to_owned(), "see its error column"));
    }
    let ids: BTreeSet<&str> = results.rows.iter().map(|row| row.trial_id.as_str()).collect();
    let found: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with(&args.trial)).collect();
    let list = format!("`focalsweep report {} --format csv` lists them", quoted(&args.run_dir));
    match found.as_slice() {
        [id] if args.trial.len() >= SHORTEST => Ok((*id).to_owned()),
        [] => Err(refused(format!("--trial {}: none of the {} trials has that id", args.trial, ids.len()), &list)),
        _ if args.trial.len() < SHORTEST => {
            Err(refused(format!("--trial {}: an id needs {SHORTEST} characters or more", args.trial), &list))
        }
        more => Err(refused(format!("--trial {} is not unique: {}", args.trial, more.join(", ")), "add a character")),
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
