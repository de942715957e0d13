//! Against scikit-learn, statsmodels and scipy (recorded, see tests/fixtures/metrics/make_statistics.py), brute force
//! and definitions.

use proptest::prelude::*;
use serde::Deserialize;

use super::super::*;
use super::rows;

#[derive(Deserialize)]
struct Recorded {
    cases: Vec<Case>,
    mcnemar: Vec<(u64, u64, f64)>,
    positives_for_auc: Vec<(f64, f64, u64, f64)>,
    wilson: Vec<(u64, u64, f64, f64)>,
    student: Vec<(usize, f64)>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    scores: Vec<f32>,
    labels: Vec<u8>,
    /// fpr, tpr, thresholds, null for infinity.
    roc: [Vec<Option<f64>>; 3],
    precision_recall: [Vec<Option<f64>>; 3],
    reliability: [Vec<f64>; 3],
    expected_calibration_error: f64,
    platt: (f64, f64),
    probes: Vec<f32>,
    isotonic: Vec<f64>,
}

fn recorded() -> Recorded {
    serde_json::from_str(include_str!("../../../../../tests/fixtures/metrics/statistics.json")).unwrap()
}

#[track_caller]
fn assert_near(what: &str, ours: &[f64], theirs: &[f64], tolerance: f64) {
    let near = ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(near, "{what}:\n  {ours:?}, reference\n  {theirs:?}");
}

fn columns(recorded: &[Vec<Option<f64>>; 3]) -> Vec<Vec<f64>> {
    recorded.iter().map(|column| column.iter().map(|value| value.unwrap_or(f64::INFINITY)).collect()).collect()
}

#[test]
fn curves_are_scikit_learns() {
    for case in recorded().cases {
        let name = &case.name;
        let roc = roc_curve(&case.scores, &case.labels).unwrap();
        let ours = [|p: &RocPoint| p.fpr, |p: &RocPoint| p.tpr, |p: &RocPoint| p.threshold]
            .map(|of| roc.iter().map(of).collect::<Vec<_>>());
        for (ours, theirs) in ours.iter().zip(columns(&case.roc)) {
            let same =
                ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| a == b || (a - b).abs() < 1e-15);
            assert!(same, "{name}: {ours:?} {theirs:?}");
        }
        let curve = precision_recall_curve(&case.scores, &case.labels).unwrap();
        let ours = [
            |p: &PrecisionRecallPoint| p.recall,
            |p: &PrecisionRecallPoint| p.precision,
            |p: &PrecisionRecallPoint| p.threshold,
        ]
        .map(|of| curve.iter().map(of).collect::<Vec<_>>());
        for (ours, theirs) in ours.iter().zip(columns(&case.precision_recall)) {
            let same =
                ours.len() == theirs.len() && ours.iter().zip(&theirs).all(|(a, b)| a == b || (a - b).abs() < 1e-15);
            assert!(same, "{name}: {ours:?} {theirs:?}");
        }
    }
}

#[test]
fn calibration_is_scikit_learns() {
    for case in recorded().cases {
        let (name, scores, labels) = (&case.name, &case.scores, &case.labels);
        let bins = reliability(scores, labels, 10, Binning::EqualWidth);
        let ours = [
            |b: &ReliabilityBin| b.count as f64,
            |b: &ReliabilityBin| b.mean_score,
            |b: &ReliabilityBin| b.share_positive,
        ];
        for (of, theirs) in ours.into_iter().zip(&case.reliability) {
            assert_near(name, &bins.iter().map(of).collect::<Vec<_>>(), theirs, 1e-12);
        }
        assert_near(name, &[expected_calibration_error(&bins).unwrap()], &[case.expected_calibration_error], 1e-12);
        // scikit-learn stops its optimiser at a gradient of about 1e-6.
        let platt = Platt::fit(scores, labels).unwrap();
        assert_near(name, &[platt.a, platt.b], &[case.platt.0, case.platt.1], 2e-4);
        let isotonic = Isotonic::fit(scores, labels).unwrap();
        let ours: Vec<f64> = case.probes.iter().map(|&probe| f64::from(isotonic.apply(probe))).collect();
        assert_near(name, &ours, &case.isotonic, 1e-6);
    }
}

