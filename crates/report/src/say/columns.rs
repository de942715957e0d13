//! Columns, built once for whoever shows them: the terminal's table, Markdown, CSV and the page.

use focalsweep_core::metrics::catalogue::MetricColumn;

/// What a column says of a row.
type Say<'a, R> = Box<dyn Fn(&R) -> String + 'a>;

/// A column over rows of one kind: trials, methods, trials of two runs.
pub(crate) struct Column<'a, R> {
    /// For programs: its name and its values in full; `None` where it is for people only.
    raw: Option<(String, Say<'a, R>)>,
    /// For people: its head and its values in short; `None` where it is for programs only.
    shown: Option<(Head, Say<'a, R>)>,
    /// The metric that it holds.
    pub(crate) metric: Option<MetricColumn>,
}

/// Head of a column in a table that people read.
#[derive(Clone)]
pub(crate) struct Head {
    /// Over the name: `val`, `test`, `test op`, or nothing.
    pub(crate) group: String,
    pub(crate) name: String,
    /// The lowest go first when there is no room; `None` never.
    pub(crate) importance: Option<u8>,
    /// Where it stands among the others.
    pub(crate) place: usize,
}

/// A column with what its cells say.
pub(crate) struct TextColumn {
    pub(crate) head: Head,
    pub(crate) cells: Vec<String>,
}

impl Head {
    /// Group and name.
    pub(crate) fn full_name(&self) -> String {
        format!("{} {}", self.group, self.name).trim_start().to_owned()
    }
}

impl<'a, R> Column<'a, R> {
    /// One for programs.
    pub(crate) fn raw(name: impl Into<String>, say: impl Fn(&R) -> String + 'a) -> Self {
        Self { raw: Some((name.into(), Box::new(say))), shown: None, metric: None }
    }

    /// One for people.
    pub(crate) fn shown(head: Head, say: impl Fn(&R) -> String + 'a) -> Self {
        Self { raw: None, shown: Some((head, Box::new(say))), metric: None }
    }

    /// The same, and for people too.
    pub(crate) fn and_shown(mut self, head: Head, say: impl Fn(&R) -> String + 'a) -> Self {
        self.shown = Some((head, Box::new(say)));
        self
    }
}

/// The columns for people in their order, with their cells.
pub(crate) fn texts<R>(columns: &[Column<'_, R>], rows: &[R]) -> Vec<TextColumn> {
    let mut texts: Vec<TextColumn> = columns
        .iter()
        .filter_map(|column| column.shown.as_ref())
        .map(|(head, say)| TextColumn { head: head.clone(), cells: rows.iter().map(say).collect() })
        .collect();
    texts.sort_by_key(|column| column.head.place);
    texts
}

/// The columns for programs as CSV.
pub(crate) fn csv<R>(columns: &[Column<'_, R>], rows: &[R]) -> String {
    let raw = || columns.iter().filter_map(|column| column.raw.as_ref());
    let mut out = csv_line(raw().map(|(name, _)| name.clone()));
    for row in rows {
        out.push_str(&csv_line(raw().map(|(_, say)| say(row))));
    }
    out
}

/// Quoted where RFC 4180 asks for it.
fn csv_line(fields: impl Iterator<Item = String>) -> String {
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

/// A value for programs; what is not defined is empty.
pub(crate) fn or_empty<T: ToString>(value: Option<T>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}
