//! report.md.

use super::columns::{Column, TextColumn, texts};
use super::ensemble;
use super::methods::{method_columns, methods_note};
use super::numbers::p_in_words;
use super::ranked::ranked_columns;
use super::sentences::sentences;
use super::summary::{Figures, constants, figures, heading, notes};
use super::{Exporter, Markdown};
use crate::evidence::{Calibration, Reading, Report};
use crate::rank::{Ranked, devices_in_words};
use focalsweep_core::text::escaped as shown;

impl Exporter<Report> for Markdown {
    /// The answer, the table with all its columns, what was constant, warnings.
    fn export(&self, report: &Report) -> String {
        let ranking = &report.ranking;
        let mut out = format!("# {}\n\n{}.\n\n", escaped(&ranking.name), heading(ranking));
        for sentence in sentences(report) {
            out.push_str(&format!("- {}\n", escaped(&sentence)));
        }
        out.push('\n');
        for (word, ranked) in [("Winner", ranking.winner()), ("Plain baseline", ranking.baseline())] {
            let Some(ranked) = ranked else { continue };
            if word != "Winner" && ranked.rank == 1 {
                continue;
            }
            let Figures { trial, lines } = figures(report, ranked);
            out.push_str(&format!("**{word}:** {}\n\n", escaped(&trial)));
            for (on, text) in lines {
                out.push_str(&format!("- {on}: {text}\n"));
            }
            out.push('\n');
        }
        for warning in report.warnings() {
            out.push_str(&format!("> **Warning:** {}\n\n", escaped(warning)));
        }
        if !report.answer.methods.is_empty() {
            out.push_str(&format!("## The methods compared\n\n{}\n\n", methods_note(report, true)));
            out.push_str(&table(&texts(&method_columns(report), &report.answer.methods)));
            out.push('\n');
        }
        if let Some(calibration) = &report.answer.calibration {
            out.push_str(&format!("## The winner's scores as probabilities\n\n{}\n", probabilities(calibration)));
        }
        out.push_str("## Ranking\n\n");
        out.push_str(&notes(report).join(" "));
        out.push_str("\n\n");
        let columns = ranked_columns(report);
        push_trials(&mut out, &columns, ranking.shown());
        push_rows(&mut out, &ensemble::row(report, &columns));
        let constants = constants(ranking);
        if !constants.is_empty() {
            out.push_str(&format!("\n## The same in all trials\n\n{}.\n", escaped(&constants)));
        }
        if !ranking.devices.is_empty() {
            out.push_str(&format!("\n## Devices\n\n{}.\n", escaped(&devices_in_words(&ranking.devices))));
        }
        out
    }
}

/// Trials whose cells are in memory at a time.
const AT_ONCE: usize = 1 << 10;

/// Adds a table of trials, however many.
fn push_trials(out: &mut String, columns: &[Column<'_, Ranked>], trials: &[Ranked]) {
    out.push_str(&table(&texts(columns, &[])));
    trials.chunks(AT_ONCE).for_each(|trials| push_rows(out, &texts(columns, trials)));
}

/// Columns as a table.
pub(super) fn table(columns: &[TextColumn]) -> String {
    let mut out = String::new();
    push_row(&mut out, columns.iter().map(|column| column.head.full_name()));
    out.push_str(&format!("|{}\n", "---:|".repeat(columns.len())));
    push_rows(&mut out, columns);
    out
}

fn push_rows(out: &mut String, columns: &[TextColumn]) {
    for i in 0..columns.first().map_or(0, |column| column.cells.len()) {
        push_row(out, columns.iter().map(|column| &column.cells[i]));
    }
}

fn probabilities(calibration: &Calibration) -> String {
    let mut out = format!(
        "On the test rows, of which {:.2} % are positive; both maps are fitted on the validation rows. The error is \
         the expected calibration error over ten bins of as many rows; beside it what probabilities would have by \
         chance, and how often they would be off as much.\n\n| scores | Brier | error | by chance | p \
         |\n|---|---:|---:|---:|---:|\n",
        100.0 * calibration.prevalence
    );
    let maps = [("Platt scaling", calibration.platt), ("isotonic", calibration.isotonic)];
    let closed_form = calibration.closed_form.map(|reading| ("what the loss says they mean, not fitted", reading));
    for (name, reading) in [("as they are", calibration.raw)].into_iter().chain(closed_form).chain(maps) {
        let Reading { brier, ece, ece_expected, ece_p } = reading;
        let p = p_in_words(ece_p).replace("p = ", "").replace("p < ", "\\< ");
        out.push_str(&format!("| {name} | {brier:.4} | {ece:.4} | {ece_expected:.4} | {p} |\n"));
    }
    out
}

fn push_row(out: &mut String, cells: impl Iterator<Item: AsRef<str>>) {
    let mut before = "| ";
    for cell in cells {
        out.push_str(before);
        out.push_str(&escaped(cell.as_ref()));
        before = " | ";
    }
    out.push_str(" |\n");
}

/// Keeps what came from outside from being markup: error texts and names may hold anything.
pub(super) fn escaped(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    let mut out = String::with_capacity(text.len());
    for c in shown(&text).chars() {
        match c {
            '|' | '*' | '`' | '<' | '>' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}
