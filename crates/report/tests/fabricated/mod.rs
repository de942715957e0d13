//! Models that are equal on purpose, or unequal by a known amount, and what the report claims of them.
//!
//! Scores are drawn, not trained: a row's score is its class's shift, an error that all models share, one that a model
//! keeps over its trainings, and one of each training. The row's errors are the same in every replicate; test rows are
//! the same for all replicates, and so are negatives that are set aside for a guarantee; training and validation rows
//! are dealt anew, as `split.test_rows: fixed` does. Then the scores go through `rank` and `judge`, as those of a run
//! do.

mod draw;
mod rows;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};

use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{AucComponents, student_t, two_sided_p};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::{Margins, OperatingPoint, Split};
use focalsweep_report::{
    Claim, Decision, Ensemble, EnsembleReplicate, Kind, Options, Outcome, Procedure, Ranking, Results, ScoreGroup,
    StandardErrors, judge, rank,
};

use draw::{Set, draw};

/// What rows come in, and how they are dealt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By themselves, at random.
    Rows,
    /// Groups of one to seven rows; `positives` are groups with positives, and there are eight times as many others.
    Groups,
    /// One window of time: so many days validate, as many after them test. All replicates are on these.
    Days(usize),
    /// A window of so many days for each replicate, each validated by as long before it as `split.validation` is by
    /// default; `positives` is for a window on average.
    Windows(usize),
    /// Folds, and how often they are drawn; `positives` is for a fold. There are as many replicates.
    Folds(u32, u32),
}

/// How models are made.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    pub(crate) models: usize,
    /// Positives of the validation rows, and of the test rows.
    pub(crate) positives: usize,
    pub(crate) auc: f64,
    /// Share of the errors' variance that all models have in common.
    pub(crate) shared: f64,
    pub(crate) replicates: u32,
    /// Of those, trained afresh.
    pub(crate) confirm: u32,
    pub(crate) key: &'static str,
    pub(crate) point: OperatingPoint,
    pub(crate) on: Split,
    /// Half of the models are the first one again but for a thousandth of the errors.
    pub(crate) near: bool,
    /// Standard deviation of what a training does to the shift.
    pub(crate) luck: f64,
    /// By how much the last model's shift is less.
    pub(crate) worse: f64,
    /// By how much the shift of plain cross-entropy, the first model, is less.
    pub(crate) plain_worse: f64,
    /// Whether test rows are dealt anew for each replicate.
    pub(crate) redraw: bool,
    /// Negatives that are set aside for a guarantee.
    pub(crate) set_aside: usize,
    pub(crate) by: By,
    /// Share of each error's variance that the rows of a unit have in common.
    pub(crate) alike: f64,
    /// Whether the report is kept from knowing the units, and counts rows.
    pub(crate) hidden: bool,
    /// Standard deviation of the logarithms of the rows' weights, half of whose variance is the common error's; 0: rows
    /// have none.
    pub(crate) weigh: f64,
    /// Standard deviation of what a window or the training rows of a fold do to the shift of all models.
    pub(crate) drift: f64,
}

impl Cell {
    /// 21 models of an AUC of 0.75 with ten positives, on one replicate.
    pub(crate) fn plain() -> Self {
        Self {
            models: 21,
            positives: 10,
            auc: 0.75,
            shared: 0.8,
            replicates: 1,
            confirm: 0,
            key: "auc",
            point: max_fpr(0.05),
            on: Split::Validation,
            near: false,
            luck: 0.0,
            worse: 0.0,
            plain_worse: 0.0,
            redraw: false,
            set_aside: 0,
            by: By::Rows,
            alike: 0.5,
            hidden: false,
            weigh: 0.0,
            drift: 0.0,
        }
    }

