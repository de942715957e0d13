//! The order of the trials.

mod degenerate;
mod devices;
mod finalists;
mod front;
mod group;
mod key;
mod short;

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};

use crate::read::parameters::{self, LossAndSampling};
use crate::read::{ReportError, Results, Value};
use focalsweep_core::losses::{Drawn, LossTerms, TrialLoss};
use focalsweep_core::metrics::catalogue::{Better, Test};
use focalsweep_core::spec::{Hyperparameters, Loss, OperatingPoint, Order, RankSpec, STACK, Sampling, Split};
use front::{fronts, lexicographic};
use group::group;

pub use devices::{DeviceUse, Interval, devices_in_words, training_seconds};
pub(crate) use devices::{TrainingTime, device_use};
pub use finalists::finalists;
pub use group::Trial;
pub use key::Key;
pub use short::{FEW_POSITIVES, few_validation_positives};

/// How to rank and how much to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Metrics without the prefix of the split, the most important first: `auc`, `fn`, `op_fn`.
    pub by: Vec<String>,
    /// The split whose metrics rank.
    pub on: Split,
    /// What comes before what.
    pub order: Order,
    /// How many trials to show; absent: all.
    pub top: Option<usize>,
}

impl Options {
    /// By these keys one after the other; all trials are shown.
    pub fn new(by: Vec<String>, on: Split) -> Self {
        Self { by, on, order: Order::default(), top: None }
    }
}

impl From<RankSpec> for Options {
    fn from(RankSpec { by, on, order, .. }: RankSpec) -> Self {
        Self { order, ..Self::new(by, on) }
    }
}

/// Trials in their order, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// Name of the sweep.
    pub name: String,
    /// Whose metrics rank.
    pub on: Split,
    /// What ranks, the most important first.
    pub keys: Vec<Key>,
    /// What came before what.
    pub order: Order,
    /// Names of the hyperparameters.
    pub parameters: Vec<String>,
    /// Those that set the trials apart: asked for with every trial, so looked for once.
    swept: Vec<String>,
    /// Names of the metrics, as the columns of results.parquet.
    pub metrics: Vec<String>,
    /// Replicates that a complete trial has.
    pub replicates: u32,
    /// All trials, the first the winner.
    pub trials: Vec<Ranked>,
    /// How many of them tables, CSV and JSON show.
    pub top: Option<usize>,
    /// Where the thresholds are put, if known.
    pub operating_point: Option<OperatingPoint>,
    /// The column by which rows count; `None` where each counts once.
    pub weight: Option<String>,
    /// Index of the trial that [`Ranking::best_plain`] gives, likewise.
    plain: Option<usize>,
    /// What was trained where and when.
    pub devices: Vec<DeviceUse>,
    /// What to know before believing it.
    pub warnings: Vec<String>,
}

/// A trial and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// 1-based place.
    pub rank: usize,
    /// 1-based front: nobody on front 1 is beaten on one key without being better on another. Those of incomplete
    /// trials come after those of the complete ones; `None` without any metrics.
    pub front: Option<usize>,
    /// The trial.
    pub trial: Trial,
}

