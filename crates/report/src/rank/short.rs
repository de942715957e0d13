//! Trials that stop short of what was asked for: by their epochs, by the validation rows that choose, by a precision
//! that no threshold reaches.

use super::{Ranked, Ranking};
use crate::read::percent;
use crate::read::{Results, column, thousands, trials_count};
use focalsweep_core::metrics::catalogue::{Metric, Part};
use focalsweep_core::spec::{OperatingPoint, Split};

/// Positives of the validation rows below which they choose badly.
pub const FEW_POSITIVES: usize = 20;

/// Positives from which on a whole number of negatives for each of them is no chance: there is one in so many.
const FEWEST_DRAWN: f64 = 50.0;
/// Negatives for each positive up to which rows are drawn by class.
const MOST_DRAWN: f64 = 10.0;

/// What to do where so few positives are among the validation rows.
pub fn few_validation_positives(positives: usize) -> String {
    let noun = if positives == 1 { "positive chooses" } else { "positives choose" };
    format!(
        "only {positives} validation {noun} the epoch, the threshold and the winner: with folds \
         (`split: {{folds: 5}}`) trials rank by means over them, and every positive tests once"
    )
}

impl Ranking {
    /// What stopped short, sentence by sentence.
    pub(super) fn cut_short(&self, results: &Results) -> Vec<String> {
        let winner = self.winner();
        let epochs = winner.filter(|_| results.stops_early).and_then(|winner| self.last_was_best(results, winner));
        // Of rows that have weights the counts are none of rows.
        let positives = winner.filter(|_| self.weight.is_none()).and_then(|winner| {
            let count = |name: &str| self.mean(winner, &column(Split::Validation, name));
            Some(count("tp")? + count("fn")?)
        });
        let few = positives.filter(|&positives| positives < FEW_POSITIVES as f64 && results.split.folds.is_none());
        let few = few.map(|positives| few_validation_positives(positives.round() as usize));
        [epochs, few, self.precision_not_reached(results), self.enriched()].into_iter().flatten().collect()
    }

    /// Whether the rows look drawn by class: exactly so many negatives for each positive, which nothing that happens by
    /// itself has.
    fn enriched(&self) -> Option<String> {
        let winner = self.winner().filter(|_| self.weight.is_none())?;
        let count = |name: &str| -> Option<f64> {
            let metric = Metric::named(name)?;
            Part::ALL.into_iter().map(|part| self.mean(winner, &metric.column(part).name())).sum()
        };
        let (positives, negatives) = (count("tp")? + count("fn")?, count("fp")? + count("tn")?);
        let ratio = negatives / positives;
        let is_drawn = positives >= FEWEST_DRAWN && ratio.fract() == 0.0 && (1.0..=MOST_DRAWN).contains(&ratio);
        is_drawn.then(|| {
            let rows = thousands((positives + negatives).round() as u64);
            format!(
                "of all {rows} rows exactly one in {} is positive, as where rows are drawn by class: precision, alerts \
                 and costs are of such a sample; `report --prevalence SHARE` tells them where positives are rarer",
                ratio + 1.0
            )
        })
    }

    /// The winner's replicates whose best epoch is their last.
    fn last_was_best(&self, results: &Results, winner: &Ranked) -> Option<String> {
        let rows = results.ranked().filter(|row| row.trial_id == winner.trial.trial_id);
        let of = rows.filter_map(|row| Some((results.value(row, "best_epoch")?, results.value(row, "epochs_run")?)));
        let epochs: Vec<(f64, f64)> = of.collect();
        let last: Vec<f64> = epochs.iter().filter(|(best, run)| best == run).map(|(best, _)| *best).collect();
        let most = last.iter().copied().reduce(f64::max)?;
        let of = match (last.len(), epochs.len()) {
            (_, 1) => String::new(),
            (last, all) if last == all => format!(" in each of its {all} replicates"),
            (last, all) => format!(" in {last} of its {all} replicates"),
        };
        Some(format!(
            "the winner was still getting better when its epochs were over: the last, {most}, is the best{of}; a \
             larger `train.epochs` may find a better one"
        ))
    }

