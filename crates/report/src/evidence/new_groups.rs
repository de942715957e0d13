//! Test rows of groups that trained or validated, and of new ones, apart: what models are worth on whom they know, and
//! on whom they do not.

use std::collections::{BTreeMap, BTreeSet};

use super::kept::ReplicateScores;
use crate::read::ScoreGroup;
use focalsweep_core::metrics::{Interval, clustered_auc, clustered_share_interval};
use focalsweep_core::record::NewGroups;

/// What the winner and plain cross-entropy are worth on either.
#[derive(Debug, Clone, PartialEq)]
pub struct Apart {
    /// Column of the groups.
    pub column: String,
    /// Test rows of groups that trained or validated.
    pub known: Held,
    /// Test rows of new groups.
    pub new: Held,
    /// The winner, then plain cross-entropy where it is another.
    pub trials: Vec<TrialApart>,
}

/// How much there is to measure on, over all replicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Rows.
    pub rows: u64,
    /// Those of the rare class.
    pub positives: u64,
    /// Groups; one that tests in several replicates counts in each.
    pub groups: u64,
}

/// A trial on either.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialApart {
    /// Its id.
    pub trial: String,
    /// On groups that trained or validated.
    pub known: FiguresApart,
    /// On new groups.
    pub new: FiguresApart,
}

/// Figures of a trial on some of the groups.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FiguresApart {
    /// ROC AUC; `None` where no replicate has two groups with positives and two with negatives.
    pub auc: Option<FigureApart>,
    /// Share of the positives missed at the operating point; `None` where no replicate has two groups with positives.
    pub missed: Option<FigureApart>,
}

/// A mean over the replicates that have it, each end of its interval too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FigureApart {
    /// The mean.
    pub value: f64,
    /// 95 %, of groups.
    pub interval: Interval,
    /// Replicates that have it.
    pub replicates: usize,
}

impl Apart {
    /// Of trials with their scores; `threshold` is the logit that a (trial, replicate) flags from. `None` where all
    /// test rows are of one sort, or none of these trials has scores.
    pub(super) fn of(
        new: &NewGroups,
        trials: &[(&str, &[ReplicateScores])],
        threshold: &dyn Fn(&str, u32) -> Option<f64>,
    ) -> Option<Self> {
        let (_, first) = trials.first()?;
        let held = |is_new: bool| {
            let parts = first.iter().filter_map(|scores| Part::of(scores, new, is_new));
            parts.fold(Held::default(), |held, part| Held {
                rows: held.rows + part.labels.len() as u64,
                positives: held.positives + part.labels.iter().map(|&label| u64::from(label)).sum::<u64>(),
                groups: held.groups + part.units.iter().collect::<BTreeSet<_>>().len() as u64,
            })
        };
        let (known, of_new) = (held(false), held(true));
        let figures = |trial: &str, scores: &[ReplicateScores], is_new: bool| {
            let of = |scores: &ReplicateScores| {
                let part = Part::of(scores, new, is_new)?;
                Some((part.auc(), threshold(trial, scores.replicate).and_then(|at| part.missed(at))))
            };
            let (auc, missed): (Vec<_>, Vec<_>) = scores.iter().filter_map(of).unzip();
            FiguresApart { auc: mean(&auc), missed: mean(&missed) }
        };
        let apart = |&(trial, scores): &(&str, &[ReplicateScores])| TrialApart {
            trial: trial.to_owned(),
            known: figures(trial, scores, false),
            new: figures(trial, scores, true),
        };
        (known.rows > 0 && of_new.rows > 0).then(|| Self {
            column: new.column.clone(),
            known,
            new: of_new,
            trials: trials.iter().map(apart).collect(),
        })
    }
}

/// The test rows of a replicate that are of known groups, or of new ones.
struct Part {
    raw: Vec<f32>,
    labels: Vec<u8>,
    units: Vec<i64>,
}

impl Part {
    /// `None` where the scores have no groups.
    fn of(scores: &ReplicateScores, new: &NewGroups, is_new: bool) -> Option<Self> {
        let ScoreGroup { raw, labels, units, .. } = &scores.test;
        let groups = new.replicates.get(scores.replicate as usize)?;
        let mut part = Self { raw: Vec::new(), labels: Vec::new(), units: Vec::new() };
        for ((&raw, &label), &unit) in raw.iter().zip(labels).zip(units) {
            if groups.contains(&unit) == is_new {
                part.raw.push(raw);
                part.labels.push(label);
                part.units.push(unit);
            }
        }
        (!units.is_empty()).then_some(part)
    }

    fn auc(&self) -> Option<(f64, Interval)> {
        let auc = clustered_auc(&self.raw, &self.labels, &self.units)?;
        Some((auc.auc, auc.interval()?))
    }

