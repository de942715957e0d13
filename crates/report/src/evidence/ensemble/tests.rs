//! Averages of drawn scores.

use super::*;
use crate::evidence::{Claim, Correction, Kind, StandardErrors};
use crate::rank::{Options, rank};
use crate::read::ScoreGroup;
use crate::tests::{results, row};
use focalsweep_core::metrics::{Confusion, Platt, auc_delong, logistic, threshold_for};
use focalsweep_core::random::{Purpose, Stream};
use focalsweep_core::spec::OperatingPoint;

const POINT: OperatingPoint = OperatingPoint::MaxFpr { max_fpr: 0.1, confidence: None };
const ROWS: i64 = 400;

fn in_turn(n: usize, each: &(dyn Fn(usize) + Sync)) {
    (0..n).for_each(each);
}

/// Models whose errors are their own but for `shared` of the variance, each in units of its own: a tenth of the rows is
/// positive. Test rows are the same in every replicate, and lie `apart` from one to the next.
fn scores(models: usize, shared: f64, replicates: u32, apart: i64) -> Vec<ScoreGroup> {
    let mut groups = Vec::new();
    for replicate in 0..replicates {
        for (split, begin) in [(Split::Validation, i64::from(replicate) * ROWS), (Split::Test, 100_000)] {
            let begin = begin + if split == Split::Test { apart * i64::from(replicate) } else { 0 };
            let labels: Vec<u8> = (0..ROWS).map(|row| u8::from(row % 10 == 0)).collect();
            let mut stream = Stream::new(1, replicate, Purpose::Synth, u32::from(split == Split::Test), 0);
            let common: Vec<f64> = labels.iter().map(|_| stream.normal()).collect();
            for model in 0..models {
                let (times, plus) = (1.0 + model as f64, -(model as f64));
                let score = |(label, common): (&u8, &f64)| {
                    let error = shared.sqrt() * common + (1.0 - shared).sqrt() * stream.normal();
                    (times * (1.2 * f64::from(*label) + error) + plus) as f32
                };
                let raw: Vec<f32> = labels.iter().zip(&common).map(score).collect();
                groups.push(ScoreGroup {
                    trial: format!("t{model}"),
                    replicate,
                    split,
                    rows: (begin..begin + ROWS).collect(),
                    labels: labels.clone(),
                    scores: raw.iter().map(|&raw| logistic(f64::from(raw)) as f32).collect(),
                    raw,
                    units: Vec::new(),
                    weights: Vec::new(),
                });
            }
        }
    }
    groups
}

/// Results in which the first wins and the last is plain cross-entropy.
fn table(models: usize, replicates: u32) -> Results {
    let rows = (0..models).flat_map(|at| {
        let (loss, focal) = if at + 1 == models { ("bce", None) } else { ("focal", Some((0.25, at as f64))) };
        (0..replicates)
            .map(move |replicate| row(&format!("t{at}"), replicate, loss, focal, 0.9 - 0.001 * at as f64, 1.0))
    });
    Results { operating_point: Some(POINT), ..results(rows.collect()) }
}

fn ranked_by(results: &Results, by: &str, on: Split) -> Ranking {
    rank(results, &Options::new(vec![by.to_owned()], on)).unwrap()
}

fn of(groups: &Vec<ScoreGroup>, results: &Results) -> Result<Ensemble, String> {
    let ranking = ranked_by(results, "auc", Split::Validation);
    Ensemble::of(groups, results, &ranking, &in_turn).unwrap()
}

#[test]
fn errors_of_their_own_average_out_and_copies_buy_nothing() {
    let found = of(&scores(6, 0.2, 2, 0), &table(6, 2)).unwrap();
    assert!(found.earns_its_row() && found.gain > 0.03, "{} ± {}", found.gain, found.gain_error);
    assert!(found.members.len() > 2 && found.candidates == 6, "{:?}", found.members);
    assert!((found.members.iter().map(|member| member.weight).sum::<f64>() - 1.0).abs() < 1e-12);
    let copies = of(&scores(6, 1.0, 2, 0), &table(6, 2)).unwrap();
    assert!(!copies.earns_its_row() && copies.gain.abs() < 1e-4, "{} ± {}", copies.gain, copies.gain_error);
}

/// Its figures, from the scores by their definitions.
#[test]
fn figures_are_of_the_average_of_calibrated_logits() {
    let (groups, results) = (scores(4, 0.2, 2, 0), table(4, 2));
    let found = of(&groups, &results).unwrap();
    let at = |name: &str| results.metrics.iter().position(|metric| metric == name).unwrap();
    let (mut aucs, mut missed) = (0.0, 0.0);
    for replicate in &found.replicates {
        let of = |trial: &str, split: Split| {
            let is_it = |group: &&ScoreGroup| {
                group.trial == trial && group.replicate == replicate.replicate && group.split == split
            };
            groups.iter().find(is_it).unwrap()
        };
        let sum_of = |split: Split| -> Vec<f32> {
            let mut sums = vec![0.0; ROWS as usize];
            for EnsembleMember { trial_id, weight } in &found.members {
                let validation = of(trial_id, Split::Validation);
                let Platt { a, b } = Platt::fit_logits(&validation.raw, &validation.labels).unwrap();
                let raw = &of(trial_id, split).raw;
                sums.iter_mut().zip(raw).for_each(|(sum, &raw)| *sum -= weight * (a * f64::from(raw) + b));
            }
            sums.into_iter().map(|sum| sum as f32).collect()
        };
        let [validation, test] = [Split::Validation, Split::Test].map(sum_of);
        let labels = &of("t0", Split::Test).labels;
        let auc = auc_delong(&test, labels).unwrap().auc;
        let threshold = threshold_for(&POINT, &validation, labels).unwrap();
        let counts = Confusion::at(&test, labels, threshold);
        assert!((replicate.metrics[at("test_auc")].unwrap() - auc).abs() < 1e-9);
        assert_eq!(replicate.metrics[at("test_op_fn")], Some(counts.fn_));
        assert!((replicate.threshold.unwrap().raw - threshold).abs() < 1e-6);
        let at_half = Confusion::at(&test, labels, 0.0);
        assert_eq!(replicate.metrics[at("test_tp")], Some(at_half.tp), "a logit of 0 is a probability of a half");
        (aucs, missed) = (aucs + auc / 2.0, missed + counts.fn_ / 2.0);
    }
    assert!((found.ranked.trial.means[at("test_auc")].unwrap() - aucs).abs() < 1e-9);
    assert_eq!(found.ranked.trial.means[at("test_op_fn")], Some(missed));
}