/// Ranks the trials of a run: complete ones before others, those that ended early by the epochs they came to, then by
/// the keys one after the other, then by id so that the order is always the same; with [`Order::Front`] by fronts (see
/// Deb et al. 2002) before the keys. Whoever ranks first is the same either way.
///
/// # Errors
/// No rows, no keys, or a key that is not a metric of these results.
pub fn rank(results: &Results, options: &Options) -> Result<Ranking, ReportError> {
    let keys = options.by.iter().map(|name| Key::new(name, options.on)).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(ReportError::NoKeys);
    }
    let grouped = group(results);
    if grouped.trials.is_empty() {
        return Err(ReportError::NoRows);
    }
    let columns = keys
        .iter()
        .map(|key| {
            let lacks = |point: &OperatingPoint| point.lacks(&key.name);
            if let Some(lack) = results.operating_point.as_ref().and_then(lacks) {
                return Err(ReportError::NotAtPoint { metric: key.name.clone(), lack });
            }
            let at = results.metrics.iter().position(|metric| *metric == key.column);
            at.map(|at| (at, key.better)).ok_or_else(|| ReportError::NotMeasured(key.column.clone()))
        })
        .collect::<Result<Vec<_>, _>>()?;

    let (complete, rest): (Vec<Trial>, Vec<Trial>) = grouped.trials.into_iter().partition(|trial| trial.complete);
    let (mut stopped, rest): (Vec<Trial>, Vec<Trial>) = rest.into_iter().partition(|trial| trial.stopped.is_some());
    let (partial, nothing): (Vec<Trial>, Vec<Trial>) = rest.into_iter().partition(|trial| !trial.replicates.is_empty());
    // Those that went on longer first: figures of fewer epochs do not compare.
    let epochs = |trial: &Trial| trial.stopped.unwrap_or_default();
    stopped.sort_by(|one, other| epochs(other).total_cmp(&epochs(one)));
    let stopped: Vec<Vec<Trial>> =
        stopped.chunk_by(|one, other| epochs(one) == epochs(other)).map(<[Trial]>::to_vec).collect();
    let mut trials = Vec::new();
    for class in [complete].into_iter().chain(stopped).chain([partial]) {
        let fronts_before = trials.iter().filter_map(|ranked: &Ranked| ranked.front).max().unwrap_or(0);
        for (front, trial) in in_order(class, &columns, options.order) {
            trials.push(Ranked::new(trials.len(), Some(fronts_before + front), trial));
        }
    }
    for trial in nothing {
        trials.push(Ranked::new(trials.len(), None, trial));
    }

    let mut ranking = Ranking {
        name: results.name.clone(),
        on: options.on,
        keys,
        order: options.order,
        parameters: results.parameters.clone(),
        swept: Vec::new(),
        metrics: results.metrics.clone(),
        replicates: grouped.replicates,
        trials,
        top: options.top,
        operating_point: results.operating_point.clone(),
        weight: results.weight.clone(),
        plain: None,
        devices: device_use(results.ranked()),
        warnings: grouped.warnings,
    };
    ranking.swept = ranking.set_apart();
    ranking.plain = ranking.find_plain();
    ranking.warn(results);
    // What is of the data was told when the run began.
    ranking.warnings.extend(results.warnings.iter().cloned());
    Ok(ranking)
}

/// Trials with their fronts, in order. `columns` are the keys' metrics, and which way each is better.
fn in_order(trials: Vec<Trial>, columns: &[(usize, Better)], order: Order) -> Vec<(usize, Trial)> {
    // Less is better in all; an undefined metric is worse than any other.
    let points: Vec<Vec<f64>> = trials
        .iter()
        .map(|trial| {
            let cost = |&(at, better): &(usize, Better)| match (trial.means[at], better) {
                (None, _) => f64::INFINITY,
                (Some(value), Better::Less) => value,
                (Some(value), Better::More) => -value,
            };
            columns.iter().map(cost).collect()
        })
        .collect();
    let mut placed: Vec<_> = fronts(&points).into_iter().zip(points).zip(trials).collect();
    placed.sort_by(|((front_a, a), trial_a), ((front_b, b), trial_b)| {
        let by_front = match order {
            Order::Keys => Ordering::Equal,
            Order::Front => front_a.cmp(front_b),
        };
        by_front.then_with(|| lexicographic(a, b)).then_with(|| trial_a.trial_id.cmp(&trial_b.trial_id))
    });
    placed.into_iter().map(|((front, _), trial)| (front, trial)).collect()
}

impl Ranked {
    fn new(before: usize, front: Option<usize>, trial: Trial) -> Self {
        Self { rank: before + 1, front, trial }
    }

    /// Its mean of the column at a place: see [`Ranking::place_of`].
    pub(crate) fn mean_at(&self, place: Option<usize>) -> Option<f64> {
        *self.trial.means.get(place?)?
    }
}

impl Ranking {
    /// The test of the first rank key that has one; none for keys such as `fn` or `cost`.
    pub(crate) fn test(&self) -> Option<Test> {
        self.keys.iter().find_map(|key| key.test)
    }

    /// The best trial; `None` when no trial has any metrics.
    pub fn winner(&self) -> Option<&Ranked> {
        self.trials.first().filter(|ranked| ranked.front.is_some())
    }

    /// Whether a trial was trained as far as the winner: figures of fewer epochs do not compare with its.
    pub(crate) fn is_as_far(&self, ranked: &Ranked) -> bool {
        self.winner().is_none_or(|winner| ranked.trial.stopped == winner.trial.stopped)
    }

    /// The best trial of plain cross-entropy on the rows as they are, against which the others have to stand; `None`
    /// where it ended earlier than the winner.
    pub fn baseline(&self) -> Option<&Ranked> {
        self.best_plain().filter(|plain| self.is_as_far(plain))
    }

