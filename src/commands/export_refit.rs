//! `export --refit`: a setting trained on all rows of its run, in a directory of its own.

use super::exported::{Made, metrics, refused, unwritten};
use crate::cli::ExportArgs;
use crate::output::{self, Failure};
use crate::run::{Refitted, refit};
use focalsweep_core::record::{ModelCard, ModelDirError, Refit, State, model_file, write_model_dir};
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::OperatingPoint;
use focalsweep_report::{Results, Row, thousands};

/// Whose figures the card has.
const FIGURES: &str = "`validation` and `test` are means over the models of these replicates, each trained on a part of \
                       the rows; this model was trained on all of them, so nothing has measured it";

pub(super) fn export_refit(args: &ExportArgs, results: &Results, trial: &str) -> Result<Made, Failure> {
    let mut rows: Vec<&Row> = results.rows.iter().filter(|row| row.trial_id == trial).collect();
    rows.sort_by_key(|row| row.replicate);
    if let Some(trainer) = rows.iter().find_map(|row| row.trainer.as_ref()) {
        let message =
            format!("--refit: trial {trial} is trained by `{trainer}`, and only our own networks are refitted");
        return Err(refused(
            message,
            "`focalsweep export` without `--refit` copies what the command kept of a replicate",
        ));
    }
    rows.retain(|row| row.state == State::Finished);
    let best_epochs: Vec<u32> = rows.iter().filter_map(|row| best_epoch(results, row)).collect();
    if rows.is_empty() || best_epochs.len() < rows.len() {
        let message =
            format!("--refit: no replicate of trial {trial} was trained to its end, so nothing says how long");
        return Err(refused(message, "`--trial best`, or an id whose `state` is `finished`"));
    }
    if args.out.exists() && !args.out.read_dir().is_ok_and(|mut there| there.next().is_none()) {
        return Err(unwritten(ModelDirError::Taken(args.out.clone())));
    }
    let epochs = median(&best_epochs);
    output::talk(&format!("training {trial} on all rows for {epochs} epochs, {}", of_replicates(&best_epochs)));
    let thresholds: Vec<(u32, f64)> =
        rows.iter().filter_map(|row| Some((row.replicate, results.value(row, "threshold_raw")?))).collect();
    let Refitted { trial: hyperparameters, data, weights, threshold } =
        refit(&args.run_dir, trial, epochs, &thresholds)?;
    let broken = |why: String| refused(format!("trial {trial}: {why}"), "run the sweep again");
    let carried = threshold.map(|threshold| [threshold.score, threshold.raw]);
    let file = model_file(&hyperparameters, data.index, &data.features, carried, &weights);
    let file = file.map_err(|why| broken(why.to_string()))?;
    let preprocessing = serde_json::to_vec_pretty(&data.preprocessing).map_err(|why| broken(why.to_string()))?;
    let mut card = ModelCard::of(&file, &results.name).map_err(broken)?;
    if let Some(first) = rows.first() {
        card.data_fingerprint.clone_from(&first.data_fingerprint);
    }
    card.split_fingerprint.clone_from(&data.split_fingerprint);
    let figures = means(&rows);
    card.validation = metrics(results, &figures, "val_");
    card.test = metrics(results, &figures, "test_");
    let (all, positives) = (data.train.len(), data.train.positives());
    card.refit = Some(Refit {
        figures: FIGURES.to_owned(),
        replicates: rows.iter().map(|row| row.replicate).collect(),
        best_epochs,
        epochs,
        rows: all as u64,
        positives: positives as u64,
        flagged: threshold.map(|threshold| threshold.flagged),
    });
    write_model_dir(&args.out, &card, &preprocessing, &file).map_err(unwritten)?;
    let out = quoted(&args.out);
    output::warn(&format!(
        "no rows are left that could measure this model: the figures in its model.json are means over {} of \
         the run, each trained on a part of these rows",
        if rows.len() == 1 { "the one model".to_owned() } else { format!("the {} models", rows.len()) }
    ));
    output::warn(&threshold.map_or_else(
        || "the replicates have no threshold, so it flags nobody".to_owned(),
        |threshold| {
            let guarantee = results.operating_point.as_ref().and_then(OperatingPoint::guarantee);
            format!(
                "its threshold {:.3} flags {:.2} % of the rows that it was trained on, as the replicates' models \
                 do of theirs; what that is on new rows nothing has measured{}: `focalsweep predict {out} DATA \
                 --metrics FILE` says it where they have labels",
                threshold.score,
                100.0 * threshold.flagged,
                if guarantee.is_some() { ", and no `confidence` holds" } else { "" }
            )
        },
    ));
    let what = format!("trial {trial}, trained on {} rows, {} of them positive", thousands(all), thousands(positives));
    Ok(Made { trial: trial.to_owned(), replicate: data.index, what, scored_by: None })
}

fn best_epoch(results: &Results, row: &Row) -> Option<u32> {
    results.value(row, "best_epoch").map(|epoch| epoch as u32).filter(|epoch| *epoch > 0)
}

/// The median; of two in the middle the whole number at or above their mean.
fn median(epochs: &[u32]) -> u32 {
    let mut sorted = epochs.to_vec();
    sorted.sort_unstable();
    let (below, above) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    below + (above - below).div_ceil(2)
}

/// `the median of its 3 replicates' best (28, 34, 41)`.
fn of_replicates(epochs: &[u32]) -> String {
    match epochs {
        [_] => "the best of its replicate".to_owned(),
        all => {
            let list: Vec<String> = all.iter().map(u32::to_string).collect();
            format!("the median of its {} replicates' best ({})", all.len(), list.join(", "))
        }
    }
}

/// The means of figures that all rows have.
fn means(rows: &[&Row]) -> Vec<Option<f64>> {
    let columns = rows.iter().map(|row| row.metrics.len()).min().unwrap_or(0);
    let mean = |at: usize| Some(rows.iter().map(|row| row.metrics[at]).sum::<Option<f64>>()? / rows.len() as f64);
    (0..columns).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_an_epoch() {
        assert_eq!(median(&[7]), 7);
        assert_eq!(median(&[9, 1, 3]), 3);
        assert_eq!(median(&[4, 1]), 3);
        assert_eq!(median(&[1, 100, 2, 3]), 3);
    }
}
