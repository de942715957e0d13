//! A run's ranking and what its scores say of it.

use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

use super::calibration::Calibration;
use super::claim::{Claim, Claims, Kind};
use super::classifiers::classifiers;
use super::decision::Decision;
use super::doubts::{detectable, misleading};
use super::edges::edges;
use super::ensemble::Ensemble;
use super::guarantee::Guarantee;
use super::intervals::{Intervals, intervals};
use super::judge::{Confirmed, StandardErrors, judge, thresholds};
use super::kept::{Optimism, scores_of};
use super::methods::{Method, methods};
use super::new_groups::Apart;
use super::prevalence::Prevalence;
use super::procedure::Procedure;
use super::starts::{Start, starts};
use super::windows;
use crate::rank::{Options, Ranked, Ranking, rank};
use crate::read::parameters::PLAIN;
use crate::read::{ForEach, ReportError, Results, Scores, column};
use focalsweep_core::metrics::catalogue::{Metric, Test};
use focalsweep_core::plan::Phase;
use focalsweep_core::spec::{Spec, Split, SplitBy};

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
    /// All that is claimed: every sentence, mark and outline that says that trials differ, or that they cannot be told
    /// apart, comes from here.
    pub claims: Claims,
    /// What to deploy; `None` where nothing was compared.
    pub decision: Option<Decision>,
    /// What choosing comes to, where each replicate is a fold or a window.
    pub procedure: Option<Procedure>,
    /// Known and new groups apart, where the test has both and the split tells them apart.
    pub groups_apart: Option<Apart>,
    /// Standard errors of the AUCs.
    pub standard_errors: StandardErrors,
    /// Whether trials were trained afresh.
    pub confirmed: Confirmed,
    /// What the winner's AUC lost on rows that did not choose it.
    pub optimism: Option<Optimism>,
    /// What is promised of the winner's threshold, where its operating point asks for a promise.
    pub guarantee: Option<Guarantee>,
    /// Whether the winner's scores are probabilities.
    pub calibration: Option<Calibration>,
    /// The trials at another share of positives, where that was asked for.
    pub prevalence: Option<Prevalence>,
    /// 95 % intervals on the test rows, by trial.
    pub intervals: BTreeMap<String, Intervals>,
    /// An average of the best trials, where averaging seems to buy anything.
    pub ensemble: Option<Ensemble>,
    /// The best trial of each method; empty where there is one method only.
    pub methods: Vec<Method>,
    /// Plain cross-entropy from different starting biases; empty where one was tried.
    pub starts: Vec<Start>,
    /// What is worth knowing, sentence by sentence.
    pub notes: Vec<String>,
    /// What to know before believing it.
    pub warnings: Vec<String>,
    /// What is not told of this run, and why: before all warnings, since all figures are read by it.
    pub unsaid: Option<String>,
}

