//! The answer in sentences, for the table and for Markdown.

use super::baseline_first::baseline_first;
use super::decision::decision_in_words;
use super::differences::{auc_in_words, difference_in_words, verdict};
use super::ensemble::ensemble_in_words;
use super::few_positives::few_positives;
use super::new_groups::apart_in_words;
use super::numbers::{number, p_in_words};
use super::prevalence::prevalence_in_words;
use super::procedure::procedure_in_words;
use super::ranks_first::ranks_first;
use crate::evidence::{Claim, Confirmed, Correction, Guarantee, Kind, Report, Start};
use crate::rank::{Ranked, Ranking};
use crate::read::{column, operating_point_in_words, parameters, percent, thousands};
use focalsweep_core::losses;
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::spec::Split;

/// What the run says, sentence by sentence, the most important first; empty when no trial has metrics.
pub(crate) fn sentences(report: &Report) -> Vec<String> {
    if report.ranking.winner().is_none() {
        return Vec::new();
    }
    few_positives(report).into_iter().chain(decision_in_words(report)).chain(findings(report)).collect()
}

/// What the run says beside the decision, likewise.
pub(super) fn findings(report: &Report) -> Vec<String> {
    let Report { ranking, answer } = report;
    let Some(winner) = ranking.winner() else { return Vec::new() };
    // Asked for, and so before all else.
    let mut out = prevalence_in_words(report);
    out.push(ranks_first(report, winner));
    match ranking.best_plain() {
        None => out.push(
            "There is no plain cross-entropy to hold it against: a space `- loss: {value: bce}` under `parameters` \
             adds it."
                .to_owned(),
        ),
        Some(baseline) if baseline.rank == winner.rank => {
            out.push(baseline_first(report));
        }
        Some(plain) => {
            let (of, against) = (&winner.trial.trial_id, &plain.trial.trial_id);
            if ranking.is_as_far(plain) {
                out.extend(bought(report, winner, plain));
                out.extend(of_models(report, of, against));
            } else {
                out.push(plain_ended_early(plain));
            }
            out.extend(of_settings(report, of, against));
        }
    }
    out.extend(ensemble_in_words(report));
    out.extend(answer.procedure.as_ref().map(procedure_in_words));
    out.extend(answer.groups_apart.as_ref().map(|apart| apart_in_words(ranking, apart)));
    out.extend(answer.guarantee.as_ref().map(guarantee_in_words));
    out.extend(optimism_in_words(report));
    out.extend(starts_in_words(&answer.starts));
    out.extend(answer.notes.iter().cloned());
    out
}

/// Why the winner is held against nothing.
fn plain_ended_early(plain: &Ranked) -> String {
    let after = plain.trial.stopped.map(|epochs| format!(", after {} epochs", whole(epochs))).unwrap_or_default();
    format!(
        "Plain cross-entropy ended early{after} (rank {}): nothing is claimed against these models of it; \
         `focalsweep confirm` trains it to its end.",
        plain.rank
    )
}

/// What the winner buys against plain cross-entropy, on the test rows.
fn bought(report: &Report, winner: &Ranked, baseline: &Ranked) -> Option<String> {
    let ranking = &report.ranking;
    let claim = |about: Test| report.on_test(Kind::Models, about, &winner.trial.trial_id, &baseline.trial.trial_id);
    let auc = claim(Test::Auc)?;
    let mut text = format!("Against {} on the test rows: {}", baseline_in_words(ranking, baseline), auc_in_words(auc));
    let figure = |ranked: &Ranked, name: &str| ranking.mean(ranked, &column(Split::Test, name));
    let Some(point) = &ranking.operating_point else { return Some(text + ".") };
    let sides = Test::at_point(point).iter().filter_map(|&about| {
        let (ours, theirs) = figure(winner, about.about()).zip(figure(baseline, about.about()))?;
        let of = (about == Test::Missed).then(|| figure(winner, "op_tp")).flatten();
        let all = of.map(|caught| format!(" of {}", number("fn", Some(caught + ours)))).unwrap_or_default();
        let told = claim(about).map(|claim| format!(" ({})", difference_in_words(claim))).unwrap_or_default();
        let [ours, theirs] = [ours, theirs].map(|value| number(about.about(), Some(value)));
        Some(match about {
            Test::Alarms => {
                let alarms = if ours == "1" { "alarm" } else { "alarms" };
                format!("it raises {ours} false {alarms} instead of {theirs}{told}")
            }
            Test::Cost => format!("its errors cost {ours} per 1,000 rows instead of {theirs}{told}"),
            _ => format!("it misses {ours}{all} positives instead of {theirs}{told}"),
        })
    });
    let sides: Vec<String> = sides.collect();
    if !sides.is_empty() {
        text += &format!("; at the operating point ({}) {}", operating_point_in_words(point), sides.join(", and "));
        if let Some((ours, theirs)) = caught_per_1000(ranking, winner).zip(caught_per_1000(ranking, baseline)) {
            text += &format!(
                ", which is {} positives caught per 1,000 false alarms instead of {}",
                whole(ours),
                whole(theirs)
            );
        }
    }
    Some(text + ".")
}

