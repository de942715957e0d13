//! Whether the winner lies on the edge of what was swept.

use crate::rank::{Ranked, Ranking};
use crate::read::Value;
use crate::read::parameters::ranges;

/// Fewest different values that make a range.
const RANGE: usize = 3;

/// Where the winner has the least or the largest value that was swept, which of the two, and which way to extend; what
/// may be left alone because trials with other values cannot be told from it.
pub(super) struct Edges {
    pub(super) warnings: Vec<String>,
    pub(super) notes: Vec<String>,
}

/// Looks at each numeric hyperparameter of which at least three values were swept with the winner's loss. An end that
/// is the natural limit is no edge. Where every trial with another value was compared and is tied with the winner, this
/// is a note, else a warning.
pub(super) fn edges(ranking: &Ranking, tied: &dyn Fn(&Ranked) -> Option<bool>) -> Edges {
    let mut edges = Edges { warnings: Vec::new(), notes: Vec::new() };
    let Some(winner) = ranking.winner() else { return edges };
    let rivals: Vec<&Ranked> =
        ranking.trials.iter().filter(|ranked| ranking.loss(ranked) == ranking.loss(winner)).collect();
    for parameter in ranges() {
        let (name, limit) = (parameter.name, parameter.bounds.least());
        let value_of = |ranked: &Ranked| number(ranking.parameter(ranked, name)?);
        let Some(value) = value_of(winner) else { continue };
        let mut values: Vec<f64> = rivals.iter().filter_map(|ranked| value_of(ranked)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let (Some(&least), Some(&largest)) = (values.first(), values.last()) else { continue };
        let is_limit = limit.is_some_and(|limit| value <= limit);
        let (word, towards) = match value {
            _ if values.len() < RANGE => continue,
            _ if value == largest => ("largest", "larger"),
            _ if value == least && !is_limit => ("smallest", "smaller"),
            _ => continue,
        };
        let mut others = rivals.iter().filter(|ranked| value_of(ranked) != Some(value));
        if others.all(|ranked| tied(ranked) == Some(true)) {
            edges.notes.push(format!(
                "The winner's {name} {value} is the {word} swept, but others cannot be told from it: no reason to \
                 extend."
            ));
        } else {
            edges.warnings.push(format!(
                "{name} {value}, the winner's, is the {word} swept: extend to {towards} values before believing it \
                 the best"
            ));
        }
    }
    edges
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Integer(number) => Some(*number as f64),
        Value::Text(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{ranked, results, row};

    /// Three γ; `best` wins, and the AUC of the others is as told from it as `tied` has it.
    fn sweep(gammas: [f64; 3], best: usize, tied: Option<bool>) -> Edges {
        let trial = |(at, gamma): (usize, f64)| {
            let auc = if at == best { 0.9 } else { 0.8 };
            row(&format!("t{at}"), 0, "focal", Some((0.25, gamma)), auc, 1.0)
        };
        let mut rows: Vec<_> = gammas.into_iter().enumerate().map(trial).collect();
        rows.push(row("plain", 0, "bce", None, 0.7, 2.0));
        let ranking = ranked(&results(rows), &["auc"]);
        edges(&ranking, &|ranked| tied.filter(|_| ranked.rank > 1))
    }

    #[test]
    fn the_largest_value_is_an_edge_and_so_is_the_smallest_unless_it_is_the_limit() {
        let largest = sweep([1.0, 2.0, 4.0], 2, Some(false));
        let expected =
            "gamma 4, the winner's, is the largest swept: extend to larger values before believing it the best";
        assert_eq!((largest.warnings, largest.notes.len()), (vec![expected.to_owned()], 0));
        let smallest = sweep([1.0, 2.0, 4.0], 0, Some(false));
        assert!(smallest.warnings[0].starts_with("gamma 1, the winner's, is the smallest swept: extend to smaller"));
        let uncompared = sweep([1.0, 2.0, 4.0], 0, None);
        assert_eq!(uncompared.warnings.len(), 1, "not compared is not tied");
        for quiet in [sweep([1.0, 2.0, 4.0], 1, Some(false)), sweep([0.0, 2.0, 4.0], 0, Some(false))] {
            assert!(quiet.warnings.is_empty() && quiet.notes.is_empty(), "{:?} {:?}", quiet.warnings, quiet.notes);
        }
    }

    #[test]
    fn an_edge_among_equals_is_no_reason_to_extend() {
        let tied = sweep([1.0, 2.0, 4.0], 2, Some(true));
        assert!(tied.warnings.is_empty());
        assert!(tied.notes[0].contains("gamma 4 is the largest swept, but others cannot be told"), "{:?}", tied.notes);
    }

    #[test]
    fn two_values_are_no_range() {
        let rows =
            vec![row("a", 0, "focal", Some((0.25, 1.0)), 0.9, 1.0), row("b", 0, "focal", Some((0.25, 2.0)), 0.8, 1.0)];
        let two = edges(&ranked(&results(rows), &["auc"]), &|_| None);
        assert!(two.warnings.is_empty() && two.notes.is_empty());
    }
}
