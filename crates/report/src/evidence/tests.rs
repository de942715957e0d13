//! What is claimed of small sets of scores.

use super::judge::{Confirmed, Judged, judge};
use super::methods::Method;
use super::*;
use crate::rank::{Options, Ranking, rank};
use crate::read::parameters::PLAIN;
use crate::read::{CalibrationGroup, ReportError, Results, ScoreGroup, ScoreSource};
use crate::tests::{in_words, ranked, results, row};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::metrics::{
    AucComponents, Confusion, ScoredRows, student_p, threshold_in_use, validation_threshold,
};
use focalsweep_core::plan::Phase;
use focalsweep_core::record::State;
use focalsweep_core::spec::{Folds, OperatingPoint, Split, SplitBy, SplitSpec};

const POINT: OperatingPoint = OperatingPoint::MaxFpr { max_fpr: 0.1, confidence: None };

fn in_turn(n: usize, each: &(dyn Fn(usize) + Sync)) {
    (0..n).for_each(each);
}

/// Scores of trials on replicates: `b` is `a` with two rows changed, `c` is noise. The rows of a replicate begin so
/// much further on than those of the one before; those of the test by themselves too.
fn scores(trials: &[&str], replicates: u32, shift: [i64; 2]) -> Vec<ScoreGroup> {
    let mut groups = Vec::new();
    for &trial in trials {
        for replicate in 0..replicates {
            for (split, shift, begin) in [(Split::Validation, shift[0], 0), (Split::Test, shift[1], 10_000)] {
                let score = |i: i64| {
                    let noise = (i * 7919 % 211) as f32 / 211.0;
                    match trial {
                        "c" => noise,
                        "b" if i < 2 => 0.5,
                        _ => 0.6 * noise + 0.4 * f32::from(u8::from(i % 10 == 0)),
                    }
                };
                let raw: Vec<f32> = (0..200).map(score).collect();
                groups.push(ScoreGroup {
                    units: Vec::new(),
                    weights: Vec::new(),
                    trial: trial.to_owned(),
                    replicate,
                    split,
                    rows: (0..200).map(|i| begin + i + shift * i64::from(replicate)).collect(),
                    labels: (0..200).map(|i| u8::from(i % 10 == 0)).collect(),
                    scores: raw.clone(),
                    raw,
                });
            }
        }
    }
    groups
}

/// Results in which `a` wins and the last of the trials is plain cross-entropy.
fn table(trials: &[&str], replicates: u32, point: Option<OperatingPoint>) -> Results {
    let rows = trials.iter().enumerate().flat_map(|(at, trial)| {
        let (loss, focal) = if at + 1 == trials.len() { ("bce", None) } else { ("focal", Some((0.25, at as f64))) };
        (0..replicates).map(move |replicate| row(trial, replicate, loss, focal, 0.9 - 0.01 * at as f64, 1.0))
    });
    Results { operating_point: point, ..results(rows.collect()) }
}

fn judged(groups: &Vec<ScoreGroup>, results: &Results, ranking: &Ranking) -> Judged {
    judge(groups, results, ranking, &[], &in_turn).unwrap()
}

fn claim<'a>(judged: &'a Judged, kind: Kind, about: Test, against: &str, split: Split) -> &'a Claim {
    judged.claims.get(kind, about, "a", against, split).unwrap()
}

#[test]
fn what_cannot_be_told_from_the_winner_is_what_a_test_over_all_pairs_says() {
    let trials = ["a", "b", "c"];
    let results = table(&trials, 2, Some(POINT));
    let found = judged(&scores(&trials, 2, [100, 0]), &results, &ranked(&results, &["auc"]));
    let auc = |against| claim(&found, Kind::Models, Test::Auc, against, Split::Validation);
    assert!(!auc("b").told() && auc("c").told(), "{:?}", found.claims);
    assert_eq!((auc("b").corrected_for, auc("b").replicates, auc("b").positives), (Correction::AllPairs, 2, 20));
    // Told is what an interval without 0 is.
    for claim in found.claims.all().iter().filter(|claim| claim.about == Test::Auc) {
        let interval = claim.interval.unwrap();
        assert_eq!(claim.told(), interval.lower > 0.0 || interval.upper < 0.0, "{claim:?}");
    }
    let missed = |against| claim(&found, Kind::Models, Test::Missed, against, Split::Validation);
    assert!(missed("b").p > 0.9 && missed("c").told(), "{:?}", missed("c"));
    assert_eq!(found, judged(&scores(&trials, 2, [100, 0]), &results, &ranked(&results, &["auc"])));
}

