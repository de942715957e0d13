//! `export --trial ensemble`: the average of a run's best trials in a directory of its own.

use super::exported::{Made, metrics, model, refused, row, unwritten};
use super::report::ranked_by;
use crate::cli::ExportArgs;
use crate::output::{self, Failure};
use crate::run::on_all_cores;
use focalsweep_core::metrics::Scale;
use focalsweep_core::record::{EnsembleCard, MemberToWrite, RunFiles, write_ensemble_dir};
use focalsweep_report::{self as report, ENSEMBLE, Ensemble, EnsembleReplicate, Options, Results, Scores};

pub(super) fn export_ensemble(args: &ExportArgs, files: &RunFiles, results: &Results) -> Result<Made, Failure> {
    let by = ranked_by(files);
    let ranking = report::rank(results, &Options::from(by))?;
    let scores = Scores::of(files);
    scores.keep(&on_all_cores)?;
    let ensemble = Ensemble::of(&scores, results, &ranking, &on_all_cores)?;
    let ensemble = ensemble.map_err(|why| {
        refused(format!("--trial ensemble: there is no average of this run's trials: {why}"), "`--trial best`")
    })?;
    let replicate = of_replicate(&ensemble, args.replicate)?;
    let mut members = Vec::with_capacity(ensemble.members.len());
    for (member, scale) in ensemble.members.iter().zip(&replicate.scales) {
        let Scale::Platt(platt) = *scale else {
            let message = format!("--trial ensemble: trial {} says no probabilities", member.trial_id);
            return Err(refused(message, "an average of places is of this run's rows alone: `--trial best`"));
        };
        let row = row(results, &member.trial_id, Some(replicate.replicate))?;
        let (card, preprocessing, weights) = model(args, files, results, row)?;
        members.push(MemberToWrite { weight: member.weight, platt, card, preprocessing, weights });
    }
    let mut card = EnsembleCard::new(&results.name, replicate.replicate, ensemble.rule);
    (card.threshold, card.threshold_raw) =
        replicate.threshold.map_or((None, None), |threshold| (Some(threshold.score), Some(threshold.raw)));
    if let Some(first) = members.first() {
        card.data_fingerprint.clone_from(&first.card.data_fingerprint);
        card.split_fingerprint.clone_from(&first.card.split_fingerprint);
    }
    card.validation = metrics(results, &replicate.metrics, "val_");
    card.test = metrics(results, &replicate.metrics, "test_");
    write_ensemble_dir(&args.out, &card, &members).map_err(unwritten)?;
    if !ensemble.earns_its_row() {
        output::warn(&format!(
            "on validation rows that had not chosen it this average gains {:.4} ± {:.4} over the best trial \
             alone, so the report does not show it",
            ensemble.gain, ensemble.gain_error
        ));
    }
    let what = format!(
        "an average of {} trials (replicate {}, threshold {})",
        members.len(),
        replicate.replicate,
        card.threshold.map_or_else(|| "none".to_owned(), |t| format!("{t:.3}")),
    );
    Ok(Made { trial: ENSEMBLE.to_owned(), replicate: replicate.replicate, what, scored_by: None })
}

/// The replicate asked for, else the first.
fn of_replicate(ensemble: &Ensemble, asked: Option<u32>) -> Result<&EnsembleReplicate, Failure> {
    let wanted = |replicate: &&EnsembleReplicate| asked.is_none_or(|asked| replicate.replicate == asked);
    ensemble.replicates.iter().find(wanted).ok_or_else(|| {
        let there: Vec<String> = ensemble.replicates.iter().map(|of| of.replicate.to_string()).collect();
        let message = format!("--replicate {}: the average has no such replicate", asked.unwrap_or(0));
        refused(message, &format!("its replicates are {} (they count from 0)", there.join(", ")))
    })
}
