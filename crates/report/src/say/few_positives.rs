//! Too few positives to say anything: said before all else.

use super::numbers::number;
use crate::evidence::Report;
use crate::read::{column, split_word, thousands};
use focalsweep_core::spec::Split;

/// Positives of a replicate below which no figure means much.
const FEW: f64 = 10.0;

/// `Only 3 positives among the 600 test rows of a replicate: …`, where the rows that rank or the test rows have so few.
/// From the counts of the results, so that it needs no scores; `None` where no trial has any.
pub(crate) fn few_positives(report: &Report) -> Option<String> {
    let ranking = &report.ranking;
    // Of rows that have weights the counts are none of rows.
    let winner = ranking.winner().filter(|_| ranking.weight.is_none())?;
    let few = |on: Split| {
        let count = |name: &str| ranking.mean(winner, &column(on, name));
        let positives = count("tp")? + count("fn")?;
        let negatives = count("fp").zip(count("tn")).map(|(alarms, spared)| alarms + spared);
        let rows = negatives.map_or(String::new(), |n| format!(" {}", thousands((positives + n).round() as u64)));
        let noun = if positives == 1.0 { "positive" } else { "positives" };
        let found = format!("{} {noun} among the{rows} {} rows", number("fn", Some(positives)), split_word(on));
        (positives < FEW).then_some(found)
    };
    let splits = if ranking.on == Split::Test { &[Split::Test][..] } else { &[Split::Validation, Split::Test] };
    let found: Vec<String> = splits.iter().filter_map(|&on| few(on)).collect();
    let each = if ranking.replicates > 1 { " of a replicate" } else { "" };
    (!found.is_empty()).then(|| {
        format!(
            "Only {}{each}: no figure below means much; it takes tens of positives in each to tell trials apart.",
            found.join(" and ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Results;
    use crate::say::sentences;
    use crate::tests::{ranked, results, row};

    /// Trials with as many positives in the validation and in the test rows, and 597 test rows that are not.
    fn with(validation: f64, test: f64, replicates: u32) -> Results {
        let mut all = results((0..replicates).map(|r| row("a", r, "bce", None, 0.9, 1.0)).collect());
        let counts = [("val_tp", 1.0), ("val_fn", validation - 1.0), ("test_tp", 1.0), ("test_fn", test - 1.0)];
        let counts = counts.into_iter().chain([("test_fp", 100.0), ("test_tn", 497.0)]);
        for (name, count) in counts {
            let at = all.metrics.iter().position(|metric| metric == name).unwrap();
            all.rows.iter_mut().for_each(|row| row.metrics[at] = Some(count));
        }
        all
    }

    fn first(all: &Results) -> Option<String> {
        let report = Report::bare(ranked(all, &["auc"]));
        assert_eq!(sentences(&report).first() == few_positives(&report).as_ref(), few_positives(&report).is_some());
        few_positives(&report)
    }

    #[test]
    fn fewer_than_ten_positives_are_said_first_and_without_scores() {
        let means = "no figure below means much; it takes tens of positives in each to tell trials apart.";
        assert_eq!(
            first(&with(30.0, 3.0, 3)).unwrap(),
            format!("Only 3 positives among the 600 test rows of a replicate: {means}")
        );
        assert_eq!(
            first(&with(9.0, 1.0, 1)).unwrap(),
            format!("Only 9 positives among the validation rows and 1 positive among the 598 test rows: {means}")
        );
        assert_eq!(first(&with(10.0, 10.0, 1)), None);
        let mut unmeasured = with(3.0, 3.0, 1);
        unmeasured.rows.iter_mut().for_each(|row| row.metrics.iter_mut().for_each(|metric| *metric = None));
        assert_eq!(first(&unmeasured), None, "no trial has metrics");
    }
}