#[test]
fn tests_and_sizes_are_those_of_statsmodels_and_scipy() {
    let recorded = recorded();
    for (b, c, p) in recorded.mcnemar {
        assert_near(&format!("McNemar {b} {c}"), &[mcnemar(b, c)], &[p], 1e-12);
        let differences: Vec<i64> = [vec![1; b as usize], vec![0; 9], vec![-1; c as usize]].concat();
        assert_near(&format!("one replicate {b} {c}"), &[mcnemar_clustered(&differences)], &[p], 1e-12);
    }
    for (difference, variance, positives, needed) in recorded.positives_for_auc {
        let critical = 1.959_963_984_540_054;
        assert_eq!(positives_for_auc(difference, variance, positives, critical), Some(needed.ceil() as u64));
        let told = detectable_auc_difference(variance, critical);
        assert_eq!(positives_for_auc(told, variance, positives, critical), Some(positives), "what they tell just now");
        assert!(detectable_auc_difference(variance, 3.0) > told, "a stricter test tells less");
    }
    assert_eq!(positives_for_auc(0.0, 1e-4, 10, 1.959_963_984_540_054), None);
    for (successes, trials, lower, upper) in recorded.wilson {
        let ours = wilson_interval(successes, trials).unwrap();
        assert_near("Wilson", &[ours.lower, ours.upper], &[lower, upper], 1e-12);
    }
    assert_eq!(wilson_interval(0, 0), None);
    for (freedom, quantile) in recorded.student {
        assert_near(&format!("Student {freedom}"), &[student_t(0.05, freedom as f64)], &[quantile], 1e-9);
    }
}

/// All ways to flip the signs.
fn p_of_flips(differences: &[i64]) -> f64 {
    let sum = differences.iter().sum::<i64>().abs();
    let flips = 0..1_u32 << differences.len();
    let flipped = |flip: u32| -> i64 {
        differences.iter().enumerate().map(|(i, d)| if flip >> i & 1 == 1 { -d } else { *d }).sum()
    };
    let far = flips.clone().filter(|&flip| flipped(flip).abs() >= sum).count();
    far as f64 / flips.len() as f64
}

#[test]
fn many_clusters_agree_with_the_sign_flips_sampled() {
    // 40 rows that lie in up to three replicates.
    let differences: Vec<i64> = (0..40).map(|i| [3, 1, -1, 2, 1, -2, 1, 1][i % 8]).collect();
    let mut stream = crate::random::Stream::new(1, 0, crate::random::Purpose::Bootstrap, 0, 0);
    let sum: i64 = differences.iter().sum();
    let mut far = 0;
    for _ in 0..100_000 {
        let flipped: i64 = differences.iter().map(|&d| if stream.below(2) == 0 { d } else { -d }).sum();
        far += i32::from(flipped.abs() >= sum);
    }
    let p = mcnemar_clustered(&differences);
    assert!((p - f64::from(far) / 1e5).abs() < 0.004, "{p}, sampled {far}");
}