    /// The best trial of plain cross-entropy, however far it was trained. Without one, focal loss with α = 0.5 and
    /// γ = 0, which is half of plain cross-entropy.
    pub(crate) fn best_plain(&self) -> Option<&Ranked> {
        self.trials.get(self.plain?)
    }

    fn find_plain(&self) -> Option<usize> {
        let trains = |ranked: &Ranked, loss: Loss| {
            ranked.front.is_some()
                && self.method(ranked) == Some(LossAndSampling { loss, sampling: Sampling::None })
                && !self.is_smoothed(ranked)
        };
        let half =
            |ranked: &Ranked| ranked.front.is_some() && self.amounts_to(ranked) == Some(LossAndSampling::plain());
        let plain = self.trials.iter().position(|ranked| trains(ranked, Loss::Bce));
        plain.or_else(|| self.trials.iter().position(half))
    }

    /// What it is by another name: focal loss with γ = 0 is cross-entropy with class weights, and half of the plain one
    /// where α = 0.5.
    pub(crate) fn amounts_to(&self, ranked: &Ranked) -> Option<LossAndSampling> {
        let method = self.method(ranked)?;
        let is = |name: &str, value: f64| self.number(ranked, name) == Some(value);
        let loss = match method.loss {
            loss if self.is_smoothed(ranked) => loss,
            Loss::Focal if is(parameters::GAMMA, 0.0) && is(parameters::ALPHA, 0.5) => Loss::Bce,
            Loss::Focal if is(parameters::GAMMA, 0.0) => Loss::WeightedBce,
            loss => loss,
        };
        Some(LossAndSampling { loss, ..method })
    }

    /// Whether its labels count as wrong now and then, so that its cross-entropy is not the plain one.
    fn is_smoothed(&self, ranked: &Ranked) -> bool {
        self.number(ranked, parameters::LABEL_SMOOTHING).is_some_and(|smoothing| smoothing != 0.0)
    }

    /// Its loss and sampling.
    pub(crate) fn method(&self, ranked: &Ranked) -> Option<LossAndSampling> {
        let [loss, sampling] = [parameters::LOSS, parameters::SAMPLING].map(|name| self.parameter(ranked, name));
        LossAndSampling::read(loss, sampling)
    }