    pub(crate) fn name(&self) -> String {
        let point = match self.point {
            OperatingPoint::MaxFpr { max_fpr, confidence: None } => format!("max_fpr {max_fpr}"),
            OperatingPoint::MaxFpr { max_fpr, confidence: Some(confidence) } => {
                format!("max_fpr {max_fpr} confidence {confidence} of {} set aside", self.set_aside)
            }
            OperatingPoint::MinRecall { min_recall } => format!("min_recall {min_recall}"),
            OperatingPoint::MinPrecision { min_precision } => format!("min_precision {min_precision}"),
            OperatingPoint::AlertBudget { max_alerts_per_1000 } => format!("alerts {max_alerts_per_1000}"),
            OperatingPoint::Cost { fn_cost, fp_cost } => format!("costs {fn_cost}:{fp_cost}"),
        };
        let on = if self.on == Split::Test { " on test" } else { "" };
        let near = if self.near { " near-duplicates" } else { "" };
        let redraw = if self.redraw { " redrawn" } else { "" };
        let luck = if self.luck > 0.0 { format!(" luck {}", self.luck) } else { String::new() };
        let drift = if self.drift > 0.0 { format!(" drift {}", self.drift) } else { String::new() };
        let hidden = if self.hidden { " counted by rows" } else { "" };
        let by = match self.by {
            By::Rows => String::new(),
            By::Groups => format!(" in groups alike {}", self.alike),
            By::Days(days) => format!(" in {days} days alike {}", self.alike),
            By::Windows(days) => format!(" in windows of {days} days alike {}", self.alike),
            By::Folds(folds, repeats) => format!(" in {folds} folds x {repeats}"),
        };
        let worse = if self.worse > 0.0 { format!(" worse {:.3}", self.worse) } else { String::new() };
        let plain =
            if self.plain_worse > 0.0 { format!(" plain worse {:.3}", self.plain_worse) } else { String::new() };
        let weigh = if self.weigh > 0.0 { format!(" weights {}", self.weigh) } else { String::new() };
        let variant = format!("{by}{weigh}{on}{near}{redraw}{luck}{drift}{hidden}{worse}{plain}");
        format!(
            "{} {} models, {} positives, AUC {}, shared {}, {} replicates, {point}{variant}",
            self.key, self.models, self.positives, self.auc, self.shared, self.replicates
        )
    }

    /// How far positives lie above negatives, in standard deviations, at an AUC.
    fn shift(&self) -> f64 {
        shift_of(self.auc)
    }
}

fn shift_of(auc: f64) -> f64 {
    let (mut low, mut high) = (0.0, 8.0);
    for _ in 0..60 {
        let middle: f64 = f64::midpoint(low, high);
        if auc_of(middle) < auc { low = middle } else { high = middle }
    }
    low
}

fn auc_of(shift: f64) -> f64 {
    1.0 - two_sided_p(shift / 2_f64.sqrt()) / 2.0
}

/// What is counted over the sets of a cell.
pub(crate) const COUNTED: [&str; 24] = [
    "told from the winner, by the key",
    "by AUC",
    "test: AUC",
    "test: operating point",
    "settings: AUC",
    "settings: operating point",
    "± covers (validation)",
    "± covers (test)",
    "test: the other side",
    "settings: the other side",
    "procedure: AUC",
    "procedure: by the key",
    "procedure: AUC's difference held",
    "procedure: the key's difference held",
    "procedure: ± of the AUC covers",
    "a trial's precision to come is below",
    "the winner's is",
    "average: has a row",
    "average: AUC's difference held",
    "average: told worse by AUC",
    "average: told worse at the operating point",
    "decision: better",
    "decision: equal enough",
    "decision: equal enough, and it is not",
];

/// What is found of a set by one of [`COUNTED`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Found {
    /// There is no such claim.
    Nothing,
    /// Whether it holds.
    Told(bool),
    /// A figure and half of its interval, to be held against the truth; that is the mean over all sets where it is not
    /// given, those included where nothing is said of how sure the figure is.
    Interval { centre: f64, half: Option<f64>, truth: Option<f64> },
}

impl Found {
    fn told(told: Option<bool>) -> Self {
        told.map_or(Self::Nothing, Self::Told)
    }
}

