//! Non-dominated sorting: which trials are beaten by none on all keys at once.
//!
//! K. Deb et al.: A fast and elitist multiobjective genetic algorithm: NSGA-II, IEEE Transactions on Evolutionary
//! Computation 6(2), 2002, defines the fronts; they are found as in X. Zhang et al.: An efficient approach to
//! nondominated sorting, IEEE Transactions on Evolutionary Computation 19(2), 2015: in lexicographic order nobody is
//! dominated by one who comes later, so that each is placed once.

use std::cmp::Ordering;

/// The 1-based front of each point, where less is better in every coordinate: front 1 is dominated by nobody, front n
/// only by fronts before it. All points have the same number of coordinates, none of them NaN. Equal points share a
/// front. O(n log n) for one or two coordinates, at most O(n²) for more.
pub(super) fn fronts(points: &[Vec<f64>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| lexicographic(&points[a], &points[b]));
    let mut front_of = vec![0; points.len()];
    // Members of each front, in lexicographic order.
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    let mut before: Option<usize> = None;
    for &i in &order {
        let point = &points[i];
        let twin = before.filter(|&b| lexicographic(&points[b], point) == Ordering::Equal);
        before = Some(i);
        if let Some(twin) = twin {
            front_of[i] = front_of[twin];
            continue;
        }
        let dominated_by = |front: &Vec<usize>| {
            if point.len() <= 2 {
                // The last of a front has its least second coordinate: if it does not dominate, nobody there does.
                front.last().is_some_and(|&last| no_worse(&points[last], point))
            } else {
                front.iter().rev().any(|&other| no_worse(&points[other], point))
            }
        };
        // Who is dominated by a front is dominated by all fronts before it.
        let front = fronts.partition_point(dominated_by);
        if front == fronts.len() {
            fronts.push(Vec::new());
        }
        fronts[front].push(i);
        front_of[i] = front + 1;
    }
    front_of
}

/// By the first coordinate that differs. -0 and 0 do not differ.
pub(super) fn lexicographic(a: &[f64], b: &[f64]) -> Ordering {
    let unequal = a.iter().zip(b).find(|(x, y)| x != y);
    unequal.map_or(Ordering::Equal, |(x, y)| x.total_cmp(y))
}

fn no_worse(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(x, y)| x <= y)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: peel off whoever is dominated by nobody left.
    fn peeled(points: &[Vec<f64>]) -> Vec<usize> {
        let mut front_of = vec![0; points.len()];
        let mut left: Vec<usize> = (0..points.len()).collect();
        let mut front = 0;
        while !left.is_empty() {
            front += 1;
            let dominates = |a: usize, b: usize| no_worse(&points[a], &points[b]) && points[a] != points[b];
            let (best, rest): (Vec<usize>, Vec<usize>) =
                left.iter().partition(|&&b| !left.iter().any(|&a| dominates(a, b)));
            best.into_iter().for_each(|i| front_of[i] = front);
            left = rest;
        }
        front_of
    }

    /// Few distinct values, so that many coordinates are equal; infinity stands for an undefined metric.
    fn points() -> impl Strategy<Value = Vec<Vec<f64>>> {
        let value = prop_oneof![6 => (-3_i8..4).prop_map(f64::from), 1 => Just(-0.0), 1 => Just(f64::INFINITY)];
        (1_usize..5).prop_flat_map(move |keys| prop::collection::vec(prop::collection::vec(value.clone(), keys), 0..60))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn fronts_are_those_of_the_definition(points in points()) {
            prop_assert_eq!(fronts(&points), peeled(&points));
        }
    }

    #[test]
    fn ten_thousand_trials_take_no_time() {
        // All on one front (the worst case of the definition) and all on fronts of their own.
        let trade_off: Vec<Vec<f64>> = (0..10_000).map(|i| vec![f64::from(i), f64::from(-i)]).collect();
        let chain: Vec<Vec<f64>> = (0..10_000).map(|i| vec![f64::from(i), f64::from(i)]).collect();
        assert!(fronts(&trade_off).iter().all(|&front| front == 1));
        assert_eq!(fronts(&chain), (1..=10_000).collect::<Vec<_>>());
    }
}