    /// The command of the user's that trained it.
    pub(crate) fn trainer<'a>(&self, ranked: &'a Ranked) -> Option<&'a str> {
        match self.parameter(ranked, parameters::TRAINER)? {
            Value::Text(name) => Some(name).filter(|name| *name != STACK).map(String::as_str),
            Value::Number(_) | Value::Integer(_) => None,
        }
    }

    /// Its loss.
    pub(crate) fn loss(&self, ranked: &Ranked) -> Option<Loss> {
        parameters::choice(self.parameter(ranked, parameters::LOSS))
    }

    /// What a trial's loss reads, where the probabilities that it makes of scores are none: focal loss, and class
    /// weights that are known. `None` where rows were resampled, which moves scores too.
    pub(crate) fn improper_loss(&self, ranked: &Ranked) -> Option<LossTerms> {
        let LossAndSampling { loss, sampling: Sampling::None } = self.method(ranked)? else { return None };
        let number = |name| self.number(ranked, name);
        let trial = Hyperparameters {
            alpha: number(parameters::ALPHA),
            gamma: number(parameters::GAMMA),
            pos_weight: number("pos_weight"),
            gamma_pos: number("gamma_pos"),
            gamma_neg: number("gamma_neg"),
            margin: number("margin"),
            label_smoothing: number("label_smoothing").unwrap_or(0.0),
            ..Hyperparameters::built_in(loss)
        };
        // Without weights of its own, cross-entropy has those of the rows that were drawn; so has the vector-scaling
        // loss.
        let is_known = match loss {
            Loss::Focal | Loss::Asymmetric => true,
            Loss::WeightedBce => trial.pos_weight.is_some(),
            Loss::Bce => trial.label_smoothing > 0.0,
            Loss::Vs | Loss::Pairwise => false,
        };
        match TrialLoss::of_trial(&trial, Drawn { positives: 1, negatives: 1 }) {
            TrialLoss::Rows(terms) => Some(terms).filter(|_| is_known),
            TrialLoss::Pairs(_) => None,
        }
    }

    /// A hyperparameter of any number.
    pub(crate) fn number(&self, ranked: &Ranked, name: &str) -> Option<f64> {
        match self.parameter(ranked, name)? {
            Value::Number(number) => Some(*number),
            Value::Integer(_) | Value::Text(_) => None,
        }
    }

    /// A trial by its id.
    pub fn trial(&self, id: &str) -> Option<&Ranked> {
        self.trials.iter().find(|ranked| ranked.trial.trial_id == id)
    }

    /// The trials that tables, CSV and JSON show.
    pub fn shown(&self) -> &[Ranked] {
        &self.trials[..self.top.unwrap_or(usize::MAX).min(self.trials.len())]
    }

    /// Trials on the first front.
    pub fn on_first_front(&self) -> usize {
        self.trials.iter().filter(|ranked| ranked.front == Some(1)).count()
    }

    /// A trial's hyperparameter by name.
    pub fn parameter<'a>(&self, ranked: &'a Ranked, name: &str) -> Option<&'a Value> {
        let at = self.parameters.iter().position(|parameter| parameter == name)?;
        ranked.trial.parameters.get(at)?.as_ref()
    }

    /// A trial's mean of a column of results.parquet.
    pub fn mean(&self, ranked: &Ranked, column: &str) -> Option<f64> {
        ranked.mean_at(self.place_of(column))
    }

    /// Where a column of results.parquet stands in [`Ranking::metrics`]: found once for who asks for it with every
    /// trial.
    pub(crate) fn place_of(&self, column: &str) -> Option<usize> {
        self.metrics.iter().position(|metric| metric == column)
    }

    /// Hyperparameters that set the trials apart, and those that are always shown beside a loss of theirs.
    pub fn swept(&self) -> Vec<&str> {
        self.swept.iter().map(String::as_str).collect()
    }

    fn set_apart(&self) -> Vec<String> {
        let losses: Vec<Loss> = self.trials.iter().filter_map(|ranked| self.loss(ranked)).collect();
        let swept = |name: &&str| self.constant(name).is_none() || parameters::is_shown_with(name, &losses);
        self.parameters.iter().map(String::as_str).filter(swept).map(str::to_owned).collect()
    }

    /// Hyperparameters that all trials share, with their values.
    pub fn constants(&self) -> Vec<(&str, &Value)> {
        let swept = self.swept();
        let constant = self.parameters.iter().map(String::as_str).filter(|name| !swept.contains(name));
        constant.filter_map(|name| Some((name, self.constant(name)??))).collect()
    }

    /// `None` when the trials differ; `Some(None)` when none of them reads it.
    fn constant(&self, name: &str) -> Option<Option<&Value>> {
        let at = self.parameters.iter().position(|parameter| parameter == name);
        let has_it = |ranked: &Ranked| at.is_some_and(|at| ranked.trial.parameters[at].is_some());
        // What no trial of a trainer has does not set that trainer's apart.
        let having: BTreeSet<Option<&str>> =
            self.trials.iter().filter(|ranked| has_it(ranked)).map(|ranked| self.trainer(ranked)).collect();
        let counts = |ranked: &&Ranked| having.is_empty() || having.contains(&self.trainer(ranked));
        let mut values = self.trials.iter().filter(counts).map(|ranked| ranked.trial.parameters.get(at?)?.as_ref());
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }

    fn warn(&mut self, results: &Results) {
        let mut warnings = Vec::new();
        if self.winner().is_none() {
            warnings.push("no trial has any metrics".to_owned());
        }
        if let Some(epochs) = self.winner().and_then(|winner| winner.trial.stopped) {
            warnings.push(format!("no trial was trained to its end: the first came to epoch {}", epochs.round()));
        }
        warnings.extend(self.degenerate());
        warnings.extend(self.cut_short(results));
        let by_loss = self.keys.iter().any(|key| key.name == "loss");
        let measured = self.trials.iter().filter(|ranked| by_loss && ranked.front.is_some());
        let shaping: Vec<&String> = self.parameters.iter().filter(|name| parameters::shapes_loss(name)).collect();
        let losses: HashSet<String> = measured
            .map(|ranked| format!("{:?}", shaping.iter().map(|p| self.parameter(ranked, p)).collect::<Vec<_>>()))
            .collect();
        if losses.len() > 1 {
            warnings.push(
                "ranked by loss, but each trial's loss is its own: values of different losses do not compare"
                    .to_owned(),
            );
        }
        self.warnings.append(&mut warnings);
    }
}
