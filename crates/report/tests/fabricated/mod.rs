//! Models that are equal on purpose, or unequal by a known amount, and what the report claims of them.
//!
//! Scores are drawn, not trained: a row's score is its class's shift, an error that all models share, one that a model
//! keeps over its trainings, and one of each training. The row's errors are the same in every replicate; test rows are
//! the same for all replicates, and so are negatives that are set aside for a guarantee; training and validation rows
//! are dealt anew, as `split.test_rows: fixed` does. Then the scores go through `rank` and `judge`, as those of a run
//! do.

use std::sync::atomic::{AtomicU32, Ordering};

use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{
    AucComponents, Confusion, ScoredRows, auc_delong, average_precision, student_t, threshold_in_use, two_sided_p,
    validation_threshold,
};
use focalsweep_core::plan::Phase;
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::record::State;
use focalsweep_core::spec::{OperatingPoint, Split};
use focalsweep_report::{
    CalibrationGroup, Claim, Kind, Options, ReportError, Results, Row, ScoreGroup, ScoreSource, Value, judge, rank,
};

/// Columns of the fabricated results.
const COLUMNS: [&str; 13] = [
    "val_auc",
    "val_average_precision",
    "val_op_fn",
    "val_op_fp",
    "test_auc",
    "test_average_precision",
    "test_op_fn",
    "test_op_fp",
    "threshold_raw",
    "val_op_tp",
    "val_op_tn",
    "test_op_tp",
    "test_op_tn",
];

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
    /// Whether test rows are dealt anew for each replicate.
    pub(crate) redraw: bool,
    /// Negatives that are set aside for a guarantee.
    pub(crate) set_aside: usize,
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
            redraw: false,
            set_aside: 0,
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
        let worse = if self.worse > 0.0 { format!(" worse {:.3}", self.worse) } else { String::new() };
        format!(
            "{} {} models, {} positives, AUC {}, shared {}, {} replicates, {point}{on}{near}{redraw}{luck}{worse}",
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

/// A set: scores, and results as a run would have them.
struct Set {
    results: Results,
    groups: Vec<ScoreGroup>,
    set_aside: Vec<CalibrationGroup>,
}

impl ScoreSource for Set {
    fn for_each(
        &self,
        wanted: &dyn Fn(&str, u32, Split) -> bool,
        each: &mut dyn FnMut(ScoreGroup),
    ) -> Result<(), ReportError> {
        self.groups.for_each(wanted, each)
    }

    fn for_each_calibration(
        &self,
        wanted: &dyn Fn(&str, u32) -> bool,
        each: &mut dyn FnMut(CalibrationGroup),
    ) -> Result<(), ReportError> {
        let groups = self.set_aside.iter().filter(|group| wanted(&group.trial, group.replicate));
        groups.for_each(|group| each(group.clone()));
        Ok(())
    }
}

fn draw(cell: &Cell, stream: &mut Stream) -> Set {
    // As many rows as validation and test rows need, and twice as many to train on.
    let negatives = (20 * cell.positives).max(400);
    let (all_positives, all_negatives) = (4 * cell.positives, 4 * negatives + cell.set_aside);
    let rows = all_positives + all_negatives;
    let label = |row: usize| u8::from(row < all_positives);
    let common: Vec<f64> = (0..rows).map(|_| stream.normal()).collect();
    let own: Vec<Vec<f64>> = (0..cell.models).map(|_| (0..rows).map(|_| stream.normal()).collect()).collect();
    let mut deal = |pool: &mut Vec<usize>, count: usize| {
        stream.shuffle(pool);
        pool.split_off(pool.len() - count)
    };
    let mut pools = [(0..all_positives).collect::<Vec<_>>(), (all_positives..rows).collect::<Vec<_>>()];
    let counts = [cell.positives, negatives];
    let fixed: Vec<usize> = pools.iter_mut().zip(counts).flat_map(|(pool, count)| deal(pool, count)).collect();
    let fixed_aside = if cell.set_aside > 0 { deal(&mut pools[1], cell.set_aside) } else { Vec::new() };
    let splits: Vec<[Vec<usize>; 3]> = (0..cell.replicates + cell.confirm)
        .map(|_| {
            let mut pools = pools.clone();
            let (test, mut aside) = if cell.redraw {
                pools = [(0..all_positives).collect(), (all_positives..rows).collect()];
                let test = pools.iter_mut().zip(counts).flat_map(|(pool, count)| deal(pool, count)).collect();
                let aside = if cell.set_aside > 0 { deal(&mut pools[1], cell.set_aside) } else { Vec::new() };
                (test, aside)
            } else {
                (fixed.clone(), fixed_aside.clone())
            };
            let mut validation: Vec<usize> =
                pools.iter_mut().zip(counts).flat_map(|(pool, count)| deal(pool, count)).collect();
            validation.sort_unstable();
            let mut test: Vec<usize> = test;
            test.sort_unstable();
            aside.sort_unstable();
            [validation, test, aside]
        })
        .collect();
    let (mut groups, mut set_aside, mut table) = (Vec::new(), Vec::new(), Vec::new());
    for (model, own) in own.iter().enumerate() {
        let worse = if model + 1 == cell.models { cell.worse } else { 0.0 };
        for (replicate, split) in (0..).zip(&splits) {
            let is_confirm = replicate >= cell.replicates;
            let luck = cell.luck * stream.normal();
            let shift = cell.shift() - worse + luck;
            let (of_model, of_training) = (0.5_f64.sqrt(), 0.5_f64.sqrt());
            let apart = if cell.near && model % 2 == 1 { 0.001 } else { 1.0 - cell.shared };
            let base = if cell.near { 1.0 } else { cell.shared };
            let mut score = |row: usize| {
                let error =
                    base.sqrt() * common[row] + apart.sqrt() * (of_model * own[row] + of_training * stream.normal());
                (shift * f64::from(label(row)) + error) as f32
            };
            let id = format!("{model:016x}");
            let [validation, test, aside] = split.each_ref().map(|of| {
                let raw: Vec<f32> = of.iter().map(|&row| score(row)).collect();
                let labels: Vec<u8> = of.iter().map(|&row| label(row)).collect();
                (of.iter().map(|&row| row as i64).collect(), labels, raw)
            });
            let parts =
                [(Split::Validation, validation), (Split::Test, test)].map(|(split, (rows, labels, raw))| ScoreGroup {
                    trial: id.clone(),
                    replicate,
                    split,
                    rows,
                    labels,
                    scores: raw.clone(),
                    raw,
                    units: Vec::new(),
                });
            let (rows, labels, raw) = aside;
            let aside = CalibrationGroup { trial: id.clone(), replicate, rows, labels, scores: raw.clone(), raw };
            table.push(row_of(cell, &id, (model, replicate, is_confirm), &parts, &aside));
            groups.extend(parts);
            set_aside.extend(Some(aside).filter(|aside| !aside.rows.is_empty()));
        }
    }
    let results = Results {
        name: "fabricated".to_owned(),
        planned_trials: cell.models,
        planned_replicates: cell.replicates,
        parameters: vec!["loss".to_owned(), "alpha".to_owned()],
        metrics: COLUMNS.map(str::to_owned).to_vec(),
        rows: table,
        operating_point: Some(cell.point.clone()),
        ..Results::default()
    };
    Set { results, groups, set_aside }
}

fn row_of(
    cell: &Cell,
    id: &str,
    (model, replicate, confirm): (usize, u32, bool),
    parts: &[ScoreGroup; 2],
    aside: &CalibrationGroup,
) -> Row {
    let validation = ScoredRows { raw: &parts[0].raw, scores: &parts[0].scores, labels: &parts[0].labels };
    let chosen = validation_threshold(&cell.point, validation);
    let threshold = threshold_in_use(&cell.point, chosen, aside.scored()).unwrap().raw;
    let val = Confusion::at(&parts[0].raw, &parts[0].labels, chosen.unwrap().raw);
    let test = Confusion::at(&parts[1].raw, &parts[1].labels, threshold);
    let auc = parts.each_ref().map(|part| auc_delong(&part.raw, &part.labels).unwrap().auc);
    let precision = parts.each_ref().map(|part| average_precision(&part.raw, &part.labels).unwrap());
    let count = |count: u64| count as f64;
    let values = [
        auc[0],
        precision[0],
        count(val.fn_),
        count(val.fp),
        auc[1],
        precision[1],
        count(test.fn_),
        count(test.fp),
        threshold,
        count(val.tp),
        count(val.tn),
        count(test.tp),
        count(test.tn),
    ];
    Row {
        trial_id: id.to_owned(),
        replicate,
        phase: if confirm { Phase::Confirm } else { Phase::Search },
        state: State::Finished,
        error: None,
        data_fingerprint: "data".to_owned(),
        split_fingerprint: format!("split {replicate}"),
        parameters: vec![
            Some(Value::Text(if model == 0 { "bce" } else { "focal" }.to_owned())),
            (model > 0).then_some(Value::Number(model as f64 / 100.0)),
        ],
        metrics: values.into_iter().map(Some).collect(),
        timing: None,
    }
}

/// What is counted over the sets of a cell.
pub(crate) const COUNTED: [&str; 10] = [
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
];

/// Which of [`COUNTED`] hold of a set, and whether there was such a claim at all.
fn judged(cell: &Cell, set: &Set) -> [Option<bool>; 10] {
    let mut results = set.results.clone();
    results.add_costs();
    let options = Options { by: vec![cell.key.to_owned()], on: cell.on, top: None };
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
            return Some(false);
        }
        (!of.is_empty()).then(|| of.iter().any(|claim| claim.told()))
    };
    let of_rule = Test::of_rule(&cell.point);
    let other = Test::at_point(&cell.point).iter().copied().find(|&test| test != of_rule).unwrap_or(of_rule);
    let named = |about: Test| judged.claims.get(Kind::Models, about, winner, baseline, Split::Test).map(Claim::told);
    let covers = |split: Split| {
        // A trial that was not chosen: the truth of its setting.
        let (trial, truth) = (format!("{:016x}", 0), truth(cell));
        let error = judged.errors.of(&trial, split)?;
        let column = if split == Split::Test { "test_auc" } else { "val_auc" };
        let mean = ranking.mean(ranking.trial(&trial)?, column)?;
        Some((mean - truth).abs() <= student_t(0.05, cell.positives as f64 - 1.0) * error)
    };
    let key = ranking.keys[0].test.unwrap();
    [
        told(Kind::Models, key, cell.on),
        told(Kind::Models, Test::Auc, cell.on),
        if cell.on == Split::Test { None } else { named(Test::Auc) },
        if cell.on == Split::Test { None } else { named(of_rule) },
        told(Kind::Settings, Test::Auc, Split::Test),
        told(Kind::Settings, of_rule, Split::Test),
        covers(Split::Validation),
        covers(Split::Test),
        if cell.on == Split::Test { None } else { named(other) },
        told(Kind::Settings, other, Split::Test),
    ]
}

/// Expected AUC of a training.
fn truth(cell: &Cell) -> f64 {
    // Φ((shift + luck) / √2), the mean over normal luck.
    auc_of(cell.shift() * (1.0 / (1.0 + cell.luck * cell.luck / 2.0)).sqrt())
}

/// Shares of the sets that `seed` draws, and how many had such a claim.
pub(crate) fn rates(cell: &Cell, sets: u32, seed: u64) -> [(u32, u32); 10] {
    let next = AtomicU32::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut counts = [(0, 0); 10];
        loop {
            let set = next.fetch_add(1, Ordering::Relaxed);
            if set >= sets {
                return counts;
            }
            let found = judged(cell, &draw(cell, &mut Stream::new(seed, set, Purpose::Synth, 0, 0)));
            for (count, found) in counts.iter_mut().zip(found) {
                count.0 += u32::from(found == Some(true));
                count.1 += u32::from(found.is_some());
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().fold([(0, 0); 10], |mut sum, worker| {
            for (sum, count) in sum.iter_mut().zip(worker.join().unwrap()) {
                *sum = (sum.0 + count.0, sum.1 + count.1);
            }
            sum
        })
    })
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