/// Weights that are all equal change no claim that there is; at the operating point, where resamples count rows, there
/// is none.
#[test]
fn of_rows_that_have_weights_the_ranks_of_scores_are_told_and_no_counts() {
    let trials = ["a", "b", "c"];
    let plain = table(&trials, 2, Some(POINT));
    let weighted = Results { weight: Some("w".to_owned()), ..plain.clone() };
    let groups = scores(&trials, 2, [100, 0]);
    let with = |weight: &dyn Fn(usize) -> f64| {
        let weigh = |group: &ScoreGroup| ScoreGroup { weights: (0..200).map(weight).collect(), ..group.clone() };
        judged(&groups.iter().map(weigh).collect(), &weighted, &ranked(&weighted, &["auc"]))
    };
    let (theirs, ours) = (judged(&groups, &plain, &ranked(&plain, &["auc"])), with(&|_| 2.5));
    let told: Vec<&Claim> = theirs.claims.all().iter().filter(|claim| !claim.about.is_at_point()).collect();
    assert_eq!(told.len(), ours.claims.all().len());
    assert!(told.len() < theirs.claims.all().len());
    for (ours, theirs) in ours.claims.all().iter().zip(told) {
        let pair = |claim: &Claim| (claim.kind, claim.about, claim.against.clone(), claim.split, claim.corrected_for);
        assert_eq!(pair(ours), pair(theirs));
        assert!((ours.difference - theirs.difference).abs() < 1e-6 && (ours.p - theirs.p).abs() < 1e-3, "{ours:?}");
        let errors = ours.standard_error.zip(theirs.standard_error).unwrap();
        assert!((errors.0 - errors.1).abs() < 1e-6, "{errors:?}");
    }
    let error = |judged: &Judged| judged.errors.of("a", Split::Validation).unwrap();
    assert!((error(&ours) - error(&theirs)).abs() < 1e-6);
    // A few rows that weigh most say less.
    let uneven = with(&|row| if row % 20 == 0 { 50.0 } else { 1.0 });
    assert!(error(&uneven) > error(&ours), "{} {}", error(&uneven), error(&ours));
}

/// Figures of fewer epochs are no figures of the same training: what ended early is held against nothing, and where all
/// did, those alone that came as far as the winner.
#[test]
fn trials_that_ended_early_are_not_tested_as_equals() {
    let trials = ["a", "b", "c", "d"];
    let groups = scores(&trials, 2, [100, 0]);
    let of = |epochs: [Option<f64>; 4]| {
        let mut results = table(&trials, 2, Some(POINT));
        results.metrics.push("epochs_run".to_owned());
        for row in &mut results.rows {
            let ended = epochs[trials.iter().position(|trial| *trial == row.trial_id).unwrap()];
            row.metrics.push(ended.or(Some(9.0)));
            row.state = if ended.is_some() { State::Stopped } else { State::Finished };
        }
        let ranking = ranked(&results, &["auc"]);
        let found = judge(&groups, &results, &ranking, &methods::methods(&ranking), &in_turn).unwrap();
        let mut against: Vec<String> =
            found.claims.all().iter().flat_map(|claim| [claim.of.clone(), claim.against.clone()]).collect();
        against.sort();
        against.dedup();
        let report = Report { answer: Answer { claims: found.claims, ..Answer::default() }, ..Report::bare(ranking) };
        (against, in_words(&report))
    };
    let (against, said) = of([None, None, Some(3.0), Some(3.0)]);
    assert_eq!(against, ["a", "b"]);
    assert!(said.contains("cannot be told from that of any other that was trained as far"), "{said}");
    assert!(
        said.contains("Plain cross-entropy ended early, after 3 epochs (rank 4): nothing is claimed against"),
        "{said}"
    );
    let (against, said) = of([Some(6.0), Some(3.0), Some(3.0), Some(6.0)]);
    assert_eq!(against, ["a", "d"]);
    assert!(said.contains("Against plain cross-entropy"), "{said}");
    let (against, _) = of([None; 4]);
    assert_eq!(against, trials);
}

