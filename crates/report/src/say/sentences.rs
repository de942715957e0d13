//! The answer in sentences, for the table and for Markdown.

use super::baseline_first::baseline_first;
use super::few_positives::few_positives;
use super::numbers::{number, p_in_words};
use super::summary::in_words;
use crate::evidence::{Contrast, LEVEL, Report, Start};
use crate::rank::{Ranked, Ranking};
use crate::read::{column, operating_point_in_words, parameters, split_word, thousands};
use focalsweep_core::losses;
use focalsweep_core::metrics::Interval;
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::spec::Split;

/// What the run says, sentence by sentence, the most important first; empty when no trial has metrics.
pub(crate) fn sentences(report: &Report) -> Vec<String> {
    let Report { ranking, answer } = report;
    let Some(winner) = ranking.winner() else { return Vec::new() };
    let mut out: Vec<String> = few_positives(report).into_iter().collect();
    out.push(first(report, winner));
    match ranking.baseline() {
        None => out.push(
            "There is no plain cross-entropy to hold it against: a space `- loss: {value: bce}` under `parameters` \
             adds it."
                .to_owned(),
        ),
        Some(baseline) if baseline.rank == winner.rank => {
            out.push(baseline_first(report, winner));
        }
        Some(baseline) => {
            if let Some(contrast) = &answer.against_baseline {
                out.push(bought(ranking, winner, baseline, contrast));
                out.push(format!("How sure, on the test rows: {}.", verdict(contrast)));
            }
        }
    }
    out.extend(optimism_in_words(report));
    out.extend(starts_in_words(&answer.starts));
    out.extend(answer.notes.iter().cloned());
    out
}

fn first(report: &Report, winner: &Ranked) -> String {
    let ranking = &report.ranking;
    let name = format!("{} ({})", in_words(ranking, winner), winner.trial.trial_id);
    let (compared, tied) = (report.answer.ties.compared(), report.answer.ties.tied());
    let on = split_word(ranking.on);
    let what = ranking.test().map_or("", Test::subject);
    match (ranking.trials.len(), compared, tied) {
        (1, ..) => format!("{name} is the only trial."),
        (all, 0, _) => format!(
            "{name} ranks first of {all}; none was compared with it (that needs scores, and auc or op_fn as a rank \
             key)."
        ),
        (all, n, 0) => {
            format!(
                "{name} ranks first of {all}; on the {on} rows its {what} can be told from those of all {n} others."
            )
        }
        (all, n, t) if t == n => {
            format!("{name} ranks first of {all}, but on the {on} rows its {what} cannot be told from any other's.")
        }
        (all, n, t) => {
            format!(
                "{name} ranks first of {all}; on the {on} rows the {what} of {t} of the {n} others cannot be told \
                 from its."
            )
        }
    }
}

/// What the winner buys against plain cross-entropy, on the test rows.
fn bought(ranking: &Ranking, winner: &Ranked, baseline: &Ranked, contrast: &Contrast) -> String {
    let mut text =
        format!("Against {} on the test rows: {}", baseline_in_words(ranking, baseline), auc_in_words(contrast));
    let figure = |ranked: &Ranked, name: &str| ranking.mean(ranked, &column(Split::Test, name));
    let missed = figure(winner, "op_fn").zip(figure(baseline, "op_fn"));
    if let (Some((ours, theirs)), Some(p)) = (missed, contrast.missed_p) {
        let point = ranking.operating_point.as_ref().map(|point| format!(" ({})", operating_point_in_words(point)));
        let all = figure(winner, "op_tp").map(|caught| format!(" of {}", number("fn", Some(caught + ours))));
        text += &format!(
            "; at the operating point{} it misses {}{} positives instead of {}, McNemar {}",
            point.unwrap_or_default(),
            number("fn", Some(ours)),
            all.unwrap_or_default(),
            number("fn", Some(theirs)),
            p_in_words(p)
        );
        if let Some((ours, theirs)) = caught_per_1000(ranking, winner).zip(caught_per_1000(ranking, baseline)) {
            text +=
                &format!(", and catches {} positives per 1,000 false alarms instead of {}", whole(ours), whole(theirs));
        }
    }
    text + "."
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

/// `AUC +0.0012 [-0.0030, 0.0054], p = 0.57`.
pub(crate) fn auc_in_words(contrast: &Contrast) -> String {
    let Interval { lower, upper } = contrast.auc_interval();
    format!("AUC {:+.4} [{lower:.4}, {upper:.4}], {}", contrast.auc_difference, p_in_words(contrast.auc_p))
}

/// What the tests of a contrast say.
pub(crate) fn verdict(contrast: &Contrast) -> String {
    let significant = |p: f64| p < LEVEL;
    let auc = match contrast.auc_difference {
        _ if !significant(contrast.auc_p) => None,
        difference if difference > 0.0 => Some("its AUC is higher"),
        _ => Some("its AUC is lower"),
    };
    let missed = match (contrast.missed_difference, contrast.missed_p) {
        (Some(difference), Some(p)) if significant(p) => {
            Some(if difference < 0.0 { "it misses fewer" } else { "it misses more" })
        }
        _ => None,
    };
    match (auc, missed, contrast.missed_p) {
        (Some(auc), Some(missed), _) => format!("{auc} and {missed}, both significant at 5 %"),
        (Some(auc), None, Some(_)) => format!("{auc} (significant at 5 %); the misses cannot be told apart"),
        (Some(auc), None, None) => format!("{auc} (significant at 5 %)"),
        (None, Some(missed), _) => format!("{missed} (significant at 5 %); the AUCs cannot be told apart"),
        (None, None, Some(_)) => "neither the AUCs nor the misses can be told apart at 5 %".to_owned(),
        (None, None, None) => "the AUCs cannot be told apart at 5 %".to_owned(),
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

    #[test]
    fn the_verdict_is_what_the_tests_say() {
        let said = |difference: f64, auc_p: f64, missed: Option<(f64, f64)>| {
            verdict(&Contrast {
                auc_difference: difference,
                auc_variance: 1e-4,
                auc_p,
                missed_difference: missed.map(|(difference, _)| difference),
                missed_p: missed.map(|(_, p)| p),
                replicates: 1,
                positives: 100,
            })
        };
        insta::assert_snapshot!(
            [
                said(0.01, 0.01, Some((-3.0, 0.01))),
                said(-0.01, 0.01, Some((3.0, 0.5))),
                said(0.01, 0.01, None),
                said(0.01, 0.2, Some((3.0, 0.01))),
                said(0.01, 0.2, Some((-3.0, 0.2))),
                said(0.01, 0.2, None),
            ]
            .join("\n"),
            @r"
        its AUC is higher and it misses fewer, both significant at 5 %
        its AUC is lower (significant at 5 %); the misses cannot be told apart
        its AUC is higher (significant at 5 %)
        it misses more (significant at 5 %); the AUCs cannot be told apart
        neither the AUCs nor the misses can be told apart at 5 %
        the AUCs cannot be told apart at 5 %
        "
        );
    }
}