#[test]
fn what_is_not_defined_is_none() {
    let nan = f32::NAN;
    for (scores, labels) in [(&[][..], &[][..]), (&[0.1, 0.2][..], &[0, 0][..]), (&[nan, 0.2], &[0, 1])] {
        assert_eq!(roc_curve(scores, labels), None);
        assert_eq!(precision_recall_curve(scores, labels), None);
        assert_eq!(Platt::fit(scores, labels), None);
        assert_eq!(average_precision_interval(scores, labels, 10, 0), None);
        let point = crate::spec::OperatingPoint::default();
        assert_eq!(operating_point_intervals(&point, (scores, labels), (&[0.1, 0.2], &[0, 1]), 10, 0), None);
        assert_eq!(operating_point_intervals(&point, (&[0.1, 0.2], &[0, 1]), (scores, labels), 10, 0), None);
    }
    assert_eq!(Isotonic::fit(&[], &[]), None);
    assert_eq!(Isotonic::fit(&[nan], &[1]), None);
    assert_eq!(average_precision_interval(&[0.1, 0.2], &[0, 1], 0, 0), None);
    assert!(reliability(&[0.1], &[1], 0, Binning::EqualMass).is_empty());
    assert!(reliability(&[nan], &[1], 5, Binning::EqualMass).is_empty());
    assert_eq!(expected_calibration_error(&[]), None);
    assert!(vertical_average(&[], &[0.5], 0.0).is_empty());
}

#[test]
fn calibration_takes_saturated_and_perfect_scores() {
    let scores = [0.0, 0.0, f32::MIN_POSITIVE, 1.0, 1.0, 1.0];
    for labels in [[0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 1, 0, 1, 0, 1]] {
        let platt = Platt::fit(&scores, &labels).unwrap();
        assert!(platt.a.is_finite() && platt.b.is_finite(), "{platt:?}");
        for score in [0.0, 0.5, 1.0] {
            assert!((0.0..=1.0).contains(&platt.apply(score)));
        }
    }
}

#[test]
fn a_band_of_replicates_is_their_mean_and_students_interval() {
    let curve = |tpr: f64| {
        vec![
            RocPoint { fpr: 0.0, tpr: 0.0, threshold: f64::INFINITY },
            RocPoint { fpr: 0.0, tpr, threshold: 0.7 },
            RocPoint { fpr: 1.0, tpr: 1.0, threshold: 0.1 },
        ]
    };
    let band = vertical_average(&[curve(0.4), curve(0.5), curve(0.6)], &[0.0, 0.5, 1.0], 0.0);
    // Rates at half way: 0.7, 0.75, 0.8; standard error of the mean 0.05 / √3.
    let half = 4.302652729749462 * 0.05 / 3_f64.sqrt();
    assert_near("mean", &band.iter().map(|p| p.tpr).collect::<Vec<_>>(), &[0.5, 0.75, 1.0], 1e-12);
    assert_near("half way", &[band[1].lower, band[1].upper], &[0.75 - half, 0.75 + half], 1e-6);
    assert_eq!((band[2].lower, band[2].upper), (1.0, 1.0));
    // Five folds of a run: one test row for each four training rows.
    let folds = vertical_average(&[curve(0.4), curve(0.5), curve(0.6)], &[0.5], 0.25);
    let half = 4.302652729749462 * 0.05 * (1.0 / 3.0 + 0.25_f64).sqrt();
    assert_near("folds", &[folds[0].lower, folds[0].upper], &[0.75 - half, 0.75 + half], 1e-6);
    // Shares of 49 rows are not exact in binary: the count must be.
    for caught in 0..=49 {
        let wilson = wilson_band(&curve(caught as f64 / 49.0), 49);
        let expected = wilson_interval(caught, 49).unwrap();
        assert_eq!((wilson[1].lower, wilson[1].upper), (expected.lower, expected.upper), "{caught}");
    }
}