    fn missed(&self, threshold: f64) -> Option<(f64, Interval)> {
        let mut of_units: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        let rows = self.raw.iter().zip(&self.labels).zip(&self.units);
        for ((&raw, _), &unit) in rows.filter(|((_, label), _)| **label != 0) {
            let (missed, all) = of_units.entry(unit).or_default();
            *missed += u64::from(f64::from(raw) < threshold);
            *all += 1;
        }
        let of_units: Vec<(u64, u64)> = of_units.into_values().collect();
        let (missed, all) = of_units.iter().fold((0, 0), |(a, b), (x, n)| (a + x, b + n));
        Some((missed as f64 / all as f64, clustered_share_interval(&of_units)?))
    }
}

fn mean(of: &[Option<(f64, Interval)>]) -> Option<FigureApart> {
    let of: Vec<&(f64, Interval)> = of.iter().flatten().collect();
    let n = of.len() as f64;
    let mean = |end: &dyn Fn(&(f64, Interval)) -> f64| of.iter().map(|figure| end(figure)).sum::<f64>() / n;
    let interval = || Interval { lower: mean(&|of| of.1.lower), upper: mean(&|of| of.1.upper) };
    (!of.is_empty()).then(|| FigureApart { value: mean(&|of| of.0), interval: interval(), replicates: of.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use focalsweep_core::metrics::auc_delong;
    use focalsweep_core::spec::Split;

    /// Rows of 40 groups, even ones new; those of new groups are scored by chance.
    fn scores(replicate: u32) -> ReplicateScores {
        let rows: Vec<i64> = (0..400).collect();
        let units: Vec<i64> = rows.iter().map(|row| row % 40).collect();
        let labels: Vec<u8> = rows.iter().map(|row| u8::from(row % 40 / 2 % 3 == 0)).collect();
        let raw: Vec<f32> = rows
            .iter()
            .zip(&labels)
            .map(|(row, &label)| (row * 7919 % 211) as f32 + if row % 2 == 1 { 150.0 * f32::from(label) } else { 0.0 })
            .collect();
        let test = ScoreGroup {
            trial: "a".to_owned(),
            replicate,
            split: Split::Test,
            rows,
            labels,
            scores: raw.clone(),
            raw,
            units,
            weights: Vec::new(),
        };
        ReplicateScores { replicate, validation: test.clone(), test, calibration: None }
    }

    fn even() -> BTreeSet<i64> {
        (0..40).filter(|unit| unit % 2 == 0).collect()
    }

    #[test]
    fn known_and_new_groups_are_measured_apart() {
        let new = NewGroups { column: "card".to_owned(), replicates: vec![even()] };
        let scores = [scores(0)];
        let found = Apart::of(&new, &[("a", &scores)], &|_, _| Some(150.0)).unwrap();
        let test = &scores[0].test;
        for (held, figures, rest) in [(found.known, found.trials[0].known, 1), (found.new, found.trials[0].new, 0)] {
            let rows: Vec<usize> = (0..400).filter(|row| row % 2 == rest).collect();
            let of = |row: &usize| (test.raw[*row], test.labels[*row]);
            let (raw, labels): (Vec<f32>, Vec<u8>) = rows.iter().map(of).unzip();
            let positives = labels.iter().map(|&label| u64::from(label)).sum();
            assert_eq!(held, Held { rows: 200, positives, groups: 20 });
            let expected = auc_delong(&raw, &labels).unwrap();
            let auc = figures.auc.unwrap();
            assert_eq!((auc.value, auc.replicates), (expected.auc, 1));
            assert!(auc.interval.lower < auc.value && auc.value < auc.interval.upper);
            let missed = raw.iter().zip(&labels).filter(|(raw, label)| **label == 1 && **raw < 150.0).count();
            assert_eq!(figures.missed.unwrap().value, missed as f64 / positives as f64);
        }
        let auc = |figures: FiguresApart| figures.auc.unwrap().value;
        assert!(auc(found.trials[0].known) > 0.8 && (auc(found.trials[0].new) - 0.5).abs() < 0.2);
    }

    #[test]
    fn replicates_have_new_groups_of_their_own() {
        let odd: BTreeSet<i64> = (0..40).filter(|unit| unit % 2 == 1).collect();
        let new = NewGroups { column: "card".to_owned(), replicates: vec![even(), odd] };
        let scores = [scores(0), scores(1)];
        let found = Apart::of(&new, &[("a", &scores)], &|_, _| None).unwrap();
        let (known, of_new) = (found.trials[0].known.auc.unwrap(), found.trials[0].new.auc.unwrap());
        assert!((known.value - of_new.value).abs() < 1e-12 && known.replicates == 2, "{known:?} {of_new:?}");
        assert_eq!(found.trials[0].new.missed, None, "without a threshold");
        // One sort only, or no groups: nothing to tell apart.
        let none = NewGroups { column: "card".to_owned(), replicates: vec![BTreeSet::new(); 2] };
        assert_eq!(Apart::of(&none, &[("a", &scores)], &|_, _| None), None);
        assert_eq!(Apart::of(&new, &[], &|_, _| None), None);
    }
}
