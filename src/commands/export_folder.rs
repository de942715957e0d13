//! The folder of an exported model: of one trial, of an average, of a command, or trained again on all rows.

use std::collections::BTreeSet;

use super::export_ensemble::export_ensemble;
use super::export_kept::export_kept;
use super::export_refit::export_refit;
use super::exported::{Made, model, refused, row, trial_named, unwritten};
use super::report::ranked_by;
use crate::cli::ExportArgs;
use crate::output::{self, Failure};
use focalsweep_core::record::{RunFiles, State, write_model_dir};
use focalsweep_report::{self as report, ENSEMBLE, Options, Results, Row};

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

/// The id that `--trial` names.
fn trial(args: &ExportArgs, files: &RunFiles, results: &Results) -> Result<String, Failure> {
    if args.trial == "best" {
        let by = ranked_by(files);
        let ranking = report::rank(results, &Options::from(by))?;
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