/// What the tests say of two trained models, and of them as deployed.
fn of_models(report: &Report, of: &str, against: &str) -> Option<String> {
    let claims = tested(report, Kind::Models, of, against);
    let corrections = [claims.first()?, claims.last()?].map(|claim| claim.corrected_for);
    let corrected = match corrections {
        [Correction::None, Correction::None] => String::new(),
        // A winner that was chosen at the operating point takes its threshold along.
        [Correction::None, other] => format!(", at the operating point corrected for {}", other.words()),
        [other, _] => format!(", corrected for {}", other.words()),
    };
    let deployed = report.on_test(Kind::Classifiers, Test::Missed, of, against).map(|claim| {
        let told = if claim.told() { "miss different positives" } else { "cannot be told apart by what they miss" };
        format!("; as deployed, at exactly these thresholds, the two {told} (McNemar, {})", p_in_words(claim.p))
    });
    Some(format!(
        "How sure of these models, on new rows with thresholds chosen anew{corrected}: {}{}.",
        verdict(&claims),
        deployed.unwrap_or_default()
    ))
}

/// What the tests say of two settings, trained afresh; without such trainings, how to get them.
fn of_settings(report: &Report, of: &str, against: &str) -> Option<String> {
    let claims = tested(report, Kind::Settings, of, against);
    let Some(first) = claims.first() else {
        let known = report.on_test(Kind::Models, Test::Auc, of, against).is_some();
        // Trained afresh, but not tested: a note says why.
        let is_open = known && report.answer.confirmed != Confirmed::Yes;
        return is_open.then(|| match report.answer.confirmed {
            Confirmed::Others => {
                "Of these settings nothing is known beyond these trainings: other trials were trained \
                                  afresh than those that rank first now. `focalsweep confirm` again."
                    .to_owned()
            }
            _ => "This says nothing of another training of the same settings: `focalsweep confirm` trains them afresh."
                .to_owned(),
        });
    };
    let figures: Vec<String> =
        claims.iter().map(|claim| format!("{} {}", claim.about.short(), difference_in_words(claim))).collect();
    Some(format!(
        "How sure of these settings, from {} fresh trainings of each: {}; {}.",
        first.replicates,
        figures.join(", "),
        verdict(&claims)
    ))
}

/// The claims that a verdict is made of: the AUC, and what the operating point's rule leaves open.
fn tested<'a>(report: &'a Report, kind: Kind, of: &str, against: &str) -> Vec<&'a Claim> {
    let of_rule = report.ranking.operating_point.as_ref().map(Test::of_rule);
    let about = [Test::Auc].into_iter().chain(of_rule);
    about.filter_map(|about| report.on_test(kind, about, of, against)).collect()
}

/// Without decimals.
fn whole(value: f64) -> String {
    thousands(value.round() as u64)
}

/// Positives caught for 1,000 false alarms at the operating point, on the test rows.
pub(crate) fn caught_per_1000(ranking: &Ranking, ranked: &Ranked) -> Option<f64> {
    let figure = |name: &str| ranking.mean(ranked, &column(Split::Test, name));
    let (caught, alarms) = (figure("op_tp")?, figure("op_fp")?);
    (alarms > 0.0).then(|| 1000.0 * caught / alarms)
}

