//! The ranked table for a terminal.

use std::fmt::Write;

use comfy_table::presets;
use comfy_table::{Attribute, Cell, CellAlignment, LineStyle};

use super::columns::{TextColumn, texts};
use super::decision::decision_in_words;
use super::ensemble;
use super::methods::{method_columns, methods_note};
use super::ranked::ranked_columns;
use super::sentences::sentences;
use super::summary::{Figures, constants, figures, heading, notes};
use super::{Exporter, Table};
use crate::evidence::Report;
use crate::rank::devices_in_words;
use focalsweep_core::text::{escaped, escaped_lines};

impl Exporter<Report> for Table {
    fn export(&self, report: &Report) -> String {
        let ranking = &report.ranking;
        let of_trials = ranked_columns(report);
        let mut columns = texts(&of_trials, ranking.shown());
        ensemble::add_row(report, &of_trials, &mut columns);
        let left_out = fit(&mut columns, self.width);
        let mut out = Paragraphs::new(self.width);
        out.line(&format!("{}: {}", ranking.name, heading(ranking)), 0);
        out.text.push('\n');
        let sentences = sentences(report);
        for sentence in &sentences {
            out.line(sentence, 2);
        }
        out.text.push_str(if sentences.is_empty() { "" } else { "\n" });
        out.text.push_str(&draw(&columns, self.colour && ranking.winner().is_some()));
        out.text.push_str("\n\n");
        if !left_out.is_empty() {
            out.line(&format!("No room for: {} (`--format csv` has all).", left_out.join(", ")), 0);
        }
        if !report.answer.methods.is_empty() {
            let mut columns = texts(&method_columns(report), &report.answer.methods);
            fit(&mut columns, self.width);
            out.text.push_str(if left_out.is_empty() { "" } else { "\n" });
            out.text.push_str(&draw(&columns, false));
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

/// Width of a cell's text. All that is shown is one column wide a character.
fn width_of(column: &TextColumn) -> usize {
    let cells = column.cells.iter().map(|cell| cell.chars().count());
    cells.chain([column.head.group.len(), column.head.name.chars().count()]).max().unwrap_or(0)
}

/// Leaves out columns until the rest fits; names those left out, in the table's order.
pub(super) fn fit(columns: &mut Vec<TextColumn>, width: usize) -> Vec<String> {
    // A blank before each cell, and one between columns.
    let needed = |columns: &[TextColumn]| columns.iter().map(|column| width_of(column) + 2).sum::<usize>() - 1;
    let names: Vec<String> = columns.iter().map(|column| column.head.full_name()).collect();
    while needed(columns) > width {
        let droppable = columns.iter().enumerate().filter_map(|(i, column)| Some((column.head.importance?, i)));
        let Some((_, least)) = droppable.min() else { break };
        columns.remove(least);
    }
    names.into_iter().filter(|name| columns.iter().all(|column| column.head.full_name() != *name)).collect()
}

pub(super) fn draw(columns: &[TextColumn], bold_winner: bool) -> String {
    let mut table = comfy_table::Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(presets::NOTHING.header_separator(rule)).force_no_tty();
    if bold_winner {
        table.enforce_styling();
    }
    let cell = |text: &str| Cell::new(escaped_lines(text)).set_alignment(CellAlignment::Right);
    table.set_header(columns.iter().map(|column| cell(&format!("{}\n{}", column.head.group, column.head.name))));
    for row in 0..columns.first().map_or(0, |column| column.cells.len()) {
        table.add_row(columns.iter().map(|column| {
            let cell = cell(&column.cells[row]);
            if bold_winner && row == 0 { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((1, 0));
    }
    table.trim_fmt()
}

/// Text that is broken at blanks.
pub(super) struct Paragraphs {
    pub(super) text: String,
    width: usize,
}

impl Paragraphs {
    pub(super) fn new(width: usize) -> Self {
        Self { text: String::new(), width }
    }

    /// A line, and as many more as it needs, these indented.
    pub(super) fn line(&mut self, text: &str, indent: usize) {
        let text = &*escaped(text);
        let mut used = 0;
        let lead = text.len() - text.trim_start().len();
        self.text.push_str(&text[..lead]);
        used += lead;
        for (i, word) in text.split_whitespace().enumerate() {
            let long = word.chars().count();
            if i > 0 && used + 1 + long > self.width {
                // A String takes all that is written to it.
                let _ = write!(self.text, "\n{:indent$}", "");
                used = indent;
            } else if i > 0 {
                self.text.push(' ');
                used += 1;
            }
            self.text.push_str(word);
            used += long;
        }
        self.text.push('\n');
    }
}
