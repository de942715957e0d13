//! Trials over their replicates, as far as their comparison needs: figures, what each row adds to their errors, and the
//! rows from the highest score down.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::units::as_of_one_size;
use crate::read::{CalibrationGroup, ForEach, ReportError, ScoreGroup, ScoreSource, each_trial};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{
    AllPlaces, Applied, AucComponents, FEWEST_ABOVE, Ladder, Placed, WeightedRanks, average_precision,
    average_precision_influences, most_above, unit_factors,
};
use focalsweep_core::spec::{OperatingPoint, Split};

/// What is to be compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The rows.
    pub(super) on: Split,
    /// Where the thresholds are put; without one nothing is compared there. On the test rows, where it asks for a
    /// guarantee, each replicate's is that of the negatives that were set aside, if there are enough: see
    /// [`threshold_in_use`](focalsweep_core::metrics::threshold_in_use).
    pub(super) point: Option<&'a OperatingPoint>,
    /// Whether average precisions are.
    pub(super) average_precision: bool,
}

impl Asked<'_> {
    /// The rate and the confidence by which negatives that were set aside choose thresholds.
    fn guarantee(&self) -> Option<(f64, f64)> {
        self.point.filter(|_| self.on == Split::Test)?.guarantee()
    }
}

/// Rows of a split over the replicates. Where rows come in units, what they add to errors is added up by unit.
#[derive(Debug, Default)]
pub(super) struct SplitRows {
    /// Rows of each replicate.
    of_replicate: BTreeMap<u32, Vec<i64>>,
    /// Each row's place among all of them, or that of its unit.
    places: HashMap<i64, u32>,
    /// Of each replicate's rows.
    places_of_replicate: BTreeMap<u32, Vec<u32>>,
    /// Whether rows come in units.
    in_units: bool,
    /// By what each replicate's influences of the two classes are multiplied, as units vary and not rows.
    factors: BTreeMap<u32, [f64; 2]>,
    /// Different rows, or units with rows, of the two classes.
    classes: [usize; 2],
    /// How many rows of the classes each place has, over all replicates.
    counts: Vec<[u32; 2]>,
    /// Positives of each replicate.
    positives: BTreeMap<u32, u64>,
    /// Where rows have weights, of each class the sum of these over the different rows, and of their squares.
    weights: Option<[[f64; 2]; 2]>,
}

impl SplitRows {
    /// Takes the rows of the first trial of a replicate; says whether those of another are the same.
    fn add(&mut self, replicate: u32, rows: &[i64], labels: &[u8], units: &[i64], weights: &[f64]) -> bool {
        if let Some(first) = self.of_replicate.get(&replicate) {
            return first == rows;
        }
        self.in_units = !units.is_empty();
        if self.in_units {
            // A class in a single unit: nothing is known of how much units differ.
            self.factors.insert(replicate, unit_factors(labels, units).unwrap_or([f64::INFINITY; 2]));
        }
        let mut positives = 0;
        let of_weights = &mut self.weights;
        let mut weighed = |at: usize, class: usize| {
            if let Some(&weight) = weights.get(at) {
                let [sum, squares] = &mut of_weights.get_or_insert_default()[class];
                (*sum, *squares) = (*sum + weight, *squares + weight * weight);
            }
        };
        let place = |(at, (&row, &label)): (usize, (&i64, &u8))| {
            let class = usize::from(label != 0);
            positives += u64::from(label != 0);
            let next = self.places.len() as u32;
            let place = *self.places.entry(row).or_insert(next);
            if place == next {
                self.counts.push([0; 2]);
                weighed(at, class);
            }
            let count = &mut self.counts[place as usize][class];
            *count += 1;
            self.classes[class] += usize::from(*count == 1);
            place
        };
        let keys = if self.in_units { units } else { rows };
        let places = keys.iter().zip(labels).enumerate().map(place).collect();
        self.places_of_replicate.insert(replicate, places);
        self.positives.insert(replicate, positives);
        self.of_replicate.insert(replicate, rows.to_vec());
        true
    }

