//! What an average is worth on each replicate, by the names of the columns of results.parquet.

use std::collections::HashMap;

use super::choose::{Candidate, comparable};
use super::{ENSEMBLE, EnsembleReplicate};
use crate::evidence::kept::ReplicateScores;
use crate::rank::{Ranked, Ranking, Trial};
use crate::read::{CalibrationGroup, Results, ScoreGroup};
use focalsweep_core::metrics::catalogue::{MetricColumn, Part, Source};
use focalsweep_core::metrics::{
    Confusion, ScoredRows, SplitMetrics, Threshold, Weighed, averaged, threshold_in_use, validation_threshold,
};
use focalsweep_core::spec::{OperatingPoint, Split};

/// The average of the members, which have weights, on each replicate, and its means as those of a trial.
pub(super) fn measured(
    members: &[(&Candidate<'_>, f64)],
    results: &Results,
    ranking: &Ranking,
) -> (Vec<EnsembleReplicate>, Ranked) {
    let point = ranking.operating_point.as_ref();
    let count = members.first().map_or(0, |(candidate, _)| candidate.scores.len());
    let replicates: Vec<EnsembleReplicate> = (0..count).map(|at| of_replicate(members, at, results, point)).collect();
    let mean = |column: usize| -> Option<f64> {
        let values: Option<Vec<f64>> = replicates.iter().map(|replicate| replicate.metrics[column]).collect();
        values.filter(|values| !values.is_empty()).map(|values| values.iter().sum::<f64>() / values.len() as f64)
    };
    let trial = Trial {
        trial_id: ENSEMBLE.to_owned(),
        parameters: vec![None; ranking.parameters.len()],
        replicates: replicates.iter().map(|replicate| replicate.replicate).collect(),
        means: (0..results.metrics.len()).map(mean).collect(),
        complete: true,
        stopped: None,
    };
    (replicates, Ranked { rank: 0, front: None, trial })
}

fn of_replicate(
    members: &[(&Candidate<'_>, f64)],
    at: usize,
    results: &Results,
    point: Option<&OperatingPoint>,
) -> EnsembleReplicate {
    let of_members = |rows: &dyn Fn(&ReplicateScores) -> Option<ScoredRows<'_>>| -> (Vec<f32>, Vec<f32>) {
        let comparable: Vec<_> = members
            .iter()
            .filter_map(|(candidate, _)| rows(&candidate.scores[at]).map(|of| comparable(of.raw, of.scores)))
            .collect();
        let weighed: Vec<Weighed<'_>> = members
            .iter()
            .zip(&comparable)
            .map(|((candidate, weight), raw)| Weighed { weight: *weight, scale: &candidate.scales[at], raw })
            .collect();
        let raw = averaged(&weighed);
        let scale = &members[0].0.scales[at];
        let scores = raw.iter().map(|&raw| scale.probability(raw).unwrap_or(raw)).collect();
        (raw, scores)
    };
    let first = &members[0].0.scores[at];
    let group = |split: Split| {
        let (raw, scores) = of_members(&|of| Some(scored(of.on(split))));
        ScoreGroup { trial: ENSEMBLE.to_owned(), raw, scores, ..first.on(split).clone() }
    };
    let calibration = first.calibration.as_ref().map(|of_first| {
        let (raw, scores) = of_members(&|of| of.calibration.as_ref().map(CalibrationGroup::scored));
        CalibrationGroup { trial: ENSEMBLE.to_owned(), raw, scores, ..of_first.clone() }
    });
    let scores = ReplicateScores {
        replicate: first.replicate,
        validation: group(Split::Validation),
        test: group(Split::Test),
        calibration,
    };
    let says_probabilities = members[0].0.scales[at].probability(0.0).is_some();
    let chosen = point.and_then(|point| validation_threshold(point, scored(&scores.validation)));
    let in_use = point.and_then(|point| {
        let none = ScoredRows { raw: &[], scores: &[], labels: &[], weights: &[] };
        threshold_in_use(point, chosen, scores.calibration.as_ref().map_or(none, CalibrationGroup::scored))
    });
    let figures = |split: Split, threshold: Option<Threshold>| {
        Figures::of(scores.on(split), threshold.map(|threshold| threshold.raw), says_probabilities, point)
    };
    let (validation, test) = (figures(Split::Validation, chosen), figures(Split::Test, in_use));
    let figure = |name: &String| match name.as_str() {
        "threshold" => in_use.map(|threshold| threshold.score).filter(|_| says_probabilities),
        "threshold_raw" => in_use.map(|threshold| threshold.raw),
        name => {
            let column = MetricColumn::named(name)?;
            match column.part? {
                Part::Validation => validation.value(&column),
                Part::Test => test.value(&column),
                Part::Training => None,
            }
        }
    };
    let metrics = results.metrics.iter().map(figure).collect();
    let scales = members.iter().map(|(candidate, _)| candidate.scales[at].clone()).collect();
    EnsembleReplicate { replicate: first.replicate, scales, threshold: in_use, metrics, scores }
}

fn scored(group: &ScoreGroup) -> ScoredRows<'_> {
    ScoredRows { raw: &group.raw, scores: &group.scores, labels: &group.labels, weights: &group.weights }
}

/// Units numbered from 0.
fn dense(units: &[i64]) -> Vec<u32> {
    let mut known: HashMap<i64, u32> = HashMap::new();
    let mut number = |unit: &i64| {
        let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
        *known.entry(*unit).or_insert(next)
    };
    units.iter().map(&mut number).collect()
}

/// All that scores are worth on rows.
struct Figures {
    at_half: SplitMetrics,
    at_point: Option<Confusion>,
    point: Option<OperatingPoint>,
}

impl Figures {
    fn of(
        group: &ScoreGroup,
        threshold: Option<f64>,
        says_probabilities: bool,
        point: Option<&OperatingPoint>,
    ) -> Self {
        let rows = scored(group);
        let rows = if says_probabilities { rows } else { ScoredRows { scores: &[], ..rows } };
        // A loss of its own, as a trial has one, it has not.
        let (at_half, _) = SplitMetrics::measured(rows, &dense(&group.units), None, point);
        let at_point = threshold.map(|threshold| Confusion::weighed(rows.raw, rows.labels, rows.weights, threshold));
        Self { at_half, at_point, point: point.cloned() }
    }

    fn value(&self, column: &MetricColumn) -> Option<f64> {
        if column.is_error {
            return column.metric.standard_error.and_then(|error| error(&self.at_half));
        }
        match column.metric.source {
            Source::Scores(of) | Source::ScoresToPoint(of) => of(&self.at_half),
            Source::AtHalf(of) => of.value(self.at_half.confusion.as_ref()?),
            Source::AtOperatingPoint(of) => of.value(self.at_point.as_ref()?),
            Source::Weighed(of) => of(self.point.as_ref()?, &self.at_point?.into()),
            Source::Training => None,
        }
    }
}
