//! The ranking for other programs: CSV and JSON, with all metrics under their column names.

use serde_json::{Map, Value, json};

use super::answer_text::{caught_per_1000, sentences};
use super::busy::training_seconds;
use super::calibration::Reading;
use super::evidence::Contrast;
use super::rank::{Ranked, Ranking};
use focalsweep_core::metrics::{Interval, OperatingPointIntervals};

impl Ranking {
    /// A row for each trial shown: place, hyperparameters, means of all metrics over the replicates. Undefined is empty.
    pub fn to_csv(&self) -> String {
        let place =
            ["rank", "trial_id", "front", "complete", "replicates", "tied_with_best", "p_vs_best", "p_fn_vs_best"];
        let names = place.iter().copied().chain(self.parameters.iter().chain(&self.metrics).map(String::as_str));
        let mut out = line(names.map(str::to_owned));
        for ranked in self.shown() {
            let trial = &ranked.trial;
            let place = [
                ranked.rank.to_string(),
                trial.trial_id.clone(),
                text(ranked.front),
                trial.complete.to_string(),
                trial.replicates.len().to_string(),
                text(ranked.tied_with_best),
                text(ranked.p_vs_best),
                text(ranked.p_fn_vs_best),
            ];
            let parameters = trial.parameters.iter().map(text_of);
            let metrics = trial.means.iter().map(text_of);
            out.push_str(&line(place.into_iter().chain(parameters).chain(metrics)));
        }
        out
    }

    /// `{"winner": {…}, "ranking": [{…}, …], "warnings": […], "answer": {…}, …}`; the winner is null when no trial has any
    /// metrics. docs/report.md describes the fields.
    pub fn to_json(&self) -> Value {
        json!({
            "winner": self.winner().map(|ranked| self.entry(ranked)),
            "ranking": self.shown().iter().map(|ranked| self.entry(ranked)).collect::<Vec<_>>(),
            "warnings": self.warnings,
            "answer": self.answer_json(),
            "methods": self.answer.methods.iter().map(|method| json!({
                "name": method.name,
                "trial_id": method.trial_id,
                "trials": method.trials,
                "metrics": self.trial(&method.trial_id).map(|ranked| self.named(&ranked.trial.means)),
                "against_plain": method.against_plain.as_ref().map(contrast),
            })).collect::<Vec<_>>(),
            "operating_point": self.operating_point,
            "devices": self.devices.iter().map(|device| json!({
                "host": device.host,
                "device": device.device,
                "busy_seconds": device.busy(),
            })).collect::<Vec<_>>(),
            "training_seconds": training_seconds(&self.devices),
        })
    }

    fn answer_json(&self) -> Value {
        let answer = &self.answer;
        let tied = |tied| self.trials.iter().filter(|ranked| ranked.tied_with_best == tied).count();
        let reading = |reading: Reading| json!({"brier": reading.brier, "ece": reading.ece});
        json!({
            "sentences": sentences(self),
            "tied": tied(Some(true)),
            "compared": tied(Some(true)) + tied(Some(false)),
            "winner_per_1000_false_alarms": self.winner().and_then(|winner| caught_per_1000(self, winner)),
            "baseline": self.baseline().map(|baseline| json!({
                "trial_id": baseline.trial.trial_id,
                "rank": baseline.rank,
                "per_1000_false_alarms": caught_per_1000(self, baseline),
            })),
            "against_baseline": answer.against_baseline.as_ref().map(contrast),
            "optimism": answer.optimism.map(|optimism| json!({
                "val_auc": optimism.validation,
                "test_auc": optimism.test,
                "standard_error": optimism.standard_error,
            })),
            "calibration": answer.calibration.map(|calibration| json!({
                "raw": reading(calibration.raw),
                "platt": reading(calibration.platt),
                "isotonic": reading(calibration.isotonic),
                "prevalence": calibration.prevalence,
            })),
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
        self.metrics.iter().cloned().zip(values.iter().map(|&value| value.into())).collect()
    }

    pub(super) fn entry(&self, ranked: &Ranked) -> Value {
        let trial = &ranked.trial;
        let parameters = self.parameters.iter().zip(&trial.parameters);
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
            "tied_with_best": ranked.tied_with_best,
            "p_vs_best": ranked.p_vs_best,
            "p_fn_vs_best": ranked.p_fn_vs_best,
            "complete": trial.complete,
            "replicates": trial.replicates,
            "parameters": parameters,
            "metrics": self.named(&trial.means),
            "standard_errors": self.named(&trial.standard_errors),
            "intervals": intervals,
        })
    }
}

fn ends(interval: Interval) -> [f64; 2] {
    [interval.lower, interval.upper]
}

/// The first trial less the second.
pub(super) fn contrast(contrast: &Contrast) -> Value {
    json!({
        "auc_difference": contrast.auc_difference,
        "auc_interval": ends(contrast.auc_interval()),
        "auc_p": contrast.auc_p,
        "op_fn_difference": contrast.missed_difference,
        "op_fn_p": contrast.missed_p,
        "replicates": contrast.replicates,
        "positives": contrast.positives,
    })
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

fn text_of<T: Clone + ToString>(value: &Option<T>) -> String {
    text(value.clone())
}

/// Quoted where RFC 4180 asks for it.
pub(super) fn line(fields: impl Iterator<Item = String>) -> String {
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}
