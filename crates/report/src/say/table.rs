//! The ranked table for a terminal.

use super::columns::texts;
use super::decision::decision_in_words;
use super::ensemble;
use super::fold::Drawn;
use super::methods::{method_columns, methods_note};
use super::paragraphs::Paragraphs;
use super::ranked::ranked_columns;
use super::screen::screen;
use super::sentences::sentences;
use super::summary::{Figures, constants, figures, heading, notes};
use super::{Exporter, Table};
use crate::evidence::Report;
use crate::rank::devices_in_words;

impl Exporter<Report> for Table {
    fn export(&self, report: &Report) -> String {
        if let Some(most) = self.lines {
            return screen(*self, most, report);
        }
        let ranking = &report.ranking;
        let of_trials = ranked_columns(report);
        let mut columns = texts(&of_trials, ranking.shown());
        ensemble::add_row(report, &of_trials, &mut columns);
        let drawn = Drawn::new(columns, self.width, self.colour && ranking.winner().is_some());
        let mut out = Paragraphs::new(self.width);
        out.line(&format!("{}: {}", ranking.name, heading(ranking)), 0);
        out.text.push('\n');
        let sentences = sentences(report);
        for sentence in &sentences {
            out.line(sentence, 2);
        }
        out.text.push_str(if sentences.is_empty() { "" } else { "\n" });
        out.text.push_str(&drawn.text());
        out.text.push_str("\n\n");
        if !report.answer.methods.is_empty() {
            let columns = texts(&method_columns(report), &report.answer.methods);
            out.text.push_str(&Drawn::new(columns, self.width, false).text());
            out.text.push_str("\n\n");
            out.line(&methods_note(report, true), 0);
            out.text.push('\n');
        }
        let trials = [("winner", ranking.winner()), ("baseline", ranking.baseline())];
        for (word, ranked) in trials {
            let Some(ranked) = ranked else { continue };
            if word == "baseline" && ranked.rank == 1 {
                continue;
            }
            let Figures { trial, lines } = figures(report, ranked);
            let place = if word == "baseline" { format!(", rank {}", ranked.rank) } else { String::new() };
            out.line(&format!("{word}: {trial}{place}"), 2);
            for (on, text) in lines {
                out.line(&format!("  {on}: {text}"), 4);
            }
        }
        for note in notes(report) {
            out.line(&note, 0);
        }
        let constants = constants(ranking);
        if !constants.is_empty() {
            out.line(&format!("The same in all trials: {constants}."), 0);
        }
        if !ranking.devices.is_empty() {
            out.line(&format!("Devices: {}.", devices_in_words(&ranking.devices)), 2);
        }
        for warning in report.warnings() {
            out.line(&format!("warning: {warning}"), 2);
        }
        // A long table has scrolled it away.
        if let Some(decision) = decision_in_words(report) {
            out.text.push('\n');
            out.line(&decision, 2);
        }
        out.text
    }
}
