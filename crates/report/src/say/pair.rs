//! Two runs side by side as table, Markdown, CSV and JSON.

use serde_json::{Map, Value, json};

use super::columns::{csv, texts};
use super::differences::{auc_in_words, difference_in_words, verdict};
use super::fold::Drawn;
use super::json::{SCHEMA_VERSION, claim};
use super::markdown::{escaped, table as markdown_table};
use super::pair_columns::{SIDES, pair_columns};
use super::paragraphs::Paragraphs;
use super::summary::{figures, in_words};
use super::{Csv, Exporter, Json, Markdown, Table};
use crate::evidence::{Claim, Common, Pairing, Side};
use crate::rank::{devices_in_words, training_seconds};
use crate::read::{column, trials_count};
use focalsweep_core::metrics::catalogue::Test;
use focalsweep_core::spec::Split;

impl Exporter<Pairing> for Table {
    /// The comparison in words and a table of the first trials that both runs have.
    fn export(&self, pairing: &Pairing) -> String {
        let mut out = Paragraphs::new(self.width);
        for sentence in pairing.sentences() {
            out.line(&sentence, 2);
        }
        for (name, side) in SIDES.iter().zip(&pairing.sides) {
            let Some(winner) = side.report.ranking.winner() else { continue };
            let figures = figures(&side.report, winner);
            out.line(&format!("{name}'s winner: {}", figures.trial), 2);
            for (on, text) in figures.lines {
                out.line(&format!("  {on}: {text}"), 4);
            }
        }
        let shown = pairing.top.unwrap_or(usize::MAX).min(pairing.common.len());
        let columns = texts(&pair_columns(pairing), &pairing.common[..shown]);
        if !pairing.common.is_empty() {
            out.text.push('\n');
            out.text.push_str(&Drawn::new(columns, self.width, false).text());
            out.text.push_str("\n\n");
            if pairing.common.len() > shown {
                out.line(&format!("The first {shown} of {} (`--format csv` has all).", pairing.common.len()), 0);
            }
        }
        for warning in &pairing.warnings {
            out.line(&format!("warning: {warning}"), 2);
        }
        out.text
    }
}

impl Exporter<Pairing> for Markdown {
    /// All trials that both runs have.
    fn export(&self, pairing: &Pairing) -> String {
        let names = pairing.sides.each_ref().map(|side| escaped(&side.report.ranking.name));
        let mut out = format!("# {} and {}\n\n", names[0], names[1]);
        for sentence in pairing.sentences() {
            out.push_str(&format!("- {}\n", escaped(&sentence)));
        }
        out.push('\n');
        for warning in &pairing.warnings {
            out.push_str(&format!("> **Warning:** {}\n\n", escaped(warning)));
        }
        if !pairing.common.is_empty() {
            out.push_str("## Trials that both runs have\n\n");
            out.push_str(&markdown_table(&texts(&pair_columns(pairing), &pairing.common)));
        }
        out
    }
}

impl Exporter<Pairing> for Csv {
    /// A row for each trial that both runs have: its ranks and all metrics in both, `_a` and `_b`.
    fn export(&self, pairing: &Pairing) -> String {
        csv(&pair_columns(pairing), &pairing.common)
    }
}

impl Exporter<Pairing> for Json {
    fn export(&self, pairing: &Pairing) -> String {
        format!("{:#}", pairing.to_json())
    }
}

