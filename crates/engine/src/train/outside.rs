//! What scores are worth that a command of the user's gave to rows: measured as those of our own networks are.

use std::collections::HashMap;

use focalsweep_core::metrics::{Confusion, ScoredRows, threshold_in_use, validation_threshold};
use focalsweep_core::prepared::{Replicate, Rows};
use focalsweep_core::record::SplitMetrics;
use focalsweep_core::spec::{OperatingPoint, Output};

use super::evaluate::RowScores;

/// Furthest logit of a probability: that of 0 and of 1, which have none. Beyond those of all others in double
/// precision, of which the least is some -745.
const FURTHEST: f64 = 1_000.0;

/// Scores of the validation, the test and the calibration rows, each in the order of its rows.
pub type PartScores = [Vec<f64>; 3];

/// Scores and what they are worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// What ranks the rows of each part, and their probabilities; none where the scores are none.
    pub parts: [RowScores; 3],
    /// Metrics on the validation rows.
    pub val: SplitMetrics,
    /// Metrics on the test rows.
    pub test: SplitMetrics,
    /// Threshold of the operating point: the probability of `threshold_raw`.
    pub threshold: Option<f64>,
    /// What rows are flagged from.
    pub threshold_raw: Option<f64>,
    /// Counts on the validation rows at the threshold that these rows choose.
    pub val_op: Option<Confusion>,
    /// Counts at `threshold_raw` on the test rows.
    pub test_op: Option<Confusion>,
}

/// Measures `scores`, which are what `output` says: probabilities, or any numbers that rank.
///
/// # Errors
/// A score is not one, in words.
pub fn measure_outside(
    scores: &PartScores,
    output: Output,
    data: &Replicate,
    point: &OperatingPoint,
) -> Result<Measured, String> {
    let mut raw = raw_of(scores, output)?;
    let parts = [0, 1, 2].map(|at| of_part(&scores[at], std::mem::take(&mut raw[at]), output));
    let [validation, test, calibration] = data.scored();
    let chosen = validation_threshold(point, scored(&parts[0], validation));
    let in_use = threshold_in_use(point, chosen, scored(&parts[2], calibration));
    let flagged = |at: usize, rows: &Rows, raw: f64| Confusion::weighed(&parts[at].raw, &rows.y, &rows.weights, raw);
    Ok(Measured {
        val: SplitMetrics::measured(scored(&parts[0], validation), &validation.units, None, Some(point)).0,
        test: SplitMetrics::measured(scored(&parts[1], test), &test.units, None, Some(point)).0,
        threshold: in_use.filter(|_| output == Output::Probability).map(|threshold| threshold.score),
        threshold_raw: in_use.map(|threshold| threshold.raw),
        val_op: chosen.map(|threshold| flagged(0, validation, threshold.raw)),
        test_op: in_use.map(|threshold| flagged(1, test, threshold.raw)),
        parts,
    })
}

/// What ranks rows that were scored alone, and their probabilities, as in training; these are none where the scores are
/// none.
///
/// # Errors
/// A score is not one, in words.
pub fn scores_outside(scores: Vec<f64>, output: Output) -> Result<RowScores, String> {
    let parts = [scores, Vec::new(), Vec::new()];
    let [raw, ..] = raw_of(&parts, output)?;
    Ok(of_part(&parts[0], raw, output))
}

fn of_part(scores: &[f64], raw: Vec<f32>, output: Output) -> RowScores {
    let scores = match output {
        Output::Probability => scores.iter().map(|&score| score as f32).collect(),
        Output::Score => Vec::new(),
    };
    RowScores { raw, scores }
}

fn scored<'a>(part: &'a RowScores, rows: &'a Rows) -> ScoredRows<'a> {
    ScoredRows { raw: &part.raw, scores: &part.scores, labels: &rows.y, weights: &rows.weights }
}