    /// Whether every replicate has the same rows.
    pub(super) fn is_fixed(&self) -> bool {
        let mut rows = self.of_replicate.values();
        rows.next().is_none_or(|first| rows.all(|other| other == first))
    }

    /// Different rows of the rarer class; of units, and of rows that have weights, as many as would say as much were
    /// they of one size.
    pub(super) fn rarer(&self) -> usize {
        if let Some(weights) = self.weights {
            let effective = weights.map(|[sum, squares]| if squares > 0.0 { sum * sum / squares } else { 0.0 });
            return effective[0].min(effective[1]).round() as usize;
        }
        let effective = |class: usize| as_of_one_size(self.counts.iter().map(|counts| counts[class]));
        let [negatives, positives] = if self.in_units { [0, 1].map(effective) } else { self.classes };
        negatives.min(positives)
    }

    /// Whether rows come in units, which vary and not the rows.
    pub(super) fn is_in_units(&self) -> bool {
        self.in_units
    }

    /// What resamples draw: how many units, or else negative rows, there are.
    fn drawn(&self) -> AllPlaces {
        if self.in_units { AllPlaces::Units(self.places.len()) } else { AllPlaces::Negatives(self.classes[0]) }
    }

    /// Mean number of positives of the replicates.
    pub(super) fn mean_positives(&self) -> u64 {
        self.positives.values().sum::<u64>() / (self.positives.len() as u64).max(1)
    }
}

/// A figure of a trial that is a sum over rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Estimate {
    /// On each replicate.
    pub(super) of_replicate: Vec<f64>,
    /// The variance of each by itself.
    own_variance: Vec<f64>,
    /// What the variance of each by itself lacks where few rows say little of it; the sum.
    lacking: f64,
    /// What each row adds to the error of their mean.
    pub(super) influences: Vec<f32>,
}

impl Estimate {
    fn add(&mut self, rows: &SplitRows, group: &ScoreGroup, (value, lacking): (f64, f64), influences: &[f32]) {
        self.influences.resize(rows.places.len().max(self.influences.len()), 0.0);
        let mut variance = 0.0;
        let places = rows.places_of_replicate.get(&group.replicate).map_or(&[][..], Vec::as_slice);
        if let Some(factors) = rows.factors.get(&group.replicate) {
            let mut of_unit = vec![0.0_f64; rows.places.len()];
            let mut of_rows = 0.0;
            for ((&place, &influence), &label) in places.iter().zip(influences).zip(&group.labels) {
                let of_row = f64::from(influence);
                of_unit[place as usize] += of_row * factors[usize::from(label != 0)];
                of_rows += of_row * of_row;
            }
            for (sum, of_unit) in self.influences.iter_mut().zip(&of_unit) {
                *sum += *of_unit as f32;
                variance += of_unit * of_unit;
            }
            self.of_replicate.push(value);
            // What few rows leave unknown is more by as much as units vary more than rows would.
            self.lacking += if of_rows > 0.0 { lacking * variance / of_rows } else { lacking };
            self.own_variance.push(variance);
            return;
        }
        for (&place, &influence) in places.iter().zip(influences) {
            self.influences[place as usize] += influence;
            variance += f64::from(influence).powi(2);
        }
        self.of_replicate.push(value);
        self.lacking += lacking;
        self.own_variance.push(variance);
    }

    /// Sums become means.
    fn end(&mut self, rows: &SplitRows) {
        let n = self.of_replicate.len() as f32;
        self.influences.resize(rows.places.len(), 0.0);
        self.influences.iter_mut().for_each(|influence| *influence /= n);
    }

    pub(super) fn mean(&self) -> f64 {
        self.of_replicate.iter().sum::<f64>() / self.of_replicate.len() as f64
    }

    /// Variance of the mean that comes from the rows: what a row of the source adds to the error is added up over the
    /// replicates that hold it, so that rows that they share are not counted twice (N. A. Obuchowski 1997,
    /// Nonparametric analysis of clustered ROC curve data, Biometrics 53(2)).
    pub(super) fn variance_of_rows(&self) -> f64 {
        self.influences.iter().map(|&influence| f64::from(influence).powi(2)).sum()
    }