impl Pairing {
    /// `{"runs": [{…}, {…}], "winners": {…}, "trials": [{…}, …], "changes": {…}, …}`; docs/report.md describes the
    /// fields.
    pub fn to_json(&self) -> Value {
        let run = |side: &Side| {
            let ranking = &side.report.ranking;
            json!({
                "dir": side.dir,
                "name": ranking.name,
                "trials": ranking.trials.len(),
                "rows": side.rows,
                "failed": side.failed,
                "training_seconds": training_seconds(&ranking.devices),
                "operating_point": ranking.operating_point,
                "winner": ranking.winner().map(|winner| side.report.entry(winner)),
            })
        };
        let trial = |trial: &Common| {
            let metrics: Map<String, Value> = self
                .metrics_of_both()
                .into_iter()
                .map(|name| (name.clone(), json!([self.mean(trial, 0, &name), self.mean(trial, 1, &name)])))
                .collect();
            let ranks = [0, 1].map(|side| self.ranked(trial, side).rank);
            json!({"trial_id": trial.trial_id, "ranks": ranks, "same": trial.same, "metrics": metrics})
        };
        let changes: Map<String, Value> =
            self.changes.iter().map(|(key, values)| (key.clone(), json!(values))).collect();
        json!({
            "schema_version": SCHEMA_VERSION,
            "runs": self.sides.iter().map(run).collect::<Vec<_>>(),
            "replicates": self.replicates,
            "sentences": self.sentences(),
            "claims": self.winners.iter().map(claim).collect::<Vec<_>>(),
            "changes": changes,
            "trials": self.common.iter().map(trial).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }

    fn sentences(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (name, side) in SIDES.iter().zip(&self.sides) {
            let devices = &side.report.ranking.devices;
            let trained = if devices.is_empty() {
                String::new()
            } else {
                format!("; trained {:.1} s ({})", training_seconds(devices), devices_in_words(devices))
            };
            let failed = if side.failed > 0 { format!(", {} of them failed", side.failed) } else { String::new() };
            out.push(format!(
                "{name}: {} ({}), {}, {} rows{failed}{trained}.",
                side.dir.display(),
                side.report.ranking.name,
                trials_count(side.report.ranking.trials.len()),
                side.rows
            ));
        }
        let replicates = self.replicates.len();
        out.push(format!(
            "Same data and same split in {replicates} {}.",
            if replicates == 1 { "replicate" } else { "replicates" }
        ));
        out.extend(self.changes_in_words());
        out.extend(self.winners_in_words());
        out.push(self.common_in_words());
        out
    }

    fn changes_in_words(&self) -> Option<String> {
        /// Longest value that is shown.
        const LONG: usize = 30;
        let short = |value: &Value| match value {
            Value::Null => "not set".to_owned(),
            value => value.to_string(),
        };
        let change = |(key, [a, b]): &(String, [Value; 2])| {
            let (a, b) = (short(a), short(b));
            if a.len().max(b.len()) > LONG { key.clone() } else { format!("{key} ({a} in A, {b} in B)") }
        };
        let changes: Vec<String> = self.changes.iter().map(change).collect();
        (!changes.is_empty()).then(|| format!("The sweeps differ in {}.", changes.join(", ")))
    }

    fn winners_in_words(&self) -> Vec<String> {
        let find = |about: Test| self.winners.iter().find(|claim| claim.about == about);
        let Some(auc) = find(Test::Auc) else {
            let ids =
                self.sides.each_ref().map(|side| side.report.ranking.winner().map(|winner| &winner.trial.trial_id));
            return match ids {
                [Some(a), Some(b)] if a == b => vec![format!("Both runs have the same winner, {a}.")],
                [Some(_), Some(_)] if self.sides.iter().any(|side| side.report.ranking.weight.is_some()) => vec![
                    "The winners are not compared: rows have weights (`data.weight`), and the tests would count each \
                     row once."
                        .to_owned(),
                ],
                [Some(_), Some(_)] => vec![
                    "The winners cannot be compared: their scores were not kept, or each replicate has test rows of \
                     its own."
                        .to_owned(),
                ],
                _ => Vec::new(),
            };
        };
        let name = |side: &Side| {
            let ranking = &side.report.ranking;
            ranking.winner().map(|winner| in_words(ranking, winner)).unwrap_or_default()
        };
        let point = self.sides[0].report.ranking.operating_point.as_ref();
        let of_rule = point.and_then(|point| find(Test::of_rule(point)));
        let at_point = of_rule.map(|claim| format!("; {} {}", claim.about.subject(), difference_in_words(claim)));
        let claims: Vec<&Claim> = [auc].into_iter().chain(of_rule).collect();
        vec![
            format!(
                "A's winner ({}) against B's ({}) on the test rows: {}{}.",
                name(&self.sides[0]),
                name(&self.sides[1]),
                auc_in_words(auc),
                at_point.unwrap_or_default()
            ),
            format!("How sure of A's winner, as a trained model: {}.", verdict(&claims)),
        ]
    }

    fn common_in_words(&self) -> String {
        let only = self.sides.each_ref().map(|side| side.report.ranking.trials.len() - self.common.len());
        let places = format!("{} only in A, {} only in B", only[0], only[1]);
        let same = self.common.iter().filter(|trial| trial.same).count();
        let auc = column(Split::Test, "auc");
        let change = |trial: &Common| Some(self.mean(trial, 1, &auc)? - self.mean(trial, 0, &auc)?);
        let largest = self.common.iter().filter_map(change).max_by(|a, b| a.abs().total_cmp(&b.abs()));
        match (self.common.len(), largest) {
            (0, _) => format!("No trial is in both runs: {places}."),
            (n, _) if same == n => {
                format!("{} in both runs, all with the same figures to the last bit; {places}.", trials_count(n))
            }
            (n, largest) => {
                let changed = largest.map(|change| format!(", test AUC by up to {change:+.4}")).unwrap_or_default();
                format!("{} in both runs, {} with other figures{changed}; {places}.", trials_count(n), n - same)
            }
        }
    }
}