#[test]
fn test_rows_choose_nothing() {
    let (groups, results) = (scores(5, 0.3, 2, 0), table(5, 2));
    let mut others = groups.clone();
    for group in others.iter_mut().filter(|group| group.split == Split::Test) {
        group.raw.reverse();
        group.scores.reverse();
    }
    let [one, other] = [&groups, &others].map(|groups| of(groups, &results).unwrap());
    assert_eq!(
        (one.rule, &one.members, one.gain, one.gain_error),
        (other.rule, &other.members, other.gain, other.gain_error)
    );
    for (one, other) in one.replicates.iter().zip(&other.replicates) {
        assert_eq!((&one.scales, one.threshold), (&other.scales, other.threshold));
        assert_ne!(one.metrics, other.metrics);
    }
}

#[test]
fn there_is_none_where_it_could_not_be_measured_or_chosen() {
    let results = table(4, 2);
    let why = |groups: Vec<ScoreGroup>| of(&groups, &results).unwrap_err();
    assert!(why(scores(4, 0.2, 2, 1)).contains("test rows of their own"));
    let few = |group: ScoreGroup| {
        let labels = group.rows.iter().map(|row| u8::from(row % ROWS < 190 && row % 20 == 0)).collect();
        ScoreGroup { labels, ..group }
    };
    assert_eq!(of(&scores(4, 0.2, 2, 0).into_iter().map(few).collect(), &results).map(|of| of.candidates), Ok(4));
    let fewer = |group: ScoreGroup| {
        let labels = group.rows.iter().map(|row| u8::from(row % ROWS < 180 && row % 20 == 0)).collect();
        ScoreGroup { labels, ..group }
    };
    assert!(why(scores(4, 0.2, 2, 0).into_iter().map(fewer).collect()).contains("20 validation positives"));
    assert!(why(scores(1, 0.2, 2, 0)).contains("two complete trials"));
    let on_test = ranked_by(&results, "auc", Split::Test);
    let found = Ensemble::of(&scores(4, 0.2, 2, 0), &results, &on_test, &in_turn).unwrap();
    assert!(found.unwrap_err().contains("test rows"));
}

/// Scores beyond 0 and 1 are no probabilities, of whichever trial, and a command may have none: then places are
/// averaged.
#[test]
fn where_one_says_no_probabilities_places_are_averaged() {
    let results = table(4, 2);
    let with = |change: fn(&mut ScoreGroup)| {
        let mut groups = scores(4, 0.2, 2, 0);
        groups.iter_mut().filter(|group| group.trial == "t2").for_each(change);
        of(&groups, &results).unwrap()
    };
    let found = with(|group| group.scores.clone_from(&group.raw));
    assert_eq!(with(|group| group.scores.clear()).replicates, found.replicates);
    assert!(!found.is_of_logits() && found.gain > 0.02, "{}", found.gain);
    let at = |name: &str| results.metrics.iter().position(|metric| metric == name).unwrap();
    let first = &found.replicates[0];
    assert!(first.scores.test.raw.iter().all(|place| (0.0..=1.0).contains(place)));
    assert!(first.metrics[at("test_auc")].is_some() && first.metrics[at("test_op_fn")].is_some());
    for name in ["test_tp", "test_precision", "threshold"] {
        assert_eq!(first.metrics[at(name)], None, "{name}");
    }
}

#[test]
fn its_claims_are_against_the_winner_and_the_plain_trial_on_the_test_rows() {
    let (groups, results) = (scores(5, 0.2, 2, 0), table(5, 2));
    let claims = |by: &str| -> Vec<Claim> {
        let ranking = ranked_by(&results, by, Split::Validation);
        let found = Ensemble::of(&groups, &results, &ranking, &in_turn).unwrap().unwrap();
        let mut errors = StandardErrors::default();
        let claims = found.claims(&groups, (&results, &ranking), &mut errors, &in_turn).unwrap();
        assert!(errors.of(ENSEMBLE, Split::Test).is_some_and(|error| error > 0.0));
        claims
    };
    let found = claims("auc");
    let of = |about: Test, against: &str| found.iter().find(|claim| claim.about == about && claim.against == against);
    for against in ["t0", "t4"] {
        for about in [Test::Auc, Test::AveragePrecision, Test::Missed, Test::Alarms] {
            let claim = of(about, against).unwrap();
            assert_eq!((claim.kind, claim.split, claim.corrected_for), (Kind::Models, Split::Test, Correction::None));
            assert_eq!((claim.of.as_str(), claim.replicates), (ENSEMBLE, 2));
        }
        let auc = of(Test::Auc, against).unwrap();
        assert!(auc.told() && auc.favours() == Some(true), "{auc:?}");
    }
    assert_eq!(found.len(), 8);
}