    /// Standard error of the mean as what the setting is worth on new rows: that of the rows, widened where few say
    /// little of it, and that of the trainings, which is what the replicates differ by beyond what their rows explain.
    pub(super) fn standard_error(&self) -> f64 {
        let n = self.of_replicate.len() as f64;
        let rows = self.variance_of_rows();
        let own = self.own_variance.iter().sum::<f64>() / n;
        // As far as the replicates share rows, they lack the same.
        let shared = if own > 0.0 { rows / own } else { 1.0 };
        let widened = rows + shared * self.lacking / n;
        if n < 2.0 {
            return widened.sqrt();
        }
        let mean = self.mean();
        let seen = self.of_replicate.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let by_rows = n / (n - 1.0) * (own - rows).max(0.0);
        (widened + (seen - by_rows).max(0.0) / n).sqrt()
    }
}

/// A trial over its replicates.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    pub(super) auc: Estimate,
    pub(super) average_precision: Option<Estimate>,
    /// At the operating point; empty where nothing is compared there, or a guaranteed threshold has fewer than
    /// [`FEWEST_ABOVE`] negatives above it.
    pub(super) applied: Vec<Applied>,
    /// Groups of scores until both splits of a replicate are there.
    waiting: BTreeMap<u32, Waiting>,
    replicates: usize,
}

/// Rows of a replicate from the highest score down, until all are there.
#[derive(Debug, Clone, Default)]
struct Waiting {
    chooses: Option<Ladder>,
    test: Option<Ladder>,
}

/// Trials that can be compared: all with the same replicates and rows.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) rows: SplitRows,
    pub(super) placed: Placed,
    pub(super) of: HashMap<String, Member>,
    /// Replicates that all of them have.
    pub(super) replicates: usize,
    /// The fewest negatives above a guaranteed threshold of one of them; `None` where none has such.
    pub(super) above: Option<u64>,
}

/// Trials of a run that are compared.
pub(super) struct Wanted<'a> {
    pub(super) trials: &'a HashSet<String>,
    pub(super) replicates: &'a HashSet<u32>,
}

/// Reads trials' scores for what is asked. Those that lack a replicate, or whose rows are others, are left out.
///
/// # Errors
/// scores.parquet is there but cannot be read.
pub(super) fn read_members(
    source: &dyn ScoreSource,
    wanted: &Wanted<'_>,
    asked: &Asked<'_>,
    for_each: ForEach<'_>,
) -> Result<Members, ReportError> {
    let mut build = Build::new(*asked);
    let of_split = |split: Split| split == asked.on || (asked.point.is_some() && split == Split::Validation);
    let is_wanted = |trial: &str, replicate: u32, split: Split| {
        of_split(split) && wanted.trials.contains(trial) && wanted.replicates.contains(&replicate)
    };
    if asked.guarantee().is_some() {
        let is_wanted =
            |trial: &str, replicate: u32| wanted.trials.contains(trial) && wanted.replicates.contains(&replicate);
        source.for_each_calibration(&is_wanted, &mut |group| {
            let trial = group.trial.clone();
            build.add_calibration(&trial, &group);
        })?;
    }
    let measure =
        |groups: &[ScoreGroup]| -> Vec<Measured> { groups.iter().map(|group| Measured::new(group, asked)).collect() };
    each_trial(source, &is_wanted, for_each, measure, |groups, measured| {
        for (group, measured) in groups.iter().zip(measured) {
            build.add(&group.trial, group, measured);
        }
    })?;
    Ok(build.end())
}

/// What is found out about a group of scores by themselves.
pub(super) struct Measured {
    /// On the rows asked for: the AUC, what its variance lacks, and what each row adds to its error.
    auc: Option<(f64, f64, Vec<f32>)>,
    /// The average precision likewise, where it is asked for.
    average_precision: Option<(f64, Vec<f32>)>,
    /// Of validation rows, where the point is put on them: those that could choose a threshold, from the highest down.
    kept: Option<Vec<usize>>,
}

