//! One page over the runs of a folder.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::document::{self, Around};
use super::notes;
use crate::rank::{Ranked, Ranking};
use crate::say::in_words;
use focalsweep_core::metrics::catalogue::{Better, MetricColumn, Written};

const TEMPLATE: &str = include_str!("../../assets/index.html");
const SCRIPTS: [&str; 4] = [
    include_str!("../../assets/js/dom.js"),
    include_str!("../../assets/js/view.js"),
    include_str!("../../assets/js/theme.js"),
    include_str!("../../assets/js/index.js"),
];

/// What begins a page of ours, by which another file is told from it.
pub const MADE_BY: &str = r#"<meta name="generator" content="focalsweep index">"#;

/// Columns that say what the best trial of a run is worth, with their heads.
const FIGURES: [(&str, &str); 5] = [
    ("val_auc", "AUC, validation"),
    ("test_auc", "AUC, test"),
    ("test_average_precision", "AP, test"),
    ("test_op_fn", "Missed, test op"),
    ("test_op_fp", "False alarms, test op"),
];

/// A run in the index.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Indexed {
    /// Its directory, as it is named from the folder.
    pub folder: String,
    /// Its page, as a link from the index; none where there is none.
    pub page: Option<String>,
    /// The sweep's name.
    pub name: String,
    /// When it began, RFC 3339.
    pub began: String,
    /// How far it is, in a word: `finished`, `running`, `interrupted`, `broken`.
    pub state: String,
    /// The source of its rows.
    pub data: String,
    /// Trials.
    pub trials: usize,
    /// Rows of results that there are.
    pub rows: usize,
    /// Rows of results that there are to be.
    pub of: usize,
    /// What to deploy, as its page says it.
    pub decision: Option<Decided>,
    /// The trial that ranks first, in words.
    pub best: Option<String>,
    /// Its figures.
    pub figures: Vec<IndexedFigure>,
    /// The first line of its notes.
    pub notes: Option<String>,
    /// Why it cannot be read.
    pub fault: Option<String>,
}

/// The decision of a run, as its page has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// `better`, `equal enough` or `undecided`.
    pub outcome: String,
    /// The trial to deploy, in words.
    pub trial: String,
    /// The decision in a sentence or two.
    pub words: String,
}

/// A figure of the trial that ranks first in a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IndexedFigure {
    /// Its column of results.parquet.
    pub column: &'static str,
    /// The head over it.
    pub title: &'static str,
    /// The mean over the replicates.
    pub value: Option<f64>,
    /// Decimals that are shown.
    pub decimals: usize,
    /// 1 where more is better, -1 where less is.
    pub goal: i8,
}

impl Indexed {
    /// Adds what the trial that ranks first came to.
    pub fn set_best(&mut self, ranking: &Ranking) {
        let Some(winner) = ranking.winner() else { return };
        self.best = Some(in_words(ranking, winner));
        self.figures = FIGURES.iter().filter_map(|&(column, title)| figure(ranking, winner, (column, title))).collect();
    }

    /// Adds the first line of the notes in the run directory.
    pub fn set_notes(&mut self, root: &Path) {
        self.notes = notes::first_line(root);
    }
}

fn figure(ranking: &Ranking, winner: &Ranked, (column, title): (&'static str, &'static str)) -> Option<IndexedFigure> {
    let MetricColumn { metric, .. } = MetricColumn::named(column)?;
    let value = ranking.mean(winner, column);
    let goal = match metric.better {
        Some(Better::More) => 1,
        Some(Better::Less) => -1,
        None => 0,
    };
    // Counts are means over the replicates.
    let decimals = if let Written::Decimals(decimals) = metric.written { decimals } else { 1 };
    Some(IndexedFigure { column, title, value, decimals, goal })
}

/// The decision that a page of a run has in it; none where it has none, or is no page of a run.
pub fn decision_of_page(html: &str) -> Option<Decided> {
    #[derive(Deserialize)]
    struct Page {
        decision: Option<Decided>,
    }
    let (_, rest) = html.split_once(document::PAYLOAD)?;
    let (json, _) = rest.split_once("</script>")?;
    serde_json::from_str::<Page>(json).ok()?.decision
}

/// The page over `runs`, which are those of `folder`; `written_at` is RFC 3339.
pub fn index_page(folder: &str, written_at: &str, runs: &[Indexed]) -> String {
    #[derive(Serialize)]
    struct Payload<'a> {
        folder: &'a str,
        written_at: &'a str,
        runs: &'a [Indexed],
    }
    let title = format!("Runs in {folder}");
    document::around(
        &Around { template: TEMPLATE, title: &title, scripts: &SCRIPTS, plotting: None },
        &Payload { folder, written_at, runs },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_was_decided_and_other_files_say_nothing() {
        let decided = Decided { outcome: "better".into(), trial: "a < b".into(), words: "deploy </script>".into() };
        let html = format!(
            "<p>{}{}</script><script>x</script>",
            document::PAYLOAD,
            document::embedded(&serde_json::json!({ "decision": decided, "run": {} }))
        );
        assert_eq!(decision_of_page(&html), Some(decided));
        for other in ["", "<html>", &html.replace("\"decision\"", "\"other\""), &html[..html.len() / 2]] {
            assert_eq!(decision_of_page(other), None);
        }
    }

    #[test]
    fn names_of_runs_are_text_and_the_page_says_what_it_is() {
        let run = Indexed { name: "</script><b>".into(), ..Indexed::default() };
        let html = index_page("<runs>", "2026-01-01T00:00:00Z", &[run]);
        assert!(html.contains(MADE_BY) && html.contains("Runs in &lt;runs&gt;") && !html.contains("</script><b>"));
        assert!(!html.contains("echarts"), "the index has no plots");
    }
}
