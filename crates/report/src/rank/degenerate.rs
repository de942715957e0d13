//! Trials that flag nobody, or everybody: that they raise no false alarm, or miss nobody, says nothing of how well they
//! tell the classes apart.

use super::{Ranked, Ranking};
use crate::read::{column, split_word, thousands, trials_count};
use focalsweep_core::spec::{OperatingPoint, Split};

/// Rows on which everybody may be flagged.
const SPLITS: [Split; 2] = [Split::Validation, Split::Test];

/// Where thresholds are put.
struct Place {
    /// Of the counts' columns.
    prefix: &'static str,
    words: &'static str,
    /// How trials compare that flag nobody there, or everybody.
    way_out: [&'static str; 2],
}

const AT_HALF: Place =
    Place { prefix: "", words: "at threshold 0.5", way_out: ["compare them at the operating point (op_fn, op_fp)"; 2] };
const AT_OPERATING_POINT: Place = Place {
    prefix: "op_",
    words: "at the operating point",
    way_out: [
        "one that allows more false alarms tells more",
        "one that limits false alarms (max_fpr), or puts a price on them, tells more",
    ],
};

impl Ranking {
    /// Warns of trials that flag no positive on the rows that rank, and of those that flag everybody on any: at 0.5 and
    /// at the operating point, whatever ranks; of the winner by itself.
    pub(super) fn degenerate(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let measured = || self.trials.iter().filter(|ranked| ranked.front.is_some());
        for place in [AT_HALF, AT_OPERATING_POINT] {
            let mut warn = |count: usize, whom: &str, way_out: &str| {
                if count > 0 {
                    let verb = if count == 1 { "flags" } else { "flag" };
                    warnings.push(format!("{} that {verb} {whom} {}: {way_out}", trials_count(count), place.words));
                }
            };
            let caught = self.place_of(&column(self.on, &format!("{}tp", place.prefix)));
            // A precision that no threshold reaches is told by itself.
            let is_told =
                !place.prefix.is_empty() && matches!(self.operating_point, Some(OperatingPoint::MinPrecision { .. }));
            let nobody = measured().filter(|ranked| !is_told && ranked.mean_at(caught) == Some(0.0)).count();
            warn(nobody, "no positive", place.way_out[0]);
            let counts = SPLITS.map(|on| self.counts(on, &place));
            let all = |ranked: &&Ranked| counts.iter().any(|&counts| flagged_all(ranked, counts).is_some());
            let of_winner = self.winner().and_then(|winner| self.winner_flags_everybody(winner, &place));
            let everybody = measured().skip(usize::from(of_winner.is_some())).filter(all).count();
            warn(everybody, "everybody", place.way_out[1]);
            let at = warnings.len() - usize::from(everybody > 0);
            warnings.splice(at..at, of_winner);
        }
        warnings
    }

    fn winner_flags_everybody(&self, winner: &Ranked, place: &Place) -> Option<String> {
        let all = |on: Split| {
            let rows = flagged_all(winner, self.counts(on, place))?;
            Some(match self.weight {
                None => format!("all {} {} rows", thousands(rows.round() as u64), split_word(on)),
                Some(_) => format!("all {} rows", split_word(on)),
            })
        };
        let flagged: Vec<String> = SPLITS.into_iter().filter_map(all).collect();
        (!flagged.is_empty()).then(|| {
            format!(
                "the winner flags {} {}: that it misses nobody there is no merit of its own; {}",
                flagged.join(" and "),
                place.words,
                if place.prefix.is_empty() { "rank by auc, or by op_fn and op_fp" } else { place.way_out[1] }
            )
        })
    }

    /// Where the counts of a split stand among the metrics: `tp`, `fp`, `tn`, `fn`.
    fn counts(&self, on: Split, place: &Place) -> [Option<usize>; 4] {
        ["tp", "fp", "tn", "fn"].map(|name| self.place_of(&column(on, &format!("{}{name}", place.prefix))))
    }
}

/// How many rows there are where a trial flags all of them in each replicate; `None` where it does not. `counts` are
/// those of [`Ranking::counts`].
fn flagged_all(ranked: &Ranked, counts: [Option<usize>; 4]) -> Option<f64> {
    let [caught, alarms, spared, missed] = counts.map(|place| ranked.mean_at(place));
    let rows = caught? + alarms? + missed?;
    (spared? == 0.0 && alarms? > 0.0).then_some(rows)
}

#[cfg(test)]
mod tests {
    use crate::rank::{Options, rank};
    use crate::read::{Results, Row};
    use crate::tests::{results, row};
    use focalsweep_core::spec::Split;