/// What [`COUNTED`] are in a set.
fn judged(cell: &Cell, set: &Set) -> [Found; COUNTED.len()] {
    let mut results = set.results.clone();
    results.add_costs();
    let options = Options::new(vec![cell.key.to_owned()], cell.on);
    let ranking = rank(&results, &options).unwrap();
    let in_turn = |n: usize, each: &(dyn Fn(usize) + Sync)| (0..n).for_each(each);
    let judged = judge(set, &results, &ranking, &[], &in_turn).unwrap();
    let winner = &ranking.winner().unwrap().trial.trial_id;
    let baseline = &ranking.baseline().unwrap().trial.trial_id;
    let worst = format!("{:016x}", cell.models - 1);
    let told = |kind: Kind, about: Test, split: Split| {
        let of = judged.claims.all().iter().filter(|c| (c.kind, c.about, c.split) == (kind, about, split));
        let of: Vec<_> = of.filter(|c| cell.worse == 0.0 || c.against == worst).collect();
        if cell.worse > 0.0 && *winner == worst {
            return Found::Told(false);
        }
        Found::told((!of.is_empty()).then(|| of.iter().any(|claim| claim.told())))
    };
    let of_rule = Test::of_rule(&cell.point);
    let other = Test::at_point(&cell.point).iter().copied().find(|&test| test != of_rule).unwrap_or(of_rule);
    let named = |about: Test| {
        let of =
            judged.claims.get(Kind::Models, about, winner, baseline, Split::Test).filter(|_| cell.on != Split::Test);
        Found::told(of.map(Claim::told))
    };
    let covers = |split: Split| {
        // A trial that was not chosen: the truth of its setting.
        let trial = format!("{:016x}", 0);
        let column = if split == Split::Test { "test_auc" } else { "val_auc" };
        let of = judged.errors.of(&trial, split).zip(ranking.mean(ranking.trial(&trial)?, column));
        let (error, centre) = of?;
        Some(Found::Interval {
            centre,
            half: Some(student_t(0.05, positives(cell, set, split) - 1.0) * error),
            truth: (cell.by == By::Rows).then(|| truth(cell)),
        })
    };
    let covers = |split: Split| covers(split).unwrap_or(Found::Nothing);
    let key = ranking.keys[0].test.unwrap();
    let [tested, tested_by_key, held, held_by_key, mean] =
        procedure(Procedure::of(&results, &ranking).unwrap().as_ref(), key);
    let [has_row, average_held, worse, worse_at_point] = average(cell, set, (&results, &ranking));
    let [trials, winners] = [&format!("{:016x}", 0), winner].map(|trial| precision_to_come(cell, &results, trial));
    let decision = judged.decision(&ranking, &Margins::default(), &[]);
    let [better, enough, not_enough] = decided(cell, decision.as_ref());
    [
        told(Kind::Models, key, cell.on),
        told(Kind::Models, Test::Auc, cell.on),
        named(Test::Auc),
        named(of_rule),
        told(Kind::Settings, Test::Auc, Split::Test),
        told(Kind::Settings, of_rule, Split::Test),
        covers(Split::Validation),
        covers(Split::Test),
        named(other),
        told(Kind::Settings, other, Split::Test),
        tested,
        tested_by_key,
        held,
        held_by_key,
        mean,
        trials,
        winners,
        has_row,
        average_held,
        worse,
        worse_at_point,
        better,
        enough,
        not_enough,
    ]
}

/// Whether the decision calls the winner better, a trial equal enough, and whether that trial is behind the others by
/// the margin or more; by AUC, where that is known.
fn decided(cell: &Cell, decision: Option<&Decision>) -> [Found; 3] {
    let Some(decision) = decision.filter(|decision| decision.about == Test::Auc && cell.luck == 0.0) else {
        return [Found::Nothing; 3];
    };
    let is = |outcome: Outcome| Found::Told(decision.outcome == outcome);
    let is_plain = decision.trial == format!("{:016x}", 0);
    let behind = if is_plain { auc_of(cell.shift()) - auc_of(cell.shift() - cell.plain_worse) } else { 0.0 };
    let wrong = decision.outcome == Outcome::EqualEnough && behind >= decision.margin;
    [is(Outcome::Better), is(Outcome::EqualEnough), Found::Told(wrong)]
}