#[test]
fn a_band_of_units_is_that_of_their_shares() {
    // Ten units of ten positives each, alike within a unit.
    let scores: Vec<f32> = (0..300_u16).map(|row| f32::from(if row < 100 { row / 10 } else { row % 7 })).collect();
    let labels: Vec<u8> = (0..300).map(|row| u8::from(row < 100)).collect();
    let positives: Vec<(f32, i64)> = (0..100).map(|row| (scores[row], row as i64 / 10)).collect();
    let curve = roc_curve(&scores, &labels).unwrap();
    let (band, of_rows) = (unit_band(&curve, &positives), wilson_band(&curve, 100));
    assert_eq!((band.len(), of_rows.len()), (curve.len(), curve.len()));
    for ((point, found), rows) in curve.iter().zip(&band).zip(&of_rows) {
        let units: Vec<(u64, u64)> =
            (0..10).map(|unit| if f64::from(unit) >= point.threshold { (10, 10) } else { (0, 10) }).collect();
        let expected = clustered_share_interval(&units).unwrap();
        assert!((found.lower - expected.lower).abs() < 1e-12 && (found.upper - expected.upper).abs() < 1e-12);
        assert!(found.upper - found.lower > 1.5 * (rows.upper - rows.lower), "{found:?} {rows:?}");
    }
    let one: Vec<(f32, i64)> = positives.iter().map(|&(score, _)| (score, 7)).collect();
    assert!(unit_band(&curve, &one).iter().all(|point| (point.lower, point.upper) == (0.0, 1.0)));
}

/// Height of a polyline at `x`; the lowest where it is vertical.
fn lowest_at(curve: &[RocPoint], x: f64) -> f64 {
    let after = curve.iter().position(|p| p.fpr >= x).unwrap();
    let b = curve[after];
    if b.fpr == x || after == 0 {
        return b.tpr;
    }
    let a = curve[after - 1];
    a.tpr + (b.tpr - a.tpr) * (x - a.fpr) / (b.fpr - a.fpr)
}

fn area(curve: &[RocPoint]) -> f64 {
    curve.windows(2).map(|w| (w[1].fpr - w[0].fpr) * (w[1].tpr + w[0].tpr) / 2.0).sum()
}

