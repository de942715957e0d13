//! Trials at another share of positives, in words and as JSON.

use serde_json::{Map, Value, json};

use super::numbers::number;
use super::summary::in_words;
use crate::evidence::{AtShare, Prevalence, Report};
use crate::rank::Ranked;
use crate::read::percent;

/// What the trial to deploy, the winner and plain cross-entropy come to there, a sentence each.
pub(super) fn prevalence_in_words(report: &Report) -> Vec<String> {
    let Some(at) = &report.answer.prevalence else { return Vec::new() };
    let ranking = &report.ranking;
    let decided = report.answer.decision.as_ref().and_then(|decision| ranking.trial(&decision.trial));
    let mut told: Vec<&Ranked> = Vec::new();
    for ranked in [decided, ranking.winner(), ranking.baseline()].into_iter().flatten() {
        if !told.iter().any(|other| other.rank == ranked.rank) {
            told.push(ranked);
        }
    }
    let sentence = |ranked: &Ranked| {
        let of = at.trials.get(&ranked.trial.trial_id)?;
        Some(format!(
            "Where {} % are positive, {} ({}) {}.",
            percent(at.share),
            in_words(ranking, ranked),
            ranked.trial.trial_id,
            figures(of)
        ))
    };
    told.into_iter().filter_map(sentence).collect()
}

fn figures(of: &AtShare) -> String {
    let positive = match of.precision {
        Some(precision) => format!(", {:.1} % of them positive", 100.0 * precision),
        None => String::new(),
    };
    let cost = of.cost.map(|cost| format!("; its errors cost {} per 1,000 rows", number("cost", Some(cost))));
    let benefit = of.net_benefit.map(|value| format!("; its net benefit is {}", number("net_benefit", Some(value))));
    let rest = [cost, benefit].into_iter().flatten().collect::<String>();
    format!("flags {:.1} of 1,000 rows{positive}{rest}", of.alerts)
}

/// The same for programs.
pub(super) fn as_json(at: &Prevalence) -> Value {
    let trials: Map<String, Value> = at
        .trials
        .iter()
        .map(|(id, of)| {
            let figures = json!({
                "precision": of.precision,
                "alerts_per_1000": of.alerts,
                "cost_per_1000": of.cost,
                "net_benefit": of.net_benefit,
                "threshold": of.threshold,
            });
            (id.clone(), figures)
        })
        .collect();
    json!({"share": at.share, "sample": at.sample, "trials": trials})
}
