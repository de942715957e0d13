//! report.md.

use super::format::{Column, columns};
use super::rank::Ranking;
use super::summary::{Figures, constants, figures, heading, notes};

impl Ranking {
    /// The report as Markdown: the answer, the table with all its columns, what was constant, warnings.
    pub fn to_markdown(&self) -> String {
        let mut out = format!("# {}\n\n{}.\n\n", escaped(&self.name), heading(self));
        for (word, ranked) in [("Winner", self.winner()), ("Plain baseline", self.baseline())] {
            let Some(ranked) = ranked else { continue };
            if word != "Winner" && ranked.rank == 1 {
                out.push_str("The winner is the plain baseline.\n\n");
                continue;
            }
            let Figures { trial, lines } = figures(self, ranked);
            out.push_str(&format!("**{word}:** {}\n\n", escaped(&trial)));
            for (on, text) in lines {
                out.push_str(&format!("- {on}: {text}\n"));
            }
            out.push('\n');
        }
        for warning in &self.warnings {
            out.push_str(&format!("> **Warning:** {}\n\n", escaped(warning)));
        }
        out.push_str("## Ranking\n\n");
        out.push_str(&notes(self).join(" "));
        out.push_str("\n\n");
        let columns = columns(self);
        out.push_str(&row(columns.iter().map(Column::full_name)));
        out.push_str(&format!("|{}\n", "---:|".repeat(columns.len())));
        for i in 0..self.shown().len() {
            out.push_str(&row(columns.iter().map(|column| column.cells[i].clone())));
        }
        let constants = constants(self);
        if !constants.is_empty() {
            out.push_str(&format!("\n## The same in all trials\n\n{}.\n", escaped(&constants)));
        }
        out
    }
}

fn row(cells: impl Iterator<Item = String>) -> String {
    let cells: Vec<String> = cells.map(|cell| escaped(&cell)).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Keeps what came from outside from being markup: error texts and names may hold anything.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '`' | '<' | '>' | '\\' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            _ => out.push(c),
        }
    }
    out
}