    /// Trials none of whose thresholds on the validation rows has the precision asked for.
    fn precision_not_reached(&self, results: &Results) -> Option<String> {
        let OperatingPoint::MinPrecision { min_precision } = self.operating_point.as_ref()? else { return None };
        let [caught, alarms] = ["op_tp", "op_fp"].map(|name| column(Split::Validation, name));
        let mut trials: Vec<&str> = Vec::new();
        let (mut rows, mut nobody) = (0, 0);
        for row in results.ranked() {
            let Some(flagged) = results.value(row, &caught).zip(results.value(row, &alarms)) else { continue };
            rows += 1;
            if flagged == (0.0, 0.0) {
                nobody += 1;
                if !trials.contains(&row.trial_id.as_str()) {
                    trials.push(&row.trial_id);
                }
            }
        }
        (nobody > 0).then(|| {
            format!(
                "{} with no threshold of a precision of {} % on the validation rows ({nobody} of {rows} trainings): \
                 there nobody is flagged; ask for a lower `min_precision`",
                trials_count(trials.len()),
                percent(*min_precision)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::rank::{Options, rank};
    use crate::read::Results;
    use crate::tests::{results, row};
    use focalsweep_core::spec::{OperatingPoint, Split};

    /// Two replicates of trial `a` with figures of their own by the column.
    fn with(columns: &[(&str, [f64; 2])]) -> Results {
        let mut all = results((0..2).map(|replicate| row("a", replicate, "bce", None, 0.9, 1.0)).collect());
        all.metrics = vec!["val_auc".to_owned()];
        all.rows.iter_mut().for_each(|row| row.metrics = vec![Some(0.9)]);
        for (name, values) in columns {
            all.metrics.push((*name).to_owned());
            all.rows.iter_mut().zip(values).for_each(|(row, value)| row.metrics.push(Some(*value)));
        }
        all
    }

    fn warnings(all: &Results) -> Vec<String> {
        rank(all, &Options::new(vec!["auc".to_owned()], Split::Validation)).unwrap().warnings
    }

    #[test]
    fn a_best_epoch_that_is_the_last_is_said_where_trials_stop_early() {
        let mut all = with(&[("best_epoch", [100.0, 40.0]), ("epochs_run", [100.0, 50.0])]);
        assert_eq!(warnings(&all), [""; 0]);
        all.stops_early = true;
        let said = warnings(&all);
        assert!(said[0].contains("the last, 100, is the best in 1 of its 2 replicates"), "{said:?}");
        let mut sound = with(&[("best_epoch", [90.0, 40.0]), ("epochs_run", [100.0, 50.0])]);
        sound.stops_early = true;
        assert_eq!(warnings(&sound), [""; 0]);
    }

    #[test]
    fn few_positives_that_choose_are_said() {
        let said = warnings(&with(&[("val_tp", [1.0, 1.0]), ("val_fn", [1.0, 1.0])]));
        let expected = "only 2 validation positives choose the epoch, the threshold and the winner: with folds \
                        (`split: {folds: 5}`) trials rank by means over them, and every positive tests once";
        assert!(said.contains(&expected.to_owned()), "{said:?}");
        assert_eq!(warnings(&with(&[("val_tp", [19.0, 19.0]), ("val_fn", [1.0, 1.0])])), [""; 0]);
    }

    #[test]
    fn rows_that_were_drawn_by_class_are_told() {
        let counted = |negatives: f64| {
            let parts = ["train", "val", "test"];
            let names: Vec<[String; 4]> =
                parts.iter().map(|part| ["tp", "fn", "fp", "tn"].map(|name| format!("{part}_{name}"))).collect();
            // 30 positives in each part; the negatives of one part are what is missing.
            let of = |at: usize| [10.0, 20.0, 5.0, if at == 0 { negatives - 205.0 - 10.0 } else { 100.0 }];
            let columns: Vec<(&str, [f64; 2])> = names
                .iter()
                .enumerate()
                .flat_map(|(at, names)| names.iter().zip(of(at)).map(|(name, value)| (name.as_str(), [value; 2])))
                .collect();
            warnings(&with(&columns))
        };
        let said = counted(360.0);
        assert!(said.iter().any(|told| told.starts_with("of all 450 rows exactly one in 5 is positive")), "{said:?}");
        for natural in [361.0, 359.0, 990.0] {
            assert_eq!(counted(natural), [""; 0], "{natural}");
        }
    }

    #[test]
    fn a_precision_that_is_not_reached_is_said() {
        let mut all = with(&[("val_op_tp", [0.0, 3.0]), ("val_op_fp", [0.0, 1.0])]);
        assert_eq!(warnings(&all), [""; 0]);
        all.operating_point = Some(OperatingPoint::MinPrecision { min_precision: 0.5 });
        let said = warnings(&all);
        assert!(said[0].starts_with("1 trial with no threshold of a precision of 50 %"), "{said:?}");
        assert!(said[0].contains("(1 of 2 trainings)"), "{said:?}");
    }
}