/// What is said of the average of the best: whether it has a row and, where it has, whether the interval of its AUC
/// less the winner's holds the true difference, and whether it is told to be worse, which it never is: it averages
/// errors out. Of models that are equal, each with errors of its own.
fn average(cell: &Cell, set: &Set, (results, ranking): (&Results, &Ranking)) -> [Found; 4] {
    let is_plain = cell.by == By::Rows && !cell.near && cell.luck == 0.0 && cell.worse == 0.0;
    let in_turn = |n: usize, each: &(dyn Fn(usize) + Sync)| (0..n).for_each(each);
    let found = is_plain.then(|| Ensemble::of(set, results, ranking, &in_turn).unwrap().ok()).flatten();
    let Some(ensemble) = found else { return [Found::Nothing; 4] };
    if !ensemble.earns_its_row() {
        return [Found::Told(false), Found::Nothing, Found::Nothing, Found::Nothing];
    }
    let claims = ensemble.claims(set, (results, ranking), &mut StandardErrors::default(), &in_turn).unwrap();
    let winner = &ranking.winner().unwrap().trial.trial_id;
    let claim = |about: Test| claims.iter().find(|claim| claim.about == about && claim.against == *winner);
    let of_replicate = |replicate: &EnsembleReplicate| {
        let shares: Vec<f64> = ensemble
            .members
            .iter()
            .zip(&replicate.scales)
            .map(|(member, scale)| member.weight * (scale.apply(1.0) - scale.apply(0.0)))
            .collect();
        let sum: f64 = shares.iter().sum();
        let squares: f64 = shares.iter().map(|share| (share / sum).powi(2)).sum();
        auc_of(cell.shift() / (cell.shared + (1.0 - cell.shared) * squares).sqrt())
    };
    let replicates = &ensemble.replicates;
    let truth = replicates.iter().map(of_replicate).sum::<f64>() / replicates.len() as f64 - auc_of(cell.shift());
    let held = claim(Test::Auc).map_or(Found::Nothing, |claim| {
        let half = claim.interval.map(|interval| (interval.upper - interval.lower) / 2.0);
        Found::Interval { centre: claim.difference, half, truth: Some(truth) }
    });
    let worse = |about: Test| Found::told(claim(about).map(|claim| claim.told() && claim.favours() == Some(false)));
    [Found::Told(true), held, worse(Test::Auc), worse(Test::of_rule(&cell.point))]
}

/// What is said of the procedure: whether its AUC and its figure by the key are told from the plain one's, whether the
/// intervals of these differences hold, and that of its AUC.
fn procedure(procedure: Option<&Procedure>, key: Test) -> [Found; 5] {
    let Some(procedure) = procedure.filter(|procedure| procedure.is_tested()) else {
        return [Found::Nothing; 5];
    };
    let of = |about: Test| procedure.figures.iter().find(|figure| figure.about == about);
    let against = |about: Test| of(about)?.against_plain;
    let told = |about: Test| Found::told(against(about).map(|of| of.test.is_some_and(|(_, p)| p < 0.05)));
    let held = |about: Test| {
        against(about).map_or(Found::Nothing, |of| Found::Interval {
            centre: of.difference,
            half: of.test.map(|(interval, _)| (interval.upper - interval.lower) / 2.0),
            truth: None,
        })
    };
    let auc = of(Test::Auc).and_then(|auc| Some((auc.mean, auc.standard_error?)));
    let mean = auc.map_or(Found::Nothing, |(centre, error)| Found::Interval {
        centre,
        half: Some(error * student_t(0.05, procedure.count as f64 - 1.0)),
        truth: None,
    });
    [told(Test::Auc), told(key), held(Test::Auc), held(key), mean]
}

/// Positives of the rows, or of several units those that have some.
fn positives(cell: &Cell, set: &Set, split: Split) -> f64 {
    if cell.by == By::Rows {
        return cell.positives as f64;
    }
    let of_trial = set.groups.iter().filter(|group| group.split == split && group.trial == set.groups[0].trial);
    let of = |group: &ScoreGroup| -> HashSet<i64> {
        let keys = if group.units.is_empty() { &group.rows } else { &group.units };
        keys.iter().zip(&group.labels).filter(|(_, label)| **label == 1).map(|(key, _)| *key).collect()
    };
    of_trial.flat_map(of).collect::<HashSet<i64>>().len() as f64
}