fn baseline_in_words(ranking: &Ranking, baseline: &Ranked) -> String {
    let plain = parameters::PLAIN;
    match ranking.loss(baseline).and_then(|loss| losses::definition(loss).when_plain) {
        Some(setting) => format!("{plain} (that is what {setting} is)"),
        None => format!("{plain} ({})", baseline.trial.trial_id),
    }
}

/// What is promised of the winner's threshold, or why nothing is.
fn guarantee_in_words(guarantee: &Guarantee) -> String {
    let (rate, sure) = (percent(guarantee.max_fpr), percent(guarantee.confidence));
    match &guarantee.why {
        None => format!(
            "With {sure} % confidence at most {rate} % of the negatives are false alarms at this threshold (Tong et \
             al. 2018; {} negatives that chose nothing else).",
            thousands(guarantee.negatives)
        ),
        Some(why) => format!("No guarantee of {rate} % false alarms: {why}."),
    }
}

fn optimism_in_words(report: &Report) -> Option<String> {
    if report.ranking.on == Split::Test {
        return Some(
            "Ranked on the test rows: the winner's figures there were chosen for being high and flatter it.".into(),
        );
    }
    let optimism = report.answer.optimism?;
    let less = optimism.validation - optimism.test;
    Some(format!(
        "The winner's AUC is {:.4} on the validation rows, where it was chosen, and {:.4} on the test rows: {:.4} {} \
         (± {:.4}).",
        optimism.validation,
        optimism.test,
        less.abs(),
        if less < 0.0 { "more" } else { "less" },
        optimism.standard_error
    ))
}

/// What the starting bias does to plain cross-entropy.
fn starts_in_words(starts: &[Start]) -> Option<String> {
    let told: Vec<String> = starts
        .iter()
        .filter_map(|start| {
            let [first, rest @ ..] = &start.validation_losses[..] else { return None };
            let fifth = rest.get(3).map(|loss| format!(", {loss:.4} after 5")).unwrap_or_default();
            let best = start.best_epoch.map(|epoch| format!(", best at {epoch:.0}")).unwrap_or_default();
            Some(format!("from {}: {first:.4} after epoch 1{fifth}{best}", start.initial_bias))
        })
        .collect();
    (told.len() > 1).then(|| format!("Validation loss of plain cross-entropy by starting bias: {}.", told.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use focalsweep_core::metrics::Interval;

    fn claim(about: Test, difference: f64, p: f64) -> Claim {
        Claim {
            about,
            kind: Kind::Models,
            of: "a".into(),
            against: "b".into(),
            split: Split::Test,
            difference,
            standard_error: Some(0.01),
            interval: Some(Interval { lower: difference - 0.02, upper: difference + 0.02 }),
            p,
            corrected_for: Correction::None,
            replicates: 1,
            positives: 100,
        }
    }

    #[test]
    fn the_verdict_is_what_the_tests_say() {
        let said = |auc: (f64, f64), other: Option<(Test, f64, f64)>| {
            let claims: Vec<Claim> = [(Test::Auc, auc.0, auc.1)]
                .into_iter()
                .chain(other)
                .map(|(about, difference, p)| claim(about, difference, p))
                .collect();
            verdict(&claims.iter().collect::<Vec<_>>())
        };
        insta::assert_snapshot!(
            [
                said((0.01, 0.01), Some((Test::Missed, -3.0, 0.01))),
                said((-0.01, 0.01), Some((Test::Missed, 3.0, 0.5))),
                said((0.01, 0.01), None),
                said((0.01, 0.2), Some((Test::Alarms, 3.0, 0.01))),
                said((0.01, 0.2), Some((Test::Cost, -3.0, 0.2))),
                said((0.01, 0.2), None),
            ]
            .join("\n"),
            @r"
        its AUC is higher and it misses fewer, both significant at 5 %
        its AUC is lower (significant at 5 %); the misses cannot be told apart
        its AUC is higher (significant at 5 %)
        it raises more false alarms (significant at 5 %); the AUCs cannot be told apart
        neither the AUCs nor the costs can be told apart at 5 %
        the AUCs cannot be told apart at 5 %
        "
        );
        assert_eq!(difference_in_words(&claim(Test::Auc, 0.01, 0.2)), "+0.0100 [-0.0100, 0.0300], p = 0.200");
    }
}