impl Measured {
    pub(super) fn new(group: &ScoreGroup, asked: &Asked<'_>) -> Self {
        let (raw, labels) = (&group.raw, &group.labels);
        let is_asked = group.split == asked.on;
        if !group.weights.is_empty() {
            // Nothing is compared at the operating point: resamples count rows.
            let ranks = WeightedRanks::new(raw, labels, &group.weights).filter(|_| is_asked);
            let auc = ranks.as_ref().and_then(|ranks| {
                let estimate = ranks.auc();
                let lacking = estimate.se.zip(estimate.covering_variance()).map(|(se, covers)| covers - se * se);
                Some((estimate.auc, lacking.unwrap_or(0.0), ranks.influences(labels, &group.weights)?))
            });
            let average_precision = ranks.filter(|_| asked.average_precision).and_then(|ranks| {
                Some((ranks.average_precision(), ranks.precision_influences(labels, &group.weights)?))
            });
            return Self { auc, average_precision, kept: None };
        }
        let auc = || {
            let (components, estimate) = AucComponents::with_estimate(raw, labels)?;
            let lacking = estimate.se.zip(estimate.covering_variance()).map(|(se, covers)| covers - se * se);
            Some((components.auc(), lacking.unwrap_or(0.0), components.influences(labels)?))
        };
        let average_precision = || average_precision(raw, labels).zip(average_precision_influences(raw, labels));
        // Where there is a guarantee, negatives that were set aside mostly choose.
        let point = asked.point.filter(|_| group.split == Split::Validation && asked.guarantee().is_none());
        Self {
            auc: is_asked.then(auc).flatten(),
            average_precision: (is_asked && asked.average_precision).then(average_precision).flatten(),
            kept: point.and_then(|point| Ladder::kept(raw, labels, Ladder::floor(point, raw, labels))),
        }
    }
}

/// Members that are being read.
pub(super) struct Build<'a> {
    asked: Asked<'a>,
    members: Members,
    chooses: SplitRows,
    set_aside: SplitRows,
    /// Of a trial's replicate the negatives that choose its threshold, and how many may be above it.
    guaranteed: HashMap<(String, u32), (u64, Ladder)>,
    others: HashSet<String>,
}

impl<'a> Build<'a> {
    pub(super) fn new(asked: Asked<'a>) -> Self {
        Self {
            asked,
            members: Members::default(),
            chooses: SplitRows::default(),
            set_aside: SplitRows::default(),
            guaranteed: HashMap::new(),
            others: HashSet::new(),
        }
    }

    /// Adds a replicate's scores on the negatives that were set aside to a trial, all of them before any others. Where
    /// they are too few the validation rows choose.
    pub(super) fn add_calibration(&mut self, trial: &str, group: &CalibrationGroup) {
        let Some((max_fpr, confidence)) = self.asked.guarantee() else { return };
        if !self.set_aside.add(group.replicate, &group.rows, &group.labels, &[], &[]) {
            self.others.insert(trial.to_owned());
            return;
        }
        let negatives: Vec<usize> = (0..group.labels.len()).filter(|&at| group.labels[at] == 0).collect();
        let scores: Vec<f32> = negatives.iter().map(|&at| group.raw[at]).collect();
        let Some(above) = most_above(scores.len() as u64, max_fpr, confidence) else { return };
        let places = &mut self.members.placed.calibration;
        let ladder = Ladder::of_negatives(&scores, above, |at| places.place(group.rows[negatives[at]], false));
        self.guaranteed.extend(ladder.map(|ladder| ((trial.to_owned(), group.replicate), (above, ladder))));
    }