fn average_precision_of(curve: &[PrecisionRecallPoint]) -> f64 {
    curve.windows(2).map(|w| (w[1].recall - w[0].recall) * w[1].precision).sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn few_clusters_are_tested_by_all_sign_flips(differences in prop::collection::vec(-3_i64..=3, 0..12)) {
        let p = mcnemar_clustered(&differences);
        prop_assert!((p - p_of_flips(&differences)).abs() < 1e-12, "{p}");
    }

    #[test]
    fn areas_under_curves_are_the_metrics((scores, labels) in rows()) {
        let auc = roc_curve(&scores, &labels).map(|curve| area(&curve));
        prop_assert_eq!(auc.is_some(), roc_auc(&scores, &labels).is_some());
        prop_assert!((auc.unwrap_or(0.0) - roc_auc(&scores, &labels).unwrap_or(0.0)).abs() < 1e-12);
        let sum = precision_recall_curve(&scores, &labels).map(|curve| average_precision_of(&curve));
        let metric = average_precision(&scores, &labels);
        prop_assert_eq!(sum.is_some(), metric.is_some());
        prop_assert!((sum.unwrap_or(0.0) - metric.unwrap_or(0.0)).abs() < 1e-12);
    }

    #[test]
    fn a_thinned_curve_is_never_better_and_little_worse((scores, labels) in rows(), n in 0_usize..60) {
        let Some(curve) = roc_curve(&scores, &labels) else { return Ok(()) };
        let thin = thin_roc(&curve, n);
        prop_assert!(thin.len() <= n.max(4), "{} of {n}", thin.len());
        prop_assert_eq!((thin[0], thin[thin.len() - 1]), (curve[0], curve[curve.len() - 1]));
        prop_assert!(thin.windows(2).all(|w| w[0].fpr <= w[1].fpr && w[0].tpr <= w[1].tpr));
        for point in &curve {
            // The lowest of the curve itself too: where it is vertical it has many points.
            let (ours, theirs) = (lowest_at(&thin, point.fpr), lowest_at(&curve, point.fpr));
            prop_assert!(ours <= theirs + 1e-12, "at {}: {ours} over {theirs}", point.fpr);
        }
        let lost = area(&curve) - area(&thin);
        prop_assert!((-1e-12..=1.0 / ((n.max(4) - 1) / 3) as f64 + 1e-12).contains(&lost), "{lost}");
    }

    #[test]
    fn a_thinned_precision_recall_curve_is_never_better((scores, labels) in rows(), n in 0_usize..60) {
        let Some(curve) = precision_recall_curve(&scores, &labels) else { return Ok(()) };
        let thin = thin_precision_recall(&curve, n);
        prop_assert!(thin.len() <= n.max(3), "{} of {n}", thin.len());
        prop_assert_eq!((thin[0], thin[thin.len() - 1]), (curve[0], curve[curve.len() - 1]));
        let at = |curve: &[PrecisionRecallPoint], recall: f64| {
            curve.iter().find(|p| p.recall >= recall && p.recall > 0.0).unwrap().precision
        };
        for point in curve.iter().filter(|point| point.recall > 0.0) {
            prop_assert!(at(&thin, point.recall) <= at(&curve, point.recall) + 1e-12);
        }
        prop_assert!(average_precision_of(&thin) <= average_precision_of(&curve) + 1e-12);
        if n > labels.len() + 1 {
            prop_assert!(average_precision_of(&curve) - average_precision_of(&thin) < 1e-12);
        }
    }

    #[test]
    fn bins_hold_all_rows((scores, labels) in rows(), bins in 1_usize..20, equal_mass in any::<bool>()) {
        let scores: Vec<f32> = scores.iter().map(|s| s.clamp(0.0, 1.0)).collect();
        let binning = if equal_mass { Binning::EqualMass } else { Binning::EqualWidth };
        let found = reliability(&scores, &labels, bins, binning);
        prop_assert!(found.len() <= bins);
        prop_assert_eq!(found.iter().map(|bin| bin.count).sum::<u64>(), labels.len() as u64);
        let positives: f64 = found.iter().map(|bin| bin.share_positive * bin.count as f64).sum();
        prop_assert!((positives - labels.iter().filter(|&&y| y == 1).count() as f64).abs() < 1e-9);
        prop_assert!(found.windows(2).all(|w| w[0].mean_score < w[1].mean_score));
        if equal_mass {
            // Runs of equal scores are not parted; beyond them bins differ by two runs at most.
            let run = scores.iter().map(|a| scores.iter().filter(|b| a == *b).count()).max().unwrap_or(0);
            let most = found.iter().map(|bin| bin.count).max().unwrap_or(0) as usize;
            prop_assert!(most <= labels.len() / bins + run + 1, "{most} of {} in {bins}, runs of {run}", labels.len());
        }
    }

    /// Pooling of adjacent violators against its characterisation: the maximum over starts of the minimum over ends of
    /// the means (Barlow et al. 1972).
    #[test]
    fn isotonic_is_max_min_of_means((scores, labels) in rows()) {
        let scores: Vec<f32> = scores.iter().map(|s| s.clamp(-9.0, 9.0)).collect();
        let Some(fit) = Isotonic::fit(&scores, &labels) else { return Ok(()) };
        let mut sorted: Vec<(f32, f64)> = scores.iter().zip(&labels).map(|(&s, &y)| (s + 0.0, f64::from(y))).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let runs: Vec<(f32, f64, f64)> = sorted
            .chunk_by(|a, b| a.0 == b.0)
            .map(|run| (run[0].0, run.iter().map(|r| r.1).sum(), run.len() as f64))
            .collect();
        let mean = |from: usize, to: usize| {
            let (sum, count) = runs[from..=to].iter().fold((0.0, 0.0), |(s, n), run| (s + run.1, n + run.2));
            sum / count
        };
        for (i, run) in runs.iter().enumerate() {
            let lowest = |from: usize| (i..runs.len()).map(|to| mean(from, to)).fold(f64::INFINITY, f64::min);
            let expected = (0..=i).map(lowest).fold(0.0, f64::max);
            prop_assert!((f64::from(fit.apply(run.0)) - expected).abs() < 1e-6, "at {}", run.0);
        }
    }
}