impl Report {
    /// Adds what the trials shown come to where `share` of the rows are positive, above 0 and below 1, and a warning
    /// where the test rows have many more. Nothing without figures at the operating point on the test rows.
    pub fn at_prevalence(&mut self, share: f64) {
        let Some(found) = Prevalence::of(&self.ranking, share) else { return };
        // Asked for, and so before all else.
        self.ranking.warnings.splice(0..0, found.enriched());
        self.answer.prevalence = Some(found);
    }

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
        scores: &Scores<'_>,
        results: &Results,
        ranking: Ranking,
        with_intervals: usize,
        for_each: ForEach<'_>,
    ) -> Result<Self, ReportError> {
        let answer = answer(scores, results, &ranking, with_intervals, for_each)?;
        let mut report = Self { ranking, answer };
        let edges = edges(&report.ranking, &|ranked| report.is_tied(ranked));
        report.answer.notes.extend(edges.notes);
        // On the test rows of folds it is folds that tell.
        if results.split.folds.is_none() || report.ranking.on == Split::Validation {
            report.answer.notes.extend(report.what_rows_can_tell());
        }
        report.answer.warnings.splice(..0, edges.warnings);
        Ok(report)
    }

    /// What to know before believing it: of the results, then of their scores.
    pub fn warnings(&self) -> Vec<&str> {
        let all = self.answer.unsaid.iter().chain(&self.ranking.warnings).chain(&self.answer.warnings);
        all.map(String::as_str).collect()
    }

    /// The claim about the winner and a trial on the rows that rank, by the first rank key that has a test; `None`
    /// where there is none, and for the winner itself.
    pub fn against(&self, ranked: &Ranked) -> Option<&Claim> {
        self.claimed(self.ranking.test()?, ranked)
    }

    /// The same by a given test.
    pub fn claimed(&self, about: Test, ranked: &Ranked) -> Option<&Claim> {
        let winner = &self.ranking.winner()?.trial.trial_id;
        self.answer.claims.get(Kind::Models, about, winner, &ranked.trial.trial_id, self.ranking.on)
    }

    /// Whether a trial cannot be told from the winner; `None` where it was not compared.
    pub fn is_tied(&self, ranked: &Ranked) -> Option<bool> {
        self.against(ranked).map(|claim| !claim.told())
    }

    /// How far a trial's mean may be off as what its setting is worth on other rows: the rows' share and, from several
    /// replicates, the trainings'. Where the scores were not looked at, what the rows of a replicate leave open, which
    /// is more than those of several do. `None` for figures that have none.
    pub fn standard_error(&self, ranked: &Ranked, on: Split, name: &str) -> Option<f64> {
        let metric = Metric::named(name)?;
        metric.standard_error?;
        let known = self.answer.standard_errors.of(&ranked.trial.trial_id, on);
        known.or_else(|| self.ranking.mean(ranked, &format!("{}_se", column(on, name))))
    }

    /// Trials that were compared with the winner, and of them those that cannot be told from it.
    pub fn compared_and_tied(&self) -> (usize, usize) {
        let tied: Vec<bool> = self.ranking.trials.iter().filter_map(|ranked| self.is_tied(ranked)).collect();
        (tied.len(), tied.iter().filter(|&&tied| tied).count())
    }

    /// What the rows that rank could have told of the winner's AUC and the baseline's; without a baseline, that of the
    /// trial furthest from it among those that cannot be told from it.
    fn what_rows_can_tell(&self) -> Option<String> {
        let winner = self.ranking.winner()?;
        let baseline = self.ranking.baseline().filter(|baseline| baseline.rank != winner.rank);
        let auc = |ranked: &Ranked| self.ranking.mean(ranked, &column(self.ranking.on, "auc"));
        let tied = || {
            let tied = self.ranking.trials.iter().filter(|&ranked| self.is_tied(ranked) == Some(true));
            tied.filter_map(|ranked| Some((auc(ranked)?, ranked))).min_by(|a, b| a.0.total_cmp(&b.0))
        };
        let (rival, against) = match baseline {
            Some(baseline) => (baseline, format!("{PLAIN}'s")),
            None => tied().map(|(_, ranked)| (ranked, format!("that of the trial at rank {}", ranked.rank)))?,
        };
        detectable(self.claimed(Test::Auc, rival)?, &against)
    }

    /// A claim about two trials on the test rows.
    pub fn on_test(&self, kind: Kind, about: Test, of: &str, against: &str) -> Option<&Claim> {
        self.answer.claims.get(kind, about, of, against, Split::Test)
    }
}

/// Names of the commands of a sweep in the order in which it asks for them.
fn commands_of(spec: &Spec) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for command in spec.parameters.spaces().iter().filter_map(|space| space.command.as_ref()) {
        if !names.contains(&command.trainer) {
            names.push(command.trainer.clone());
        }
    }
    names
}

/// What is said of rows that have weights: their AUCs and average precisions are told apart, nothing that counts rows.
fn weighted(
    source: &Scores<'_>,
    (results, ranking): (&Results, &Ranking),
    column: &str,
    for_each: ForEach<'_>,
) -> Result<Answer, ReportError> {
    let in_units = !matches!(results.split.by, SplitBy::Random | SplitBy::Column { .. });
    let mut answer = Answer { unsaid: Some(weights_in_words(column, in_units)), ..Answer::default() };
    if in_units {
        return Ok(answer);
    }
    answer.methods = methods(ranking);
    let judged = judge(&source.with_weights(), results, ranking, &answer.methods, for_each)?;
    let spec = source.files().spec().map(|spec| spec.rank.margin);
    answer.decision = judged.decision(ranking, &spec.unwrap_or_default(), &[]);
    (answer.claims, answer.standard_errors, answer.confirmed) = (judged.claims, judged.errors, judged.confirmed);
    Ok(answer)
}

/// What is not claimed of rows that have weights, and why.
fn weights_in_words(column: &str, in_units: bool) -> String {
    let unsaid = if in_units { "tests, the decision, intervals" } else { "tests at the operating point, intervals" };
    format!(
        "rows count by `{column}`: figures and ranks are weighted, counts of rows are sums of weights; {unsaid}, \
         averages of trials and curves are not given, since they would count each row once"
    )
}