    /// Adds a replicate's scores on one of the splits to a trial.
    pub(super) fn add(&mut self, trial: &str, group: &ScoreGroup, measured: Measured) {
        let Asked { on, point, .. } = self.asked;
        let rows = if group.split == on { &mut self.members.rows } else { &mut self.chooses };
        if !rows.add(group.replicate, &group.rows, &group.labels, &group.units, &group.weights) {
            self.others.insert(trial.to_owned());
            return;
        }
        let member = self.members.of.entry(trial.to_owned()).or_default();
        let Measured { auc, average_precision, kept } = measured;
        if group.split == on {
            member.replicates += 1;
            let Some((auc, lacking, influences)) = auc else {
                self.others.insert(trial.to_owned());
                return;
            };
            member.auc.add(rows, group, (auc, lacking), &influences);
            if let Some((value, influences)) = average_precision {
                member.average_precision.get_or_insert_default().add(rows, group, (value, 0.0), &influences);
            }
        }
        let Some(point) = point else { return };
        let (raw, labels) = (&group.raw, &group.labels);
        let waiting = member.waiting.entry(group.replicate).or_default();
        let guaranteed = self.guaranteed.get(&(trial.to_owned(), group.replicate));
        if group.split == Split::Validation && guaranteed.is_none() {
            let kept = kept.or_else(|| Ladder::kept(raw, labels, Ladder::floor(point, raw, labels)));
            let places = &mut self.members.placed.validation;
            let place = |at: usize, positive: bool| places.place(group.unit(at), positive);
            waiting.chooses = kept.map(|kept| Ladder::placed(raw, labels, &kept, place));
        }
        if group.split == Split::Test && on == Split::Test {
            let chooses = guaranteed.map(|(_, negatives)| negatives).or(waiting.chooses.as_ref());
            let floor = chooses.and_then(Ladder::lowest);
            let places = &mut self.members.placed.test;
            waiting.test =
                Ladder::new(&group.raw, &group.labels, floor, |at, positive| places.place(group.unit(at), positive));
        }
    }

    /// Those that have every replicate.
    pub(super) fn end(mut self) -> Members {
        let Asked { on, point, .. } = self.asked;
        let replicates = self.members.rows.of_replicate.len();
        let chooses = if on == Split::Validation { &self.members.rows } else { &self.chooses };
        let placed = &mut self.members.placed;
        placed.validation.set_all(chooses.drawn());
        placed.calibration.set_all(self.set_aside.drawn());
        placed.test.set_all(self.members.rows.drawn());
        let (rows, others, guaranteed) = (&self.members.rows, &self.others, &mut self.guaranteed);
        let fewest = &mut self.members.above;
        self.members.of.retain(|trial, member| {
            member.auc.end(rows);
            if let Some(estimate) = &mut member.average_precision {
                estimate.end(rows);
            }
            member.average_precision.take_if(|estimate| estimate.of_replicate.len() < replicates);
            let is_one = member.replicates == replicates && !others.contains(trial);
            let waiting = std::mem::take(&mut member.waiting).into_iter();
            let applied: Option<Vec<Applied>> = waiting
                .map(|(replicate, Waiting { chooses, test })| {
                    let test = match on {
                        Split::Validation => None,
                        Split::Test => Some(test?),
                    };
                    let Some((above, negatives)) = guaranteed.remove(&(trial.clone(), replicate)) else {
                        return Some(Applied::new(point?, chooses?, test));
                    };
                    if is_one {
                        *fewest = Some(fewest.map_or(above, |fewest| fewest.min(above)));
                    }
                    (above >= FEWEST_ABOVE).then_some(Applied::guaranteed(above, negatives, test?))
                })
                .collect();
            member.applied = applied.filter(|applied| applied.len() == replicates).unwrap_or_default();
            is_one
        });
        self.members.replicates = replicates;
        self.members
    }
}

impl Member {
    /// The sum over rows that a test is about.
    pub(super) fn estimate(&self, about: Test) -> Option<&Estimate> {
        match about {
            Test::Auc => Some(&self.auc),
            Test::AveragePrecision => self.average_precision.as_ref(),
            Test::Missed | Test::Alarms | Test::Cost => None,
        }
    }
}