    /// Trials by what they flag at 0.5 and at the operating point, on 640 validation rows of which 40 are positive and
    /// 800 test rows of which 50 are; each flags the share asked for of positives and negatives alike.
    fn flagging(trials: &[(&str, f64, f64)]) -> Results {
        let mut all = results(Vec::new());
        let (mut columns, mut rows) = (Vec::new(), Vec::<Row>::new());
        for &(id, at_half, at_point) in trials {
            let mut of = row(id, 0, "focal", Some((0.999, 2.0)), 0.7, 1.0);
            (columns, of.metrics) = (vec!["val_auc".to_owned()], vec![Some(0.7)]);
            for (split, positives, negatives) in [("val", 40.0, 600.0), ("test", 50.0, 750.0)] {
                for (prefix, share) in [("", at_half), ("op_", at_point)] {
                    let counts = [
                        ("tp", positives * share),
                        ("fp", negatives * share),
                        ("tn", negatives * (1.0 - share)),
                        ("fn", positives * (1.0 - share)),
                    ];
                    columns.extend(counts.map(|(name, _)| format!("{split}_{prefix}{name}")));
                    of.metrics.extend(counts.map(|(_, count)| Some(count)));
                }
            }
            rows.push(of);
        }
        (all.metrics, all.rows) = (columns, rows);
        all
    }

    fn warnings(trials: &[(&str, f64, f64)], by: &[&str], on: Split) -> Vec<String> {
        let by = by.iter().map(|&name| name.to_owned()).collect();
        rank(&flagging(trials), &Options::new(by, on)).unwrap().warnings
    }

    #[test]
    fn a_trial_that_flags_everybody_is_warned_of_as_one_that_flags_nobody() {
        let trials = [("all", 1.0, 0.1), ("half", 0.5, 0.1), ("none", 0.0, 0.1)];
        let nobody =
            "1 trial that flags no positive at threshold 0.5: compare them at the operating point (op_fn, op_fp)";
        assert_eq!(
            warnings(&trials, &["fn", "auc"], Split::Validation),
            [
                nobody,
                "the winner flags all 640 validation rows and all 800 test rows at threshold 0.5: that it misses \
                 nobody there is no merit of its own; rank by auc, or by op_fn and op_fp",
            ]
        );
        let more = [("all", 1.0, 0.1), ("half", 0.5, 0.1), ("too", 1.0, 0.1)];
        assert_eq!(
            warnings(&more, &["fp"], Split::Test),
            ["2 trials that flag everybody at threshold 0.5: compare them at the operating point (op_fn, op_fp)"]
        );
        let unranked = warnings(&[("a", 0.5, 1.0)], &["fn"], Split::Validation);
        assert!(unranked.len() == 1 && unranked[0].contains("rows at the operating point"), "{unranked:?}");
        assert_eq!(
            warnings(&[("a", 0.5, 0.1), ("b", 0.5, 0.0), ("c", 0.5, 0.0)], &["auc"], Split::Validation),
            ["2 trials that flag no positive at the operating point: one that allows more false alarms tells more"]
        );
        assert_eq!(warnings(&[("a", 0.5, 0.1)], &["auc"], Split::Validation), [""; 0], "all flag some");
    }

    #[test]
    fn the_operating_point_is_looked_at_where_it_ranks() {
        let trials = [("all", 0.5, 1.0), ("half", 0.5, 0.5), ("too", 0.5, 1.0)];
        assert_eq!(
            warnings(&trials, &["op_fn"], Split::Validation),
            [
                "the winner flags all 640 validation rows and all 800 test rows at the operating point: that it \
                 misses nobody there is no merit of its own; one that limits false alarms (max_fpr), or puts a price \
                 on them, tells more",
                "1 trial that flags everybody at the operating point: one that limits false alarms (max_fpr), or puts \
                 a price on them, tells more",
            ]
        );
    }
}