#[test]
fn a_trial_without_scores_is_not_compared_and_then_pairs_are_counted() {
    let results = table(&["a", "b", "c", "d"], 2, None);
    let ranking = ranked(&results, &["auc"]);
    let found = judged(&scores(&["a", "b", "c"], 2, [100, 0]), &results, &ranking);
    let of = |against| found.claims.get(Kind::Models, Test::Auc, "a", against, Split::Validation);
    assert_eq!(of("d"), None);
    assert_eq!(of("b").unwrap().corrected_for, Correction::AllPairsCounted);
    let all = judged(&scores(&["a", "b", "c", "d"], 2, [100, 0]), &results, &ranking);
    let jointly = claim(&all, Kind::Models, Test::Auc, "c", Split::Validation);
    assert_eq!(jointly.corrected_for, Correction::AllPairs);
    assert!(jointly.interval.unwrap().upper < of("c").unwrap().interval.unwrap().upper, "correlation tells more");
    // Nor is one that lacks a replicate.
    let mut groups = scores(&["a", "b", "c", "d"], 2, [100, 0]);
    groups.retain(|group| group.trial != "b" || group.replicate == 0);
    let found = judged(&groups, &results, &ranking);
    assert_eq!(found.claims.get(Kind::Models, Test::Auc, "a", "b", Split::Validation), None);
    // And where the winner's scores are missing, nobody is.
    groups.retain(|group| group.trial != "a");
    assert!(judged(&groups, &results, &ranking).claims.all().is_empty());
}

#[test]
fn two_trials_named_beforehand_are_a_plain_test_on_the_test_rows() {
    let trials = ["a", "b", "c"];
    let results = table(&trials, 1, Some(POINT));
    let groups = scores(&trials, 1, [0, 0]);
    let found = judged(&groups, &results, &ranked(&results, &["auc"]));
    let auc = claim(&found, Kind::Models, Test::Auc, "c", Split::Test);
    let components = |trial: &str| {
        let group = groups.iter().find(|group| group.trial == trial && group.split == Split::Test).unwrap();
        AucComponents::new(&group.raw, &group.labels).unwrap()
    };
    let delong = components("a").compare(&components("c")).unwrap();
    assert!((auc.difference - delong.difference).abs() < 1e-12);
    let p = student_p(delong.difference / delong.variance.sqrt(), 19.0);
    assert!((auc.p / p - 1.0).abs() < 1e-3, "{} {p}", auc.p);
    assert_eq!(auc.corrected_for, Correction::None);
    // A budget leaves the misses open; alarms stand beside.
    for test in [Test::Missed, Test::Alarms, Test::AveragePrecision] {
        assert!(claim(&found, Kind::Models, test, "c", Split::Test).interval.is_some());
    }
    assert_eq!(found.claims.get(Kind::Models, Test::Auc, "a", "b", Split::Test), None, "b is nobody's baseline");
}

