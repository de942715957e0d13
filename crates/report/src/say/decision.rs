//! What to deploy, in words.

use super::numbers::number;
use super::ranks_first::ranks_first;
use super::summary::{in_words, interval_of};
use crate::evidence::{Decision, Outcome, Report};
use crate::rank::Ranked;
use crate::read::{column, split_word, thousands};
use focalsweep_core::spec::Split;

/// Characters of an id that are enough to name a trial.
const OF_AN_ID: usize = 8;

/// The decision in a sentence or two: what, how sure, what it gives.
pub(crate) fn decision_in_words(report: &Report) -> Option<String> {
    Some(reasons(report).join(" ")).filter(|told| !told.is_empty())
}

/// The same, sentence by sentence, for programs.
pub(super) fn reasons(report: &Report) -> Vec<String> {
    let Some(decision) = &report.answer.decision else { return Vec::new() };
    let Some(chosen) = report.ranking.trial(&decision.trial) else { return Vec::new() };
    [why(report, decision, chosen), gives(report, chosen)].into_iter().flatten().collect()
}

/// The outcome and the trial.
pub(super) fn decision_in_short(report: &Report) -> Option<String> {
    let decision = report.answer.decision.as_ref()?;
    let chosen = report.ranking.trial(&decision.trial)?;
    let name = format!("{} ({})", in_words(&report.ranking, chosen), chosen.trial.trial_id);
    Some(match decision.outcome {
        Outcome::Better => format!("Decision: better. Deploy {name}."),
        Outcome::EqualEnough => format!("Decision: equal enough. Deploy {name}."),
        Outcome::Undecided => format!("Decision: undecided. {name} is a choice, not a finding."),
    })
}

/// What a run comes to, in three lines at most: the decision, what its trial catches, who ranks first.
pub fn answer_in_short(report: &Report) -> Vec<String> {
    let Some(winner) = report.ranking.winner() else { return Vec::new() };
    let decided = report.answer.decision.as_ref().and_then(|decision| report.ranking.trial(&decision.trial));
    let what = decision_in_short(report).unwrap_or_else(|| "Decision: none, since no trials were compared.".to_owned());
    let caught = catches(report, decided.unwrap_or(winner)).map(|caught| caught + ".");
    [Some(what), caught, Some(ranks_first(report, winner))].into_iter().flatten().collect()
}

fn why(report: &Report, decision: &Decision, chosen: &Ranked) -> Option<String> {
    let ranking = &report.ranking;
    let name = format!("{} ({})", in_words(ranking, chosen), chosen.trial.trial_id);
    let (figure, subject, on) = (decision.about.about(), decision.about.subject(), split_word(ranking.on));
    let amount = |value: f64| number(figure, Some(value));
    let margin = amount(decision.margin);
    Some(match decision.outcome {
        Outcome::Better => format!(
            "Decision: deploy {name}, which is better: on the {on} rows its {subject} is told from that of {} (5 %, \
             corrected for all pairs).",
            match decision.simpler {
                1 => "the one simpler trial".to_owned(),
                n => format!("all {} simpler trials", thousands(n as u64)),
            }
        ),
        Outcome::EqualEnough => {
            let behind = decision.behind?;
            let what = match (decision.trial == decision.best, decision.simpler) {
                (true, 0) => "ranks first and is the simplest",
                (true, _) => "ranks first, and nothing simpler is equal enough",
                (false, _) => "is equal enough, and the simplest that is",
            };
            let limit = if behind > 0.0 {
                format!("that another's {subject} is better by more than {} is excluded at 5 %", amount(behind))
            } else {
                format!("that another's {subject} is better is excluded at 5 %")
            };
            format!("Decision: deploy {name}, which {what}: on the {on} rows {limit} (margin {margin}).")
        }
        Outcome::Undecided => {
            let place = match decision.lead {
                Some((ahead, error)) => format!(
                    "the simplest within a standard error of the first of the ranking ({} behind, standard error {})",
                    amount(ahead),
                    amount(error)
                ),
                None => "the first of the ranking, and nothing simpler is within a standard error of it".to_owned(),
            };
            let cost = decision.behind.map_or_else(
                || "how much worse it may be is not known, since not all pairs were compared at once".to_owned(),
                |behind| {
                    format!("it may be worse than the best by up to {} ({subject}; margin {margin})", amount(behind))
                },
            );
            let settled = decision.settled_by.map(|positives| {
                format!("; about {} positives among the {on} rows would settle it", thousands(rounded(positives)))
            });
            format!(
                "Decision: undecided. {name} is a choice, not a finding: {place}; {cost}{}.",
                settled.unwrap_or_default()
            )
        }
    })
}

fn percent(share: f64) -> String {
    format!("{:.0}", 100.0 * share)
}

/// Two digits of a count that is an estimate.
fn rounded(count: u64) -> u64 {
    let unit = 10_u64.pow(count.max(1).ilog10().saturating_sub(1));
    count.div_ceil(unit) * unit
}

/// What the trial catches and flags on the test rows, and how to have it.
fn gives(report: &Report, chosen: &Ranked) -> Option<String> {
    let export = format!(
        "`focalsweep export RUN_DIR --trial {} --out DIR` takes it out.",
        chosen.trial.trial_id.get(..OF_AN_ID).unwrap_or(&chosen.trial.trial_id)
    );
    Some(catches(report, chosen).map(|caught| caught + "; ").unwrap_or_default() + &export)
}

/// What the trial catches and flags on the test rows at its threshold.
fn catches(report: &Report, chosen: &Ranked) -> Option<String> {
    let ranking = &report.ranking;
    let of = |name: &str| ranking.mean(chosen, &column(Split::Test, name));
    let (caught, missed, alarms, quiet) = (of("op_tp")?, of("op_fn")?, of("op_fp")?, of("op_tn")?);
    let rows = caught + missed + alarms + quiet;
    let threshold = ranking.mean(chosen, "threshold").map_or_else(String::new, |t| format!(" {t:.3}"));
    let recall = interval_of(report, chosen, "op_recall")
        .map(|i| format!(" [{}, {}]", percent(i.lower), percent(i.upper)))
        .unwrap_or_default();
    let per_1000 = |alarms: f64| format!("{:.1}", 1000.0 * alarms / rows);
    let of_alarms = interval_of(report, chosen, "op_fp")
        .map(|i| format!(" [{}, {}]", per_1000(i.lower), per_1000(i.upper)))
        .unwrap_or_default();
    Some(format!(
        "At its threshold{threshold} it catches {} %{recall} of the positives of the test rows, with {} false alarms in \
         1,000 rows{of_alarms}",
        percent(caught / (caught + missed)),
        per_1000(alarms),
    ))
}
