//! Two runs side by side as table, Markdown, CSV and JSON.

use serde_json::{Map, Value, json};

use super::answer_text::{auc_in_words, p_in_words, verdict};
use super::busy::{devices_in_words, training_seconds};
use super::export::{contrast, line};
use super::format::{Column, NOTHING, number};
use super::group::trials_count;
use super::markdown::{escaped, table as markdown_table};
use super::metric::column;
use super::pair::{Common, Pairing, Side};
use super::summary::{figures, in_words};
use super::table::{Paragraphs, draw, fit};
use focalsweep_core::spec::Split;

/// What the two runs are called.
const SIDES: [&str; 2] = ["A", "B"];

impl Pairing {
    /// The comparison in words and a table of the first `top` trials that both runs have, at most `width` wide.
    pub fn to_table(&self, width: usize, top: usize) -> String {
        let mut out = Paragraphs::new(width);
        for sentence in self.sentences() {
            out.line(&sentence, 2);
        }
        for (name, side) in SIDES.iter().zip(&self.sides) {
            let Some(winner) = side.ranking.winner() else { continue };
            let figures = figures(&side.ranking, winner);
            out.line(&format!("{name}'s winner: {}", figures.trial), 2);
            for (on, text) in figures.lines {
                out.line(&format!("  {on}: {text}"), 4);
            }
        }
        let mut columns = self.columns(top);
        if !self.common.is_empty() {
            fit(&mut columns, width);
            out.text.push('\n');
            out.text.push_str(&draw(&columns, false));
            out.text.push_str("\n\n");
            if self.common.len() > top {
                out.line(&format!("The first {top} of {} (`--format csv` has all).", self.common.len()), 0);
            }
        }
        for warning in &self.warnings {
            out.line(&format!("warning: {warning}"), 2);
        }
        out.text
    }

    /// As Markdown, with all trials that both runs have.
    pub fn to_markdown(&self) -> String {
        let names = self.sides.each_ref().map(|side| escaped(&side.ranking.name));
        let mut out = format!("# {} and {}\n\n", names[0], names[1]);
        for sentence in self.sentences() {
            out.push_str(&format!("- {}\n", escaped(&sentence)));
        }
        out.push('\n');
        for warning in &self.warnings {
            out.push_str(&format!("> **Warning:** {}\n\n", escaped(warning)));
        }
        if !self.common.is_empty() {
            out.push_str("## Trials that both runs have\n\n");
            out.push_str(&markdown_table(&self.columns(usize::MAX)));
        }
        out
    }

    /// A row for each trial that both runs have: its ranks and all metrics in both, `_a` and `_b`.
    pub fn to_csv(&self) -> String {
        let metrics = self.metrics();
        let of_both = metrics.iter().flat_map(|name| [format!("{name}_a"), format!("{name}_b")]);
        let names = ["trial_id", "rank_a", "rank_b", "same"].map(str::to_owned);
        let mut out = line(names.into_iter().chain(of_both));
        for trial in &self.common {
            let text = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            let ranks = [0, 1].map(|side| self.ranked(trial, side).rank.to_string());
            let values = metrics.iter().flat_map(|name| [0, 1].map(|side| text(self.mean(trial, side, name))));
            let place = [trial.trial_id.clone()].into_iter().chain(ranks).chain([trial.same.to_string()]);
            out.push_str(&line(place.chain(values)));
        }
        out
    }

    /// `{"runs": [{…}, {…}], "winners": {…}, "trials": [{…}, …], "changes": {…}, …}`; docs/report.md describes the fields.
    pub fn to_json(&self) -> Value {
        let run = |side: &Side| {
            let ranking = &side.ranking;
            json!({
                "dir": side.dir,
                "name": ranking.name,
                "trials": ranking.trials.len(),
                "rows": side.rows,
                "failed": side.failed,
                "training_seconds": training_seconds(&ranking.devices),
                "operating_point": ranking.operating_point,
                "winner": ranking.winner().map(|winner| ranking.entry(winner)),
            })
        };
        let trial = |trial: &Common| {
            let metrics: Map<String, Value> = self
                .metrics()
                .into_iter()
                .map(|name| (name.clone(), json!([self.mean(trial, 0, &name), self.mean(trial, 1, &name)])))
                .collect();
            let ranks = [0, 1].map(|side| self.ranked(trial, side).rank);
            json!({"trial_id": trial.trial_id, "ranks": ranks, "same": trial.same, "metrics": metrics})
        };
        let changes: Map<String, Value> =
            self.changes.iter().map(|(key, values)| (key.clone(), json!(values))).collect();
        json!({
            "runs": self.sides.iter().map(run).collect::<Vec<_>>(),
            "replicates": self.replicates,
            "sentences": self.sentences(),
            "winners": self.winners.as_ref().map(contrast),
            "changes": changes,
            "trials": self.common.iter().map(trial).collect::<Vec<_>>(),
            "warnings": self.warnings,
        })
    }