#[test]
fn test_rows_that_ranked_or_chose_are_corrected_for() {
    let trials = ["a", "b", "c"];
    let results = table(&trials, 3, Some(POINT));
    let on_test = rank(&results, &Options::new(vec!["auc".into()], Split::Test)).unwrap();
    let found = judged(&scores(&trials, 3, [50, 0]), &results, &on_test);
    assert_eq!(claim(&found, Kind::Models, Test::Auc, "c", Split::Test).corrected_for, Correction::AllPairs);
    // Each replicate with test rows of its own.
    let ranking = ranked(&results, &["auc"]);
    let redrawn = judged(&scores(&trials, 3, [50, 50]), &results, &ranking);
    assert_eq!(claim(&redrawn, Kind::Models, Test::Auc, "c", Split::Test).corrected_for, Correction::AllPairs);
    let fixed = judged(&scores(&trials, 3, [50, 0]), &results, &ranking);
    assert_eq!(claim(&fixed, Kind::Models, Test::Auc, "c", Split::Test).corrected_for, Correction::None);
}

#[test]
fn a_winner_that_was_chosen_for_its_threshold_is_corrected_for_that_at_the_operating_point() {
    let trials = ["a", "b", "c"];
    let mut results = table(&trials, 1, Some(POINT));
    results.metrics.push("val_op_fn".to_owned());
    for (at, row) in results.rows.iter_mut().enumerate() {
        row.metrics.push(Some(at as f64));
    }
    let methods = [(PLAIN, "c"), ("class weights", "b")];
    let methods = methods.map(|(name, id)| Method {
        name: name.to_owned(),
        trial_id: id.to_owned(),
        trials: 1,
        at_equal_trials: Vec::new(),
    });
    let corrections = |by: &str| {
        let groups = scores(&trials, 1, [0, 0]);
        let found = judge(&groups, &results, &ranked(&results, &[by]), &methods, &in_turn).unwrap();
        [("a", Test::Auc), ("a", Test::Missed), ("a", Test::Alarms), ("b", Test::Missed)]
            .map(|(of, about)| found.claims.get(Kind::Models, about, of, "c", Split::Test).unwrap().corrected_for)
    };
    assert_eq!(corrections("auc"), [Correction::None; 4]);
    let all = Correction::AllPairs;
    assert_eq!(corrections("op_fn"), [Correction::None, all, all, all]);
}

#[test]
fn methods_are_held_against_the_plain_one_and_corrected_for_each_other() {
    let trials = ["a", "b", "c"];
    let method = |name: &str, id: &str| Method {
        name: name.to_owned(),
        trial_id: id.to_owned(),
        trials: 1,
        at_equal_trials: Vec::new(),
    };
    let methods = [method(PLAIN, "c"), method("class weights", "b"), method("focal loss", "a")];
    for shift in [[0, 0], [50, 50]] {
        let groups = scores(&trials, 2, shift);
        let results = table(&trials, 2, Some(POINT));
        let found = judge(&groups, &results, &ranked(&results, &["auc"]), &methods, &in_turn).unwrap();
        let of = |of: &str| found.claims.get(Kind::Models, Test::Auc, of, "c", Split::Test).unwrap();
        assert!(of("a").difference > 0.0 && of("b").difference > 0.0);
        let expected = if shift[1] == 0 { Correction::Methods } else { Correction::AllPairs };
        assert_eq!(of("b").corrected_for, expected);
        let interval = of("b").interval;
        assert!(interval.is_none_or(|interval| interval.lower <= of("b").difference), "{interval:?}");
    }
}

#[test]
fn settings_are_claimed_from_fresh_trainings_alone() {
    let trials = ["a", "b", "c"];
    let mut results = table(&trials, 4, Some(POINT));
    for row in results.rows.iter_mut().filter(|row| row.replicate > 0) {
        row.phase = Phase::Confirm;
    }
    let ranking = ranked(&results, &["auc"]);
    let groups = scores(&trials, 4, [50, 0]);
    let found = judged(&groups, &results, &ranking);
    assert_eq!(found.confirmed, Confirmed::Yes);
    let of = |of: &str| found.claims.get(Kind::Settings, Test::Auc, of, "c", Split::Test).unwrap();
    assert_eq!((of("a").replicates, of("a").corrected_for), (3, Correction::Finalists));
    assert!(of("a").told() && of("b").told());
    // Models are those that were searched.
    assert_eq!(claim(&found, Kind::Models, Test::Auc, "c", Split::Test).replicates, 1);
    assert_eq!(claim(&found, Kind::Models, Test::Auc, "b", Split::Validation).replicates, 1);
    // The winner of now was not trained afresh.
    let mut others = results.clone();
    others.rows.retain(|row| row.trial_id != "a" || row.phase == Phase::Search);
    let found = judged(&groups, &others, &ranked(&others, &["auc"]));
    assert_eq!(found.confirmed, Confirmed::Others);
    assert!(!found.claims.all().iter().any(|claim| claim.kind == Kind::Settings));
}

