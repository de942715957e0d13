//! A table as wide as there is room, with the rest of each row under it.

use comfy_table::presets;
use comfy_table::{Attribute, Cell, CellAlignment, LineStyle};

use super::columns::TextColumn;
use super::numbers::NOTHING;
use super::paragraphs::Paragraphs;
use focalsweep_core::text::escaped;

/// Blanks before what is folded under a row.
const INDENT: usize = 5;

/// A table that is drawn: its head, and each of its rows with what is folded under it. No text ends in a line break.
pub(super) struct Drawn {
    pub(super) head: String,
    pub(super) rows: Vec<String>,
}

impl Drawn {
    /// Of columns that have as many cells, in lines of at most `width` characters. What has no room beside the rest is
    /// told under its row, the least important first; cells that say nothing are not.
    pub(super) fn new(mut columns: Vec<TextColumn>, width: usize, bold_first: bool) -> Self {
        let folded = fold(&mut columns, width);
        let (head, mut rows) = draw(&columns, bold_first);
        for (at, row) in rows.iter_mut().enumerate() {
            let told = told(&folded, at);
            if !told.is_empty() {
                let mut under = Paragraphs::new(width);
                under.line(&format!("{:INDENT$}{told}", ""), INDENT);
                row.push('\n');
                row.push_str(under.text.trim_end());
            }
        }
        Self { head, rows }
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        [&self.head].into_iter().chain(&self.rows).map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// Width of a cell's text. All that is shown is one column wide a character.
fn width_of(column: &TextColumn) -> usize {
    let cells = column.cells.iter().map(|cell| escaped(cell).chars().count());
    cells.chain([column.head.group.len(), column.head.name.chars().count()]).max().unwrap_or(0)
}

/// Takes columns out until the rest fits: gives them in the table's order.
fn fold(columns: &mut Vec<TextColumn>, width: usize) -> Vec<TextColumn> {
    // A blank before each cell, and one between columns.
    let widths: Vec<usize> = columns.iter().map(|column| width_of(column) + 2).collect();
    let mut needed = widths.iter().sum::<usize>().saturating_sub(1);
    let mut by_importance: Vec<(u8, usize)> =
        columns.iter().enumerate().filter_map(|(at, column)| Some((column.head.importance?, at))).collect();
    by_importance.sort_unstable();
    let mut out = vec![false; columns.len()];
    for (_, at) in by_importance {
        if needed <= width {
            break;
        }
        needed -= widths[at];
        out[at] = true;
    }
    let (folded, kept): (Vec<_>, Vec<_>) = columns.drain(..).zip(out).partition(|(_, out)| *out);
    columns.extend(kept.into_iter().map(|(column, _)| column));
    folded.into_iter().map(|(column, _)| column).collect()
}

/// `front 1; test op fn 3, fp 12`: what a row has in these columns, the group once for all of it that lie together.
fn told(folded: &[TextColumn], row: usize) -> String {
    let says = |column: &&TextColumn| column.cells.get(row).is_some_and(|cell| cell != NOTHING && !cell.is_empty());
    let there: Vec<&TextColumn> = folded.iter().filter(says).collect();
    let groups = there.chunk_by(|a, b| a.head.group == b.head.group).map(|columns| {
        let cells: Vec<String> =
            columns.iter().map(|column| format!("{} {}", column.head.name, column.cells[row])).collect();
        format!("{} {}", columns[0].head.group, cells.join(", ")).trim_start().to_owned()
    });
    groups.collect::<Vec<_>>().join("; ")
}

/// Head and rows, of one line each.
fn draw(columns: &[TextColumn], bold_first: bool) -> (String, Vec<String>) {
    let mut table = comfy_table::Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(presets::NOTHING.header_separator(rule)).force_no_tty();
    if bold_first {
        table.enforce_styling();
    }
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(columns.iter().map(|column| {
        let [group, name] = [&column.head.group, &column.head.name].map(|text| escaped(text));
        right(format!("{group}\n{name}"))
    }));
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        table.add_row(columns.iter().map(|column| {
            let cell = right(escaped(&column.cells[row]).into_owned());
            if bold_first && row == 0 { cell.add_attribute(Attribute::Bold) } else { cell }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((1, 0));
    }
    let text = table.trim_fmt();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let rows = lines.split_off(lines.len().saturating_sub(rows));
    (lines.join("\n"), rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::say::columns::Head;

    fn column(group: &str, name: &str, importance: Option<u8>, cells: [&str; 2]) -> TextColumn {
        let head = Head { group: group.to_owned(), name: name.to_owned(), importance, place: 0 };
        TextColumn { head, cells: cells.map(str::to_owned).to_vec() }
    }

    fn columns() -> Vec<TextColumn> {
        vec![
            column("", "rank", None, ["1", "2"]),
            column("", "alpha", Some(250), ["0.25", "–"]),
            column("val", "auc", None, ["0.9123 ± 0.0100", "0.9111 ± 0.0100"]),
            column("test op", "fn", Some(80), ["3", "4"]),
            column("test op", "fp", Some(79), ["30", "31"]),
            column("test", "fn", Some(10), ["12\n13", "14"]),
        ]
    }

    #[test]
    fn what_has_no_room_is_told_under_its_row_and_nothing_is_lost() {
        insta::assert_snapshot!(Drawn::new(columns(), 36, false).text(), @r"
                                  val
         rank  alpha              auc
        ─────────────────────────────
            1   0.25  0.9123 ± 0.0100
             test op fn 3, fp 30; test fn
             12\n13
            2      –  0.9111 ± 0.0100
             test op fn 4, fp 31; test fn 14
        ");
        // Whatever the width, each row has each of its cells, and no line is too wide.
        for width in 24..90 {
            let drawn = Drawn::new(columns(), width, false);
            assert_eq!(drawn.rows.len(), 2);
            for (at, row) in drawn.rows.iter().enumerate() {
                for column in columns().iter().filter(|column| column.cells[at] != NOTHING) {
                    let cell = escaped(&column.cells[at]).into_owned();
                    let words: Vec<&str> = row.split_whitespace().collect();
                    assert!(words.join(" ").contains(&cell), "{width}: `{cell}` in\n{row}");
                }
            }
            assert!(drawn.text().lines().all(|line| line.chars().count() <= width), "{width}:\n{}", drawn.text());
        }
    }

    #[test]
    fn the_least_important_is_folded_first() {
        let order: Vec<String> = (20..90)
            .rev()
            .map(|width| {
                let mut kept = columns();
                let folded = fold(&mut kept, width);
                folded.iter().map(|column| column.head.full_name()).collect::<Vec<_>>().join(", ")
            })
            .collect();
        let mut steps = order;
        steps.dedup();
        assert_eq!(
            steps,
            [
                "",
                "test fn",
                "test op fp, test fn",
                "test op fn, test op fp, test fn",
                "alpha, test op fn, test op fp, test fn"
            ]
        );
    }
}