/// Whether the rows that a trial's threshold flags, of all that there could be, have a lower share of positives than
/// was asked for; of the first replicate.
fn precision_to_come(cell: &Cell, results: &Results, trial: &str) -> Found {
    let OperatingPoint::MinPrecision { min_precision } = cell.point else { return Found::Nothing };
    let row = results.rows.iter().find(|row| row.trial_id == trial).unwrap();
    let [threshold, caught, alarms] =
        ["threshold_raw", "val_op_tp", "val_op_fp"].map(|name| results.value(row, name).unwrap());
    // Nobody is flagged, which is said.
    if caught + alarms == 0.0 {
        return Found::Nothing;
    }
    let share = cell.positives as f64 / (cell.positives + (20 * cell.positives).max(400)) as f64;
    let above = |z: f64| if z > 0.0 { two_sided_p(z) / 2.0 } else { 1.0 - two_sided_p(z) / 2.0 };
    let (caught, alarms) = (share * above(threshold - cell.shift()), (1.0 - share) * above(threshold));
    Found::Told(caught / (caught + alarms) < min_precision)
}

/// Expected AUC of a training.
fn truth(cell: &Cell) -> f64 {
    // Φ((shift + luck) / √2), the mean over normal luck.
    auc_of(cell.shift() * (1.0 / (1.0 + cell.luck * cell.luck / 2.0)).sqrt())
}

/// Shares of the sets that `seed` draws, and how many had such a claim.
pub(crate) fn rates(cell: &Cell, sets: u32, seed: u64) -> [(u32, u32); COUNTED.len()] {
    let next = AtomicU32::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut found = Vec::new();
        loop {
            let set = next.fetch_add(1, Ordering::Relaxed);
            if set >= sets {
                return found;
            }
            found.push(judged(cell, &draw(cell, &mut Stream::new(seed, set, Purpose::Synth, 0, 0))));
        }
    };
    let found: Vec<[Found; COUNTED.len()]> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    std::array::from_fn(|at| {
        let of = || found.iter().map(|of| of[at]);
        let centre = |found| if let Found::Interval { centre, .. } = found { Some(centre) } else { None };
        let centres: Vec<f64> = of().filter_map(centre).collect();
        let mean = centres.iter().sum::<f64>() / centres.len() as f64;
        let holds = |found| match found {
            Found::Nothing => None,
            Found::Told(told) => Some(told),
            Found::Interval { centre, half, truth } => Some((centre - truth.unwrap_or(mean)).abs() <= half?),
        };
        let held: Vec<bool> = of().filter_map(holds).collect();
        (held.iter().filter(|&&held| held).count() as u32, held.len() as u32)
    })
}

/// The shift by which plain cross-entropy has an AUC that is less by the margin, and a tenth of it more, so that it is
/// wrong to call it equal enough also where the best is taken for a little better than it is.
pub(crate) fn by_the_margin(cell: &Cell) -> f64 {
    let best = auc_of(cell.shift());
    cell.shift() - shift_of(best - 1.1 * Margins::default().of(Test::Auc, best, cell.positives as u64))
}

/// The shift by which a model is worse that a plain paired test of two named models tells in 95 %.
pub(crate) fn noticeable(cell: &Cell) -> f64 {
    let two = Cell { models: 2, worse: 0.0, replicates: 1, confirm: 0, ..cell.clone() };
    let differences: Vec<f64> = (0..600)
        .map(|set| {
            let drawn = draw(&two, &mut Stream::new(5, set, Purpose::Synth, 0, 0));
            let auc = |group: &ScoreGroup| AucComponents::new(&group.raw, &group.labels).unwrap().auc();
            auc(&drawn.groups[0]) - auc(&drawn.groups[2])
        })
        .collect();
    let spread = (differences.iter().map(|d| d * d).sum::<f64>() / differences.len() as f64).sqrt();
    cell.shift() - shift_of(cell.auc - 3.605 * spread)
}

pub(crate) fn max_fpr(max_fpr: f64) -> OperatingPoint {
    OperatingPoint::MaxFpr { max_fpr, confidence: None }
}

/// The same with a confidence of 95 %.
pub(crate) fn guaranteed(max_fpr: f64) -> OperatingPoint {
    OperatingPoint::MaxFpr { max_fpr, confidence: Some(0.95) }
}