#[test]
fn replicates_that_repeat_each_other_tell_no_more_than_one() {
    let trials = ["a", "b", "c"];
    let found = |replicates, shift| {
        let results = table(&trials, replicates, None);
        judged(&scores(&trials, replicates, [shift, 0]), &results, &ranked(&results, &["auc"]))
    };
    let p = |judged: &Judged| claim(judged, Kind::Models, Test::Auc, "b", Split::Validation).p;
    let width = |judged: &Judged| {
        let interval = claim(judged, Kind::Models, Test::Auc, "c", Split::Validation).interval.unwrap();
        interval.upper - interval.lower
    };
    let (one, same, more) = (found(1, 0), found(3, 0), found(3, 1000));
    assert!((p(&same) - p(&one)).abs() < 1e-3, "the same rows with the same scores, three times");
    assert!((width(&same) / width(&one) - 1.0).abs() < 1e-3);
    assert!(width(&more) < 0.7 * width(&one), "three times as many rows");
    let error = |judged: &Judged| judged.errors.of("a", Split::Validation).unwrap();
    assert!((error(&same) / error(&one) - 1.0).abs() < 1e-3 && error(&more) < 0.7 * error(&one));
}

#[test]
fn a_classifier_as_deployed_is_judged_at_its_threshold() {
    use super::classifiers::classifiers;
    use super::kept::scores_of;
    let groups = scores(&["a", "c"], 2, [0, 0]);
    let wanted = ["a", "c"].map(str::to_owned).into_iter().collect();
    let kept = scores_of(&groups, &wanted, &(0..2).collect(), None).unwrap();
    let at = |_: &str, _: u32| Some(0.4);
    let found = classifiers(("a", &kept["a"]), ("c", &kept["c"]), &at).unwrap();
    // At 0.4 `a` misses nobody; by hand, how many `c` does, in both replicates alike: all signs one way.
    let missed = |trial: &str| {
        let group = &kept[trial][0].test;
        group.raw.iter().zip(&group.labels).filter(|&(&raw, &label)| label != 0 && f64::from(raw) < 0.4).count()
    };
    assert_eq!(missed("a"), 0);
    assert_eq!(found.difference, -(missed("c") as f64));
    assert!((found.p - 2.0 * 0.5_f64.powi(missed("c") as i32)).abs() < 1e-12, "{found:?}");
    assert_eq!((found.kind, found.interval), (Kind::Classifiers, None));
    assert!(classifiers(("a", &kept["a"]), ("c", &kept["c"]), &|_, _| None).is_none());
}

/// Scores, and some on negatives that were set aside.
struct SetAside(Vec<ScoreGroup>, Vec<CalibrationGroup>);

impl ScoreSource for SetAside {
    fn for_each(
        &self,
        wanted: &dyn Fn(&str, u32, Split) -> bool,
        each: &mut dyn FnMut(ScoreGroup),
    ) -> Result<(), ReportError> {
        self.0.for_each(wanted, each)
    }

    fn for_each_calibration(
        &self,
        wanted: &dyn Fn(&str, u32) -> bool,
        each: &mut dyn FnMut(CalibrationGroup),
    ) -> Result<(), ReportError> {
        self.1.iter().filter(|group| wanted(&group.trial, group.replicate)).for_each(|group| each(group.clone()));
        Ok(())
    }
}

