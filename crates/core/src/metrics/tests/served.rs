//! Figures of labelled rows against scikit-learn's (recorded) and against what an interval of Wilson's is.

use super::*;

fn value(figure: Option<Figure>) -> Option<f64> {
    figure.map(|figure| figure.value)
}

/// The ends of a score interval are the shares p that lie as far from the share seen as Z standard errors of p are.
#[track_caller]
fn assert_score_interval(figure: Figure, whole: f64, times: f64) {
    let Interval { lower, upper } = figure.interval.unwrap();
    for p in [lower / times, upper / times] {
        let (seen, error) = (figure.value / times, (p * (1.0 - p) / whole).sqrt());
        // At 0 and 1 the interval ends there.
        let is_end = p < 1e-12 && seen == 0.0 || p > 1.0 - 1e-12 && seen == 1.0;
        assert!(is_end || ((seen - p).abs() / error - 1.959_963_984_540_054).abs() < 1e-6, "{figure:?} of {whole}");
    }
    assert!(lower <= figure.value + 1e-9 * times && figure.value <= upper + 1e-9 * times);
}

#[test]
fn figures_of_labelled_rows_are_scikit_learns() {
    for case in cases() {
        let flagged: Vec<bool> = case.scores.iter().map(|&score| score >= 0.5).collect();
        let served = Served::of(&case.scores, &case.labels, Some(&flagged));
        assert_close(&case.name, value(served.auc), Some(case.roc_auc));
        assert_close(&case.name, value(served.average_precision), Some(case.average_precision));
        let at = served.at_threshold.unwrap();
        let counts = [at.tp, at.fp, at.tn, at.fn_].map(|figure| figure.value);
        let Confusion { tp, fp, tn, fn_ } = case.confusion;
        assert_eq!(counts, [tp, fp, tn, fn_], "{}", case.name);
        assert_close(&case.name, value(at.recall), case.recall);
        assert_close(&case.name, value(at.precision), case.precision);
        let (positives, negatives) = (tp + fn_, fp + tn);
        assert_score_interval(at.recall.unwrap(), positives, 1.0);
        assert_score_interval(at.fpr.unwrap(), negatives, 1.0);
        assert_score_interval(at.tp, positives, positives);
        assert_score_interval(at.fn_, positives, positives);
        assert_score_interval(at.fp, negatives, negatives);
        assert_score_interval(at.tn, negatives, negatives);
        if let Some(precision) = at.precision {
            assert_score_interval(precision, tp + fp, 1.0);
        }
        if let Some(auc) = served.auc.filter(|_| case.delong_se.is_some()) {
            let Interval { lower, upper } = auc.interval.unwrap();
            assert!(lower <= auc.value + 1e-9 && auc.value <= upper + 1e-9, "{}", case.name);
        }
    }
}

#[test]
fn one_class_says_what_can_be_said() {
    let positives = Served::of(&[0.2, 0.7, 0.9], &[1; 3], Some(&[false, true, true]));
    let at = positives.at_threshold.unwrap();
    assert_eq!((positives.rows, positives.positives, positives.auc), (3, 3, None));
    assert_eq!((value(at.recall), at.fpr, at.fp.value, at.fp.interval), (Some(2.0 / 3.0), None, 0.0, None));
    let negatives = Served::of(&[0.2, 0.7, 0.9], &[0; 3], Some(&[false, true, true]));
    let at = negatives.at_threshold.unwrap();
    assert_eq!((negatives.auc, negatives.average_precision, at.recall), (None, None, None));
    assert_eq!((value(at.fpr), at.fn_.value, at.fn_.interval), (Some(2.0 / 3.0), 0.0, None));
    assert_eq!(Served::of(&[0.2], &[1], None).at_threshold, None);
}
