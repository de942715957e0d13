//! A report for other programs: CSV and JSON, with all metrics under their column names.

use serde_json::{Map, Value, json};

use super::columns::csv;
use super::decision::reasons;
use super::ranked::ranked_columns;
use super::sentences::{caught_per_1000, sentences};
use super::{Csv, Exporter, Json};
use crate::evidence::{Claim, Confirmed, Decision, Ensemble, Method, Reading, Report};
use crate::rank::{Ranked, training_seconds};
use crate::read::{part_of, split_word};
use focalsweep_core::metrics::catalogue::MetricColumn;
use focalsweep_core::metrics::{ExpectedBest, Interval, OperatingPointIntervals, Rule};
use focalsweep_core::spec::Split;

/// Version of the JSON: of what its keys mean.
pub(super) const SCHEMA_VERSION: u32 = 2;

impl Exporter<Report> for Csv {
    /// A row for each trial shown: place, hyperparameters, means of all metrics over the replicates. Undefined is
    /// empty.
    fn export(&self, report: &Report) -> String {
        csv(&ranked_columns(report), report.ranking.shown())
    }
}

impl Exporter<Report> for Json {
    fn export(&self, report: &Report) -> String {
        format!("{:#}", report.to_json())
    }
}

impl Report {
    /// `{"winner": {…}, "ranking": [{…}, …], "warnings": […], "answer": {…}, …}`; the winner is null when no trial has
    /// any metrics. docs/report.md describes the fields.
    pub fn to_json(&self) -> Value {
        let ranking = &self.ranking;
        json!({
            "schema_version": SCHEMA_VERSION,
            "winner": ranking.winner().map(|ranked| self.entry(ranked)),
            "ranking": ranking.shown().iter().map(|ranked| self.entry(ranked)).collect::<Vec<_>>(),
            "warnings": self.warnings(),
            "decision": self.answer.decision.as_ref().map(|decision| self.decision_json(decision)),
            "answer": self.answer_json(),
            "claims": self.answer.claims.all().iter().map(claim).collect::<Vec<_>>(),
            "methods": self.answer.methods.iter().map(|method| json!({
                "name": method.name,
                "trial_id": method.trial_id,
                "trials": method.trials,
                "metrics": ranking.trial(&method.trial_id).map(|ranked| self.named(&ranked.trial.means)),
                "at_equal_trials": self.at_equal_trials(method),
            })).collect::<Vec<_>>(),
            "ensemble": self.answer.ensemble.as_ref().map(|ensemble| self.ensemble_json(ensemble)),
            "operating_point": ranking.operating_point,
            "devices": ranking.devices.iter().map(|device| json!({
                "host": device.host,
                "device": device.device,
                "busy_seconds": device.busy(),
            })).collect::<Vec<_>>(),
            "training_seconds": training_seconds(&ranking.devices),
        })
    }

    fn answer_json(&self) -> Value {
        let Self { ranking, answer } = self;
        let (compared, tied) = self.compared_and_tied();
        let reading =
            |of: Reading| json!({"brier": of.brier, "ece": of.ece, "ece_expected": of.ece_expected, "ece_p": of.ece_p});
        json!({
            "sentences": sentences(self),
            "tied": tied,
            "compared": compared,
            "confirmed": match answer.confirmed {
                Confirmed::No => "no",
                Confirmed::Yes => "yes",
                Confirmed::Others => "others",
            },
            "winner_per_1000_false_alarms": ranking.winner().and_then(|winner| caught_per_1000(ranking, winner)),
            "baseline": ranking.baseline().map(|baseline| json!({
                "trial_id": baseline.trial.trial_id,
                "rank": baseline.rank,
                "per_1000_false_alarms": caught_per_1000(ranking, baseline),
            })),
            "optimism": answer.optimism.map(|optimism| json!({
                "val_auc": optimism.validation,
                "test_auc": optimism.test,
                "standard_error": optimism.standard_error,
            })),
            "guarantee": answer.guarantee.as_ref().map(|guarantee| json!({
                "max_fpr": guarantee.max_fpr,
                "confidence": guarantee.confidence,
                "negatives": guarantee.negatives,
                "needed": guarantee.needed,
                "kept": guarantee.kept,
                "why": guarantee.why,
                "above": guarantee.above,
            })),
            "calibration": answer.calibration.map(|calibration| json!({
                "raw": reading(calibration.raw),
                "platt": reading(calibration.platt),
                "isotonic": reading(calibration.isotonic),
                "closed_form": calibration.closed_form.map(reading),
                "prevalence": calibration.prevalence,
            })),
            "prevalence": answer.prevalence.as_ref().map(super::prevalence::as_json),
            "procedure": answer.procedure.as_ref().map(super::procedure::as_json),
            "groups_apart": answer.groups_apart.as_ref().map(super::new_groups::as_json),
            "starts": answer.starts.iter().map(|start| json!({
                "initial_bias": start.initial_bias,
                "trial_id": start.trial_id,
                "val_loss": start.validation_losses,
                "best_epoch": start.best_epoch,
            })).collect::<Vec<_>>(),
        })
    }