/// So many negatives that were set aside in each replicate; a later trial scores them higher.
fn set_aside(trials: &[&str], negatives: &[i64]) -> Vec<CalibrationGroup> {
    let mut groups = Vec::new();
    for (at, &trial) in trials.iter().enumerate() {
        for (replicate, &count) in (0..).zip(negatives) {
            let score = |i: i64| (0.6 + 0.2 * at as f32) * (i * 104_729 % 307) as f32 / 307.0;
            let raw: Vec<f32> = (0..count).map(score).collect();
            groups.push(CalibrationGroup {
                trial: trial.to_owned(),
                replicate,
                rows: (0..count).map(|i| 20_000 + i).collect(),
                labels: vec![0; raw.len()],
                scores: raw.clone(),
                raw,
            });
        }
    }
    groups
}

#[test]
fn each_replicate_is_judged_at_the_threshold_in_use() {
    let trials = ["a", "c"];
    let point = OperatingPoint::MaxFpr { max_fpr: 0.1, confidence: Some(0.9) };
    let results = table(&trials, 2, Some(point.clone()));
    let ranking = ranked(&results, &["auc"]);
    let groups = scores(&trials, 2, [50, 0]);
    let missed = |aside: &[CalibrationGroup], trial: &str| -> f64 {
        let of = |replicate: u32| {
            let part = |split: Split| {
                let found = groups.iter().find(|g| (&*g.trial, g.replicate, g.split) == (trial, replicate, split));
                found.unwrap()
            };
            let (validation, test) = (part(Split::Validation), part(Split::Test));
            let ScoreGroup { raw, scores, labels, .. } = validation;
            let chosen = validation_threshold(&point, ScoredRows { raw, scores, labels, weights: &[] });
            let aside = aside.iter().find(|group| (&*group.trial, group.replicate) == (trial, replicate));
            let threshold = match aside {
                Some(aside) => threshold_in_use(&point, chosen, aside.scored()),
                None => chosen,
            };
            Confusion::at(&test.raw, &test.labels, threshold.unwrap().raw).fn_
        };
        f64::midpoint(of(0), of(1))
    };
    let mut differences = Vec::new();
    // Both guaranteed, one of them, neither: 20 are too few.
    for negatives in [&[80, 120][..], &[20, 120], &[20, 20], &[]] {
        let source = SetAside(groups.clone(), set_aside(&trials, negatives));
        let found = judge(&source, &results, &ranking, &[], &in_turn).unwrap();
        let claim = claim(&found, Kind::Models, Test::Missed, "c", Split::Test);
        let expected = missed(&source.1, "a") - missed(&source.1, "c");
        assert!((claim.difference - expected).abs() < 1e-9, "{negatives:?}: {} {expected}", claim.difference);
        differences.push(claim.difference);
    }
    assert!(differences[0] != differences[1] && differences[1] != differences[2], "{differences:?}");
    // Where a guaranteed threshold has too few above it nothing is said there, and of other figures as ever.
    let source = SetAside(groups, set_aside(&trials, &[30, 120]));
    let found = judge(&source, &results, &ranking, &[], &in_turn).unwrap();
    let get = |about| found.claims.get(Kind::Models, about, "a", "c", Split::Test);
    assert!(get(Test::Missed).is_none() && get(Test::Alarms).is_none() && get(Test::Auc).is_some());
}

#[test]
fn negatives_that_would_do_are_named_where_too_few_are_above() {
    use super::guarantee::too_few_above;
    let said = too_few_above(2, 0.001, 0.95).unwrap();
    // By Python's math.comb the sum of C(n, j) 0.001ʲ 0.999ⁿ⁻ʲ over j = 0 … 3 is 0.050009 at 7,751, 0.049976 at 7,752.
    assert!(said.contains("no more than 2 may") && said.contains("; 7,752 negatives would do."), "{said}");
    assert_eq!(too_few_above(3, 0.001, 0.95), None);
}

