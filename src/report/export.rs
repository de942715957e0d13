//! The ranking for other programs: CSV and JSON, with all metrics under their column names.

use serde_json::{Map, Value, json};

use super::rank::{Ranked, Ranking};

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

    /// `{"winner": {…}, "ranking": [{…}, …], "warnings": […]}`; the winner is null when no trial has any metrics.
    pub fn to_json(&self) -> Value {
        json!({
            "winner": self.winner().map(|ranked| self.entry(ranked)),
            "ranking": self.shown().iter().map(|ranked| self.entry(ranked)).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }

    fn entry(&self, ranked: &Ranked) -> Value {
        let trial = &ranked.trial;
        let parameters = self.parameters.iter().zip(&trial.parameters);
        let parameters: Map<String, Value> =
            parameters.filter_map(|(name, value)| Some((name.clone(), value.as_ref()?.to_json()))).collect();
        let named = |values: &[Option<f64>]| -> Map<String, Value> {
            self.metrics.iter().cloned().zip(values.iter().map(|&value| value.into())).collect()
        };
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
            "metrics": named(&trial.means),
            "standard_errors": named(&trial.standard_errors),
        })
    }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

fn text_of<T: Clone + ToString>(value: &Option<T>) -> String {
    text(value.clone())
}

/// Quoted where RFC 4180 asks for it.
fn line(fields: impl Iterator<Item = String>) -> String {
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}