/// What ranks the rows: of probabilities their logits, of other scores these themselves, in single precision, in which
/// two that differ stay apart and keep their order, in all parts together.
///
/// # Errors
/// A score is no number, or no probability where it should be, in words.
fn raw_of(scores: &PartScores, output: Output) -> Result<[Vec<f32>; 3], String> {
    let all = || scores.iter().flatten().copied();
    if let Some(strange) = all().find(|score| !score.is_finite()) {
        return Err(format!("found the score {strange}, expected finite numbers"));
    }
    let out = |score: &f64| output == Output::Probability && !(0.0..=1.0).contains(score);
    if let Some(strange) = all().find(out) {
        return Err(format!(
            "found the score {strange}, expected probabilities from 0 to 1 (`output: score` says that they are none)"
        ));
    }
    let wide = |score: f64| match output {
        Output::Probability => (score.ln() - (-score).ln_1p()).clamp(-FURTHEST, FURTHEST),
        Output::Score => score,
    };
    if let Some(strange) = all().find(|score| wide(*score).abs() > f64::from(f32::MAX)) {
        return Err(format!("found the score {strange}, expected numbers of at most {}", f32::MAX));
    }
    let mut different: Vec<f64> = all().map(|score| score + 0.0).collect();
    different.sort_by(f64::total_cmp);
    different.dedup();
    let mut narrow: HashMap<u64, f32> = HashMap::with_capacity(different.len());
    let mut last = f32::NEG_INFINITY;
    for score in different {
        // The next number where rounding would make two equal.
        last = (wide(score) as f32).max(last.next_up());
        narrow.insert(score.to_bits(), last);
    }
    if last == f32::INFINITY {
        return Err("found too many scores near the largest number that there is, expected smaller ones".to_owned());
    }
    Ok([0, 1, 2].map(|at| {
        scores[at].iter().map(|score| narrow.get(&(score + 0.0).to_bits()).copied().unwrap_or_default()).collect()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Scores that come close to each other, and to the ends.
    fn score() -> impl Strategy<Value = f64> {
        prop_oneof![
            0.0..1.0_f64,
            Just(0.0),
            Just(1.0),
            Just(-0.0),
            Just(1e-300),
            Just(f64::MIN_POSITIVE),
            (0u32..50).prop_map(|k| 0.3 + f64::from(k) * 1e-15),
            (0u32..50).prop_map(|k| 1.0 - f64::from(k) * f64::EPSILON),
        ]
    }

    proptest! {
        #[test]
        fn scores_keep_their_order_across_all_parts(
            a in prop::collection::vec(score(), 0..40), b in prop::collection::vec(score(), 0..40), any: bool
        ) {
            let output = if any { Output::Score } else { Output::Probability };
            let scores = [a, b, vec![0.5]];
            let raw = raw_of(&scores, output).unwrap();
            let pairs: Vec<(f64, f32)> =
                scores.iter().flatten().copied().zip(raw.iter().flatten().copied()).collect();
            for x in &pairs {
                for y in &pairs {
                    prop_assert_eq!(x.0.partial_cmp(&y.0), x.1.partial_cmp(&y.1), "{:?} {:?}", x, y);
                }
            }
            // And it stays the logit, or the score, but for rounding.
            for (score, raw) in pairs {
                let exact = if any { score } else { (score / (1.0 - score)).ln().clamp(-1000.0, 1000.0) };
                prop_assert!((f64::from(raw) - exact).abs() <= 1e-3 * exact.abs().max(1e-2), "{} {}", score, raw);
            }
        }
    }

    #[test]
    fn scores_that_are_none_are_refused() {
        let told = |score: f64, output| raw_of(&[vec![0.5, score], vec![], vec![]], output).unwrap_err();
        assert!(told(f64::NAN, Output::Score).contains("NaN, expected finite numbers"));
        assert!(told(1.5, Output::Probability).contains("`output: score`"));
        assert!(told(-0.1, Output::Probability).contains("-0.1, expected probabilities"));
        assert!(told(1e300, Output::Score).contains("1e300") || told(1e300, Output::Score).contains("1000000"));
        assert!(raw_of(&[vec![-7.0, 1e30], vec![], vec![]], Output::Score).is_ok());
    }
}