    /// Means under the names of their columns.
    fn named(&self, values: &[Option<f64>]) -> Map<String, Value> {
        self.ranking.metrics.iter().cloned().zip(values.iter().map(|&value| value.into())).collect()
    }

    /// What the best of as many trials as the method with fewest has would have been.
    fn at_equal_trials(&self, method: &Method) -> Value {
        let part = |of: fn(ExpectedBest) -> f64| -> Vec<Option<f64>> {
            method.at_equal_trials.iter().map(|expected| expected.map(of)).collect()
        };
        json!({
            "trials": self.answer.methods.iter().map(|method| method.trials).min(),
            "metrics": self.named(&part(|expected| expected.mean)),
            "standard_deviations": self.named(&part(|expected| expected.deviation)),
        })
    }

    fn decision_json(&self, decision: &Decision) -> Value {
        json!({
            "outcome": decision.outcome.word(),
            "trial": decision.trial,
            "best": decision.best,
            "about": decision.about.about(),
            "split": split_word(self.ranking.on),
            "margin": decision.margin,
            "behind": decision.behind,
            "lead": decision.lead.map(|(ahead, error)| json!({"mean": ahead, "standard_error": error})),
            "simpler_trials": decision.simpler,
            "settled_by_positives": decision.settled_by,
            "reasons": reasons(self),
        })
    }

    fn ensemble_json(&self, ensemble: &Ensemble) -> Value {
        json!({
            "rule": match ensemble.rule {
                Rule::Best(_) => "best",
                Rule::Greedy => "greedy",
            },
            "scale": if ensemble.is_of_logits() { "platt" } else { "places" },
            "members": ensemble.members.iter().map(|member| json!({
                "trial_id": member.trial_id,
                "weight": member.weight,
            })).collect::<Vec<_>>(),
            "candidates": ensemble.candidates,
            "chosen_for": ensemble.aim.about(),
            "validation_gain": {"mean": ensemble.gain, "standard_error": ensemble.gain_error},
            "replicates": ensemble.ranked.trial.replicates,
            "metrics": self.named(&ensemble.ranked.trial.means),
            "standard_errors": self.errors_of(&ensemble.ranked),
        })
    }

    /// Standard errors of the means, under the names of their columns, where they are known.
    fn errors_of(&self, ranked: &Ranked) -> Map<String, Value> {
        let known = self.ranking.metrics.iter().filter_map(|name| {
            let MetricColumn { metric, part, is_error: false } = MetricColumn::named(name)? else { return None };
            let on = [Split::Validation, Split::Test].into_iter().find(|&on| Some(part_of(on)) == part)?;
            Some((name.clone(), self.standard_error(ranked, on, metric.name)?.into()))
        });
        known.collect()
    }

    /// A trial with all that is known of it.
    pub(super) fn entry(&self, ranked: &Ranked) -> Value {
        let trial = &ranked.trial;
        let parameters = self.ranking.parameters.iter().zip(&trial.parameters);
        let parameters: Map<String, Value> =
            parameters.filter_map(|(name, value)| Some((name.clone(), value.as_ref()?.to_json()))).collect();
        let intervals = self.answer.intervals.get(&trial.trial_id).map(|of| {
            let at =
                |interval: &dyn Fn(&OperatingPointIntervals) -> Interval| of.operating_point.as_ref().map(interval);
            json!({
                "test_average_precision": of.average_precision.map(ends),
                "test_op_fn": at(&|at| at.fn_).map(ends),
                "test_op_fp": at(&|at| at.fp).map(ends),
                "test_op_recall": at(&|at| at.recall).map(ends),
            })
        });
        json!({
            "rank": ranked.rank,
            "trial_id": trial.trial_id,
            "front": ranked.front,
            "tied_with_best": self.is_tied(ranked),
            "complete": trial.complete,
            "stopped_after": trial.stopped,
            "replicates": trial.replicates,
            "parameters": parameters,
            "metrics": self.named(&trial.means),
            "standard_errors": self.errors_of(ranked),
            "intervals": intervals,
        })
    }
}

fn ends(interval: Interval) -> [f64; 2] {
    [interval.lower, interval.upper]
}

/// A claim as programs read it.
pub(super) fn claim(claim: &Claim) -> Value {
    json!({
        "about": claim.about.about(),
        "kind": claim.kind.word(),
        "of": claim.of,
        "against": claim.against,
        "split": split_word(claim.split),
        "difference": claim.difference,
        "standard_error": claim.standard_error,
        "interval": claim.interval.map(ends),
        "p": claim.p,
        "corrected_for": claim.corrected_for.words(),
        "told": claim.told(),
        "replicates": claim.replicates,
        "positives": claim.positives,
    })
}
