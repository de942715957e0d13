//! `export`: a trained model in a directory of its own.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::export_ensemble::export_ensemble;
use super::export_kept::export_kept;
use super::export_onnx::export_onnx;
use super::export_refit::export_refit;
use super::exported::{model, refused, row, trial_named, unwritten};
use super::report::ranked_by;
use super::spec::closed;
use crate::cli::{ExportArgs, ExportFormat};
use crate::output::{self, Failure};
use crate::run::{Look, WITH_INTERVALS, report_of};
use focalsweep_core::plan::Phase;
use focalsweep_core::record::{ModelDirError, RunFiles, State, write_model_dir, write_named};
use focalsweep_core::shell::quoted;
use focalsweep_report::{self as report, CardOf, ENSEMBLE, Options, Results, Row, Scores, model_card};

/// What people should know of a model, in its folder.
const CARD: &str = "model-card.md";

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

pub(super) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    if args.format == ExportFormat::Onnx {
        return export_onnx(args);
    }
    let made = into_folder(args)?;
    let usage = made
        .scored_by
        .clone()
        .unwrap_or_else(|| format!("`focalsweep predict {} DATA --out FILE` scores rows with it", quoted(&args.out)));
    write_card(&args.out.join(CARD), args, &made, &usage)?;
    output::talk(&format!("exported {}; {usage}", made.what));
    output::path(&args.out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes the folder of a model that `--out` names.
pub(super) fn into_folder(args: &ExportArgs) -> Result<Made, Failure> {
    let files = report::run_files(&args.run_dir)?;
    let results = report::read(&files)?;
    if args.trial == ENSEMBLE && args.refit {
        let message = "--refit: an average is weighed by rows that its members were not trained on".to_owned();
        return Err(refused(message, "`--trial best --refit`, or `--trial ensemble` without it"));
    }
    if args.trial == ENSEMBLE {
        return export_ensemble(args, &files, &results);
    }
    let trial = trial(args, &files, &results)?;
    if args.refit {
        return export_refit(args, &results, &trial);
    }
    let row = row(&results, &trial, args.replicate)?;
    if let Some(trainer) = &row.trainer {
        return export_kept(args, &files, (&results, row), trainer);
    }
    let (card, preprocessing, weights) = model(args, &files, &results, row)?;
    write_model_dir(&args.out, &card, &preprocessing, &weights).map_err(unwritten)?;
    if row.state == State::Stopped {
        let epochs = results.value(row, "epochs_run").unwrap_or_default();
        output::warn(&format!("`early_terminate` ended it after {epochs} epochs: it was not trained to its end"));
    }
    let what = format!(
        "{} (trial {trial}, replicate {}, threshold {})",
        in_words(&results, row),
        row.replicate,
        card.threshold.map_or_else(|| "none".to_owned(), |t| format!("{t:.3}")),
    );
    Ok(Made { trial, replicate: row.replicate, what, scored_by: None })
}

/// Writes what people should know of the model beside it.
pub(super) fn write_card(path: &Path, args: &ExportArgs, made: &Made, usage: &str) -> Result<(), Failure> {
    let look = Look::from(report::run_files(&args.run_dir)?);
    let by = ranked_by(&look.files);
    let (scores, options) = (Scores::of(&look.files), Options { by: by.by, on: by.on, top: None });
    let (_, found) = report_of((&look, &scores), &options, (None, Phase::Search), WITH_INTERVALS)?;
    let exported = CardOf { trial: &made.trial, replicate: made.replicate, is_refit: args.refit, usage };
    // An average that the report does not show has no figures there.
    let Some(card) = model_card(&found, &exported, (look.files.manifest(), look.files.spec().ok().as_ref())) else {
        return Ok(());
    };
    let failed = |why: io::Error| unwritten(ModelDirError::Write { path: path.to_owned(), why });
    write_named::<io::Error>(path, |out| out.write_all(card.as_bytes())).map_err(failed)
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
