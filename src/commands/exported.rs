//! What is exported: which trial is meant, its row and its model, and what is said where there is none.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::ExportArgs;
use crate::output::{Failure, Plain};
use crate::run::RunError;
use focalsweep_core::record::{MODELS, ModelCard, ModelDirError, RunFiles, State, find_model};
use focalsweep_core::shell::quoted;
use focalsweep_report::{Results, Row};

/// Fewest characters of an id that name a trial.
const SHORTEST: usize = 4;

/// What was exported.
pub(super) struct Made {
    /// The trial's id, or `ensemble`.
    pub(super) trial: String,
    /// The replicate; the first that it has not, where all rows trained it.
    pub(super) replicate: u32,
    /// In words.
    pub(super) what: String,
    /// What scores rows with it, where `focalsweep predict` does not.
    pub(super) scored_by: Option<String>,
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

fn when_models_are_there(run_dir: &Path) -> String {
    format!("models are written when a run ends: `focalsweep run SPEC --out {} --resume` finishes it", quoted(run_dir))
}

pub(super) fn refused(message: String, help: &str) -> Failure {
    Failure::input(Plain { message, help: Some(help.to_owned()) })
}