/// Each row and a copy of it, of one unit, tell as much as the row: what is claimed stays, though there are twice as
/// many rows. Where rows stand for themselves the copies count as news.
#[test]
fn copies_in_a_unit_tell_nothing_new() {
    let trials = ["a", "b", "c"];
    let results = table(&trials, 1, None);
    let doubled = |in_units: bool| {
        let mut groups = scores(&trials, 1, [0, 0]);
        for group in &mut groups {
            if in_units {
                group.units = group.rows.repeat(2);
            }
            group.rows.extend(group.rows.clone().iter().map(|row| row + 100_000));
            (group.labels, group.raw) = (group.labels.repeat(2), group.raw.repeat(2));
            group.scores = group.scores.repeat(2);
        }
        groups
    };
    let of = |groups: Vec<ScoreGroup>| judged(&groups, &results, &ranked(&results, &["auc"]));
    let (once, units, rows) = (of(scores(&trials, 1, [0, 0])), of(doubled(true)), of(doubled(false)));
    for (against, split) in [("b", Split::Validation), ("c", Split::Validation), ("c", Split::Test)] {
        let error = |judged: &Judged| claim(judged, Kind::Models, Test::Auc, against, split).standard_error.unwrap();
        let (once, units, rows) = (error(&once), error(&units), error(&rows));
        assert!((units / once - 1.0).abs() < 1e-3, "{against}: {once} {units}");
        assert!(rows < 0.75 * once, "{against}: {once} {rows}");
    }
    let p = |judged: &Judged| claim(judged, Kind::Models, Test::Auc, "c", Split::Test).p;
    assert!((p(&once) - p(&units)).abs() < 1e-4, "as many degrees of freedom: {} {}", p(&once), p(&units));
    let standard = |judged: &Judged| judged.errors.of("a", Split::Test).unwrap();
    // Widened where rows are few, which copies hide a little.
    assert!((standard(&units) / standard(&once) - 1.0).abs() < 0.15, "{} {}", standard(&units), standard(&once));
}

/// A unit's misses are one, however many of its rows there are; and nothing is told where a class is in one unit.
#[test]
fn thresholds_and_misses_are_those_of_units() {
    let trials = ["a", "b", "c"];
    let results = table(&trials, 1, Some(POINT));
    let grouped = |unit: &dyn Fn(i64) -> i64| {
        let mut groups = scores(&trials, 1, [0, 0]);
        for group in &mut groups {
            group.units = group.rows.iter().map(|&row| unit(row)).collect();
        }
        judged(&groups, &results, &ranked(&results, &["auc"]))
    };
    let interval = |judged: &Judged| {
        let interval = claim(judged, Kind::Models, Test::Missed, "c", Split::Test).interval.unwrap();
        interval.upper - interval.lower
    };
    let (rows, units) = (grouped(&|row| row), grouped(&|row| row / 40));
    assert!(interval(&units) > 0.5 * interval(&rows), "{} {}", interval(&units), interval(&rows));
    // All positives are in the first unit.
    let one = grouped(&|row| if row % 10 == 0 { -1 } else { row });
    assert!(one.claims.all().is_empty(), "{:?}", one.claims);
}

/// Folds and windows have models of their own: on the test rows nothing is claimed of a trial.
#[test]
fn of_folds_and_windows_no_models_are_claimed() {
    let trials = ["a", "b"];
    let folds = SplitSpec { folds: Some(Folds { folds: 2, repeats: 1 }), ..SplitSpec::default() };
    let by = SplitBy::Time { column: "t".into(), gap: None, label_delay: None, window: None, groups: None };
    for split in [folds, SplitSpec { by, ..SplitSpec::default() }] {
        let results = Results { split, planned_replicates: 2, ..table(&trials, 2, Some(POINT)) };
        let found = judged(&scores(&trials, 2, [0, 1000]), &results, &ranked(&results, &["auc"]));
        assert!(found.claims.all().iter().all(|claim| claim.split == Split::Validation), "{:?}", found.claims);
        assert!(!found.claims.all().is_empty());
    }
}