fn answer(
    source: &Scores<'_>,
    results: &Results,
    ranking: &Ranking,
    with_intervals: usize,
    for_each: ForEach<'_>,
) -> Result<Answer, ReportError> {
    if let Some(column) = &results.weight {
        return weighted(source, (results, ranking), column, for_each);
    }
    let mut answer = Answer { guarantee: Guarantee::of(source, ranking)?, ..Answer::default() };
    let Some(winner) = ranking.winner() else { return Ok(answer) };
    let replicates: HashSet<u32> = winner.trial.replicates.iter().copied().collect();
    let id = |ranked: &Ranked| ranked.trial.trial_id.clone();
    let (winner, baseline) = (id(winner), ranking.baseline().map(id).filter(|baseline| *baseline != id(winner)));
    answer.methods = match ranking.on {
        Split::Validation => methods(ranking),
        Split::Test => {
            let by = ranking.keys.iter().map(|key| key.name.clone()).collect();
            methods(&rank(results, &Options { order: ranking.order, ..Options::new(by, Split::Validation) })?)
        }
    };
    answer.notes.extend(answer.guarantee.as_ref().and_then(Guarantee::tells_too_little));
    answer.procedure = Procedure::of(results, ranking)?;
    let is_confirmed = results.rows.iter().any(|row| row.phase == Phase::Confirm);
    if let Some(windows) = windows::windows(results).filter(|_| is_confirmed) {
        answer.notes.push(windows::in_words(windows));
    }
    let judged = judge(source, results, ranking, &answer.methods, for_each)?;
    // Whether it can be read was said before.
    let of_spec = source.files().spec().map(|spec| (commands_of(&spec), spec.rank.margin));
    let (commands, margins) = of_spec.unwrap_or_default();
    answer.decision = judged.decision(ranking, &margins, &commands);
    (answer.claims, answer.standard_errors, answer.confirmed) = (judged.claims, judged.errors, judged.confirmed);
    let shown = ranking.shown().iter().take(with_intervals).map(id);
    let wanted: HashSet<String> = shown
        .chain([winner.clone()])
        .chain(baseline.clone())
        .chain(answer.decision.as_ref().map(|decision| decision.trial.clone()))
        .chain(answer.methods.iter().map(|method| method.trial_id.clone()))
        .collect();
    let point = ranking.operating_point.as_ref();
    let to_average = Ensemble::might_be(ranking);
    let read = wanted.iter().cloned().chain(to_average).collect();
    let mut scores = scores_of(source, &read, &replicates, point)?;
    let ensemble = Ensemble::chosen(&scores, results, ranking, for_each).ok();
    if let Some(ensemble) = ensemble.filter(Ensemble::earns_its_row) {
        let claims = ensemble.claims(source, (results, ranking), &mut answer.standard_errors, for_each)?;
        answer.claims.extend(claims);
        answer.ensemble = Some(ensemble);
    }
    scores.retain(|trial, _| wanted.contains(trial));
    let thresholds = thresholds(results);
    let at = |trial: &str, replicate: u32| thresholds.get(&(trial, replicate)).copied();
    let in_units = scores.values().flatten().any(|of| !of.test.units.is_empty());
    // What takes long, at once.
    let of_winner = scores.get(&winner).map(Vec::as_slice);
    let loss = ranking.winner().and_then(|winner| ranking.improper_loss(winner));
    let (mut intervals_of, mut calibration) = (OnceLock::new(), OnceLock::new());
    if !in_units {
        for_each(2, &|half| {
            if half == 0 {
                intervals_of.get_or_init(|| intervals(&scores, point, for_each));
            } else {
                calibration.get_or_init(|| of_winner.and_then(|scores| Calibration::of(scores, loss)));
            }
        });
    }
    answer.intervals = intervals_of.take().unwrap_or_default();
    answer.calibration = calibration.take().flatten();
    if let Some(of_winner) = of_winner {
        // Each fold has models of its own.
        let of_baseline = baseline.as_ref().filter(|_| results.split.folds.is_none());
        let of_baseline = of_baseline.and_then(|baseline| Some((baseline.as_str(), &scores.get(baseline)?[..])));
        answer.claims.extend(of_baseline.and_then(|other| classifiers((&winner, of_winner), other, &at)));
        answer.optimism = Optimism::of(of_winner);
        if let Some(new) = source.files().new_groups()? {
            let mut trials: Vec<(&str, &[_])> = vec![(winner.as_str(), of_winner)];
            let of_baseline = baseline.as_ref().and_then(|baseline| scores.get_key_value(baseline));
            trials.extend(of_baseline.map(|(baseline, scores)| (baseline.as_str(), scores.as_slice())));
            answer.groups_apart = Apart::of(&new, &trials, &at);
        }
        answer.warnings.extend(answer.calibration.filter(Calibration::misleads).map(|c| misleading(&c)));
    }
    if in_units {
        let (unit, units) = match &results.split.by {
            SplitBy::Time { groups: None, .. } => ("one block of time", "blocks"),
            _ => ("one group", "groups"),
        };
        answer.notes.push(format!(
            "Rows of {unit} may err alike: standard errors and tests count {units}, not rows; there are no intervals \
             by bootstrap of the rows, and no test of the winner's scores as probabilities."
        ));
    }
    answer.starts = starts(source.files(), ranking)?;
    Ok(answer)
}