    /// Metrics that both runs have.
    fn metrics(&self) -> Vec<String> {
        let [first, second] = self.sides.each_ref().map(|side| &side.ranking.metrics);
        first.iter().filter(|name| second.contains(name)).cloned().collect()
    }

    fn ranked(&self, trial: &Common, side: usize) -> &super::Ranked {
        &self.sides[side].ranking.trials[trial.places[side]]
    }

    fn mean(&self, trial: &Common, side: usize, name: &str) -> Option<f64> {
        self.sides[side].ranking.mean(self.ranked(trial, side), name)
    }

    fn sentences(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (name, side) in SIDES.iter().zip(&self.sides) {
            let devices = &side.ranking.devices;
            let trained = if devices.is_empty() {
                String::new()
            } else {
                format!("; trained {:.1} s ({})", training_seconds(devices), devices_in_words(devices))
            };
            let failed = if side.failed > 0 { format!(", {} of them failed", side.failed) } else { String::new() };
            out.push(format!(
                "{name}: {} ({}), {}, {} rows{failed}{trained}.",
                side.dir.display(),
                side.ranking.name,
                trials_count(side.ranking.trials.len()),
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
        let Some(contrast) = &self.winners else {
            let ids = self.sides.each_ref().map(|side| side.ranking.winner().map(|winner| &winner.trial.trial_id));
            return match ids {
                [Some(a), Some(b)] if a == b => vec![format!("Both runs have the same winner, {a}.")],
                [Some(_), Some(_)] => vec!["The winners cannot be compared: their scores were not kept.".to_owned()],
                _ => Vec::new(),
            };
        };
        let name = |side: &Side| {
            let ranking = &side.ranking;
            ranking.winner().map(|winner| in_words(ranking, winner)).unwrap_or_default()
        };
        let missed = match (contrast.missed_difference, contrast.missed_p) {
            (Some(difference), Some(p)) => {
                let more = if difference < 0.0 { "fewer" } else { "more" };
                let missed = number("op_fn", Some(difference.abs()));
                format!("; at the operating point it misses {missed} {more} positives, McNemar {}", p_in_words(p))
            }
            _ => String::new(),
        };
        vec![
            format!(
                "A's winner ({}) against B's ({}) on the test rows: {}{missed}.",
                name(&self.sides[0]),
                name(&self.sides[1]),
                auc_in_words(contrast)
            ),
            format!("How sure of A's winner: {}.", verdict(contrast)),
        ]
    }

    fn common_in_words(&self) -> String {
        let only = self.sides.each_ref().map(|side| side.ranking.trials.len() - self.common.len());
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

    /// The first `top` trials that both runs have.
    fn columns(&self, top: usize) -> Vec<Column> {
        let shown = &self.common[..top.min(self.common.len())];
        let column_of = |group, name: &str, importance, cell: &dyn Fn(&Common) -> String| Column {
            group,
            name: name.to_owned(),
            importance,
            cells: shown.iter().map(cell).collect(),
        };
        let mut columns = vec![
            column_of("rank", "A", None, &|trial| self.ranked(trial, 0).rank.to_string()),
            column_of("rank", "B", None, &|trial| self.ranked(trial, 1).rank.to_string()),
        ];
        let first = &self.sides[0].ranking;
        for name in first.swept() {
            columns.push(column_of("", name, Some(95), &|trial| {
                first.parameter(self.ranked(trial, 0), name).map_or(NOTHING.to_owned(), ToString::to_string)
            }));
        }
        let metrics = self.metrics();
        let figures = [
            ("test auc", "auc", 90),
            ("test fn", "fn", 70),
            ("test fp", "fp", 50),
            ("test op fn", "op_fn", 80),
            ("test op fp", "op_fp", 60),
        ];
        for (group, name, importance) in figures {
            let metric = column(Split::Test, name);
            if !metrics.contains(&metric) {
                continue;
            }
            for (side, letter) in SIDES.iter().enumerate() {
                columns.push(column_of(group, letter, Some(importance), &|trial| {
                    number(name, self.mean(trial, side, &metric))
                }));
            }
            columns.push(column_of(group, "B - A", Some(importance - 1), &|trial| {
                let change = self.mean(trial, 1, &metric).zip(self.mean(trial, 0, &metric));
                change.map_or(NOTHING.to_owned(), |(b, a)| signed(name, b - a))
            }));
        }
        columns
    }
}

/// A difference with its sign; no difference is 0.
fn signed(name: &str, difference: f64) -> String {
    let text = number(name, Some(difference.abs()));
    match difference {
        _ if difference == 0.0 => "0".to_owned(),
        d if d > 0.0 => format!("+{text}"),
        _ => format!("-{text}"),
    }
}
