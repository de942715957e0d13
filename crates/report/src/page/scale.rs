//! How the numbers of a hyperparameter lie on an axis: evenly, or by equal factors; and in which ranges a map has them.

use focalsweep_core::spec::Spec;

/// Values of a number beyond which a map has ranges of them, and how many: those of a search are nearly all different.
const MOST_LEVELS: usize = 24;
const RANGES: u32 = 12;
/// Numbers that nobody drew span as many times their least before their logarithms are looked at; two alone, which have
/// no gaps to compare, the second.
const DECADE: f64 = 10.0;
const DECADES: f64 = 100.0;

/// Whether the axis of a hyperparameter is logarithmic: where its numbers were drawn, as they were; else where they
/// span a decade and their logarithms lie more evenly. Never with a number that is not above zero.
pub(super) fn by_factors(spec: Option<&Spec>, name: &str, numbers: &[f64]) -> bool {
    let distinct = distinct(numbers);
    let [least, .., most] = distinct[..] else { return false };
    // The largest gap, as a share of the whole.
    let gap = |to: fn(f64) -> f64| {
        let gaps = distinct.windows(2).map(|pair| to(pair[1]) - to(pair[0]));
        gaps.fold(0.0, f64::max) / (to(most) - to(least))
    };
    let as_they_lie = || match distinct.len() {
        2 => most / least >= DECADES,
        _ => most / least >= DECADE && gap(f64::ln) < gap(|number| number),
    };
    least > 0.0 && spec.and_then(|spec| spec.parameters.draws_by_factors(name)).unwrap_or_else(as_they_lie)
}

/// The different numbers in ascending order.
fn distinct(numbers: &[f64]) -> Vec<f64> {
    let mut distinct = numbers.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    distinct
}

/// The ends of the ranges in which a map has very many numbers, of equal width or by equal factors; a range goes from
/// one to before the next, the last up to its end. Empty where each number has a place of its own.
pub(super) fn ranges(numbers: &[f64], by_factors: bool) -> Vec<f64> {
    let distinct = distinct(numbers);
    let [least, .., most] = distinct[..] else { return Vec::new() };
    if distinct.len() <= MOST_LEVELS {
        return Vec::new();
    }
    let between = |share: f64| match by_factors {
        true => least * (most / least).powf(share),
        false => least + (most - least) * share,
    };
    let inner = (1..RANGES).map(|range| between(f64::from(range) / f64::from(RANGES)));
    std::iter::once(least).chain(inner).chain([most]).collect()
}

/// The range that a number lies in.
pub(crate) fn range_of(ranges: &[f64], number: f64) -> usize {
    ranges.partition_point(|&end| end <= number).clamp(1, ranges.len() - 1) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(parameters: &str) -> Spec {
        let text = format!(
            "name: t\ndata: {{source: d.csv, label: y}}\nmethod: random\nrun_cap: 9\n\
             parameters:\n  loss: {{value: focal}}\n  {parameters}\n"
        );
        focalsweep_core::spec::parse("t", &text).unwrap()
    }

    #[test]
    fn numbers_lie_as_they_were_drawn() {
        let drawn = spec(
            "dropout: {min: 0, max: 0.7}\n  learning_rate: {min: 1e-3, max: 1e-2, distribution: log_uniform_values}",
        );
        // Those of a search crowd where it is good.
        assert!(!by_factors(Some(&drawn), "dropout", &[0.0001, 0.0002, 0.5]));
        assert!(by_factors(Some(&drawn), "learning_rate", &[0.001, 0.002]));
        let listed = spec("learning_rate: {values: [1e-4, 1e-2]}\n  gamma: {min: 0, max: 1}");
        for spec in [Some(&listed), None] {
            assert!(by_factors(spec, "learning_rate", &[1e-4, 1e-2]));
            assert!(!by_factors(spec, "weight_decay", &[0.0, 1e-4, 1e-2]));
            assert!(by_factors(spec, "learning_rate", &[1e-3, 3e-2, 3e-3, 1e-2, 1e-3]));
            assert!(!by_factors(spec, "batch_size", &[256.0, 2048.0]));
            assert!(!by_factors(spec, "dropout", &[0.001, 0.2, 0.4, 0.6]));
            assert!(!by_factors(spec, "alpha", &[0.05, 0.275, 0.5, 0.725, 0.95]));
        }
    }

    #[test]
    fn very_many_numbers_have_twelve_ranges_each_with_its_own() {
        let even: Vec<f64> = (0..=120).map(f64::from).collect();
        let ends = ranges(&even, false);
        assert_eq!((ends.len(), ends[0], ends[1], ends[12]), (13, 0.0, 10.0, 120.0));
        let place = |number| range_of(&ends, number);
        assert_eq!([0.0, 9.9, 10.0, 119.0, 120.0, -1.0, 500.0].map(place), [0, 0, 1, 11, 11, 0, 11]);
        let factors: Vec<f64> = (0..=48).map(|i| 10_f64.powf(f64::from(i) / 12.0)).collect();
        let ends = ranges(&factors, true);
        assert!((ends[3] - 10.0).abs() < 1e-9 && (ends[6] - 100.0).abs() < 1e-9, "{ends:?}");
        assert!(ranges(&even[..24], false).is_empty());
    }
}
