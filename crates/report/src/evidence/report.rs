//! A run's ranking and what its scores say of it.

use std::collections::{BTreeMap, HashSet};

use super::calibration::Calibration;
use super::contrast::{Contrast, ReplicateScores, contrast, mean_auc, scores_of};
use super::doubts::{critical, detectable, misleading};
use super::edges::edges;
use super::intervals::{ForEach, Intervals, intervals};
use super::methods::{Method, methods};
use super::starts::{Start, starts};
use super::ties::{Ties, ties};
use crate::rank::{Options, Ranked, Ranking, rank};
use crate::read::parameters::PLAIN;
use crate::read::{ReportError, Results, column};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::record::RunFiles;
use focalsweep_core::spec::Split;

/// What there is to say of a run: its trials in their order, and what their scores say of that.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The trials, best first.
    pub ranking: Ranking,
    /// What the scores say.
    pub answer: Answer,
}

/// What the scores of a run say of its ranking. Empty where they were not kept.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// Which trials cannot be told from the winner.
    pub ties: Ties,
    /// The winner against plain cross-entropy, on the test rows.
    pub against_baseline: Option<Contrast>,
    /// What the winner's AUC lost on rows that did not choose it.
    pub optimism: Option<Optimism>,
    /// Whether the winner's scores are probabilities.
    pub calibration: Option<Calibration>,
    /// 95 % intervals on the test rows, by trial.
    pub intervals: BTreeMap<String, Intervals>,
    /// The best trial of each method; empty where there is one method only.
    pub methods: Vec<Method>,
    /// Plain cross-entropy from different starting biases; empty where one was tried.
    pub starts: Vec<Start>,
    /// What is worth knowing, sentence by sentence.
    pub notes: Vec<String>,
    /// What to know before believing it.
    pub warnings: Vec<String>,
}

/// The winner was chosen for its figures on the validation rows, so that these flatter it: its AUC there and on the
/// test rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Optimism {
    /// AUC on the validation rows, mean over the replicates.
    pub validation: f64,
    /// AUC on the test rows, likewise.
    pub test: f64,
    /// DeLong standard error of the first less the second.
    pub standard_error: f64,
}

impl Report {
    /// A ranking of which nothing more is known.
    pub fn bare(ranking: Ranking) -> Self {
        Self { ranking, answer: Answer::default() }
    }

    /// Looks at the scores of a run for what they say of its ranking; `results` are those that were ranked. The winner,
    /// the baseline, the methods' trials and the first `with_intervals` of the trials shown have intervals.
    ///
    /// # Errors
    /// scores.parquet or history.parquet is there but cannot be read.
    pub fn new(
        files: &RunFiles,
        results: &Results,
        ranking: Ranking,
        with_intervals: usize,
        for_each: ForEach<'_>,
    ) -> Result<Self, ReportError> {
        let answer = answer(files, results, &ranking, with_intervals, for_each)?;
        Ok(Self { ranking, answer })
    }

    /// What to know before believing it: of the results, then of their scores.
    pub fn warnings(&self) -> Vec<&str> {
        self.ranking.warnings.iter().chain(&self.answer.warnings).map(String::as_str).collect()
    }

    /// Whether a trial cannot be told from the winner; `None` where it was not compared.
    pub fn is_tied(&self, ranked: &Ranked) -> Option<bool> {
        self.answer.ties.tie(ranked).tied
    }
}

fn answer(
    files: &RunFiles,
    results: &Results,
    ranking: &Ranking,
    with_intervals: usize,
    for_each: ForEach<'_>,
) -> Result<Answer, ReportError> {
    let ties = ties(files, results, ranking)?;
    let edges = edges(ranking, &ties);
    let mut answer = Answer { ties, notes: edges.notes, ..Answer::default() };
    let id = |ranked: Option<&Ranked>| ranked.map(|ranked| ranked.trial.trial_id.clone());
    let Some(winner) = id(ranking.winner()) else { return Ok(answer) };
    answer.warnings = edges.warnings;
    let baseline = id(ranking.baseline()).filter(|baseline| *baseline != winner);
    let rival = baseline.clone().or_else(|| weakest_tied(ranking, &answer.ties));
    answer.methods = match ranking.on {
        Split::Validation => methods(ranking),
        Split::Test => {
            let by = ranking.keys.iter().map(|key| key.name.clone()).collect();
            methods(&rank(results, &Options { by, on: Split::Validation, top: None })?)
        }
    };
    let shown = ranking.shown().iter().take(with_intervals).map(|ranked| ranked.trial.trial_id.clone());
    let wanted: HashSet<String> = shown
        .chain([winner.clone()])
        .chain(baseline.clone())
        .chain(rival.clone())
        .chain(answer.methods.iter().map(|method| method.trial_id.clone()))
        .collect();
    let scores = scores_of(files, &wanted)?;
    let scores_by = |id: &Option<String>| id.as_ref().and_then(|id| scores.get(id));
    let point = ranking.operating_point.as_ref();
    if let Some(of_winner) = scores.get(&winner) {
        answer.against_baseline = scores_by(&baseline).and_then(|other| contrast(of_winner, other, Split::Test, point));
        let seen = scores_by(&rival).and_then(|other| contrast(of_winner, other, ranking.on, None));
        let against = rival.as_ref().and_then(|id| ranking.trial(id)).map(|rival| match &baseline {
            Some(_) => format!("{PLAIN}'s"),
            None => format!("that of the trial at rank {}", rival.rank),
        });
        let told = |(seen, against): (Contrast, String)| detectable(&seen, ranking.on, &against, critical());
        answer.notes.extend(seen.zip(against).and_then(told));
        answer.optimism = optimism(of_winner);
        answer.calibration = Calibration::of(of_winner);
        answer.warnings.extend(answer.calibration.filter(Calibration::misleads).map(|c| misleading(&c)));
    }
    let plain = answer.methods.iter().find(|method| method.name == PLAIN).map(|method| method.trial_id.clone());
    for method in answer.methods.iter_mut().filter(|method| Some(&method.trial_id) != plain.as_ref()) {
        let both = scores.get(&method.trial_id).zip(scores_by(&plain));
        method.against_plain = both.and_then(|(first, second)| contrast(first, second, Split::Test, point));
    }
    answer.intervals = intervals(&scores, point, for_each);
    answer.starts = starts(files, ranking)?;
    Ok(answer)
}

/// Of the trials that cannot be told from the winner the one whose AUC is the furthest from it.
fn weakest_tied(ranking: &Ranking, ties: &Ties) -> Option<String> {
    ranking.test().filter(|test| *test == Test::DeLong)?;
    let column = column(ranking.on, "auc");
    let tied = ranking.trials.iter().filter(|ranked| ties.tie(ranked).tied == Some(true));
    let aucs = tied.filter_map(|ranked| Some((ranking.mean(ranked, &column)?, ranked)));
    aucs.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, ranked)| ranked.trial.trial_id.clone())
}

fn optimism(winner: &[ReplicateScores]) -> Option<Optimism> {
    let (validation, of_validation) = mean_auc(winner, Split::Validation)?;
    let (test, of_test) = mean_auc(winner, Split::Test)?;
    // A replicate's validation and test rows are different rows.
    Some(Optimism { validation, test, standard_error: (of_validation + of_test).sqrt() })
}
