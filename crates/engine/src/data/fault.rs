//! What is wrong with columns, all at once, and the YAML that mends it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::place::Place;
use focalsweep_core::spec::{ColumnKind, Word, escaped};

/// Words of a column that are told.
const MOST_WORDS: usize = 8;
/// Columns that are told one by one.
const MOST_COLUMNS: usize = 20;
/// Characters of a word that are told.
const MOST_LETTERS: usize = 40;

/// Text that stands among what a column holds otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// As it stands in the file, without blanks around it.
    pub text: String,
    /// Cells that hold it.
    pub cells: u64,
}

/// A column that cannot be taken as anything without a word.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnFault {
    /// The column.
    pub column: String,
    /// What is the matter.
    pub what: Matter,
    /// The first row of it.
    pub place: Box<Place>,
    /// What the column is for.
    pub purpose: Purpose,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A model reads it; it can be left out.
    Feature,
    /// The label, which nobody can do without.
    Label,
    /// `data.weight`: numbers, one a row.
    Weight,
}

/// What is the matter with a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Matter {
    /// Words among what was to be of `kind`; `good` of `cells` cells that are not empty are.
    Strays {
        /// What the column is to hold.
        kind: ColumnKind,
        /// Whether the sweep file says so.
        said: bool,
        /// Cells that fit.
        good: u64,
        /// Cells that are not empty.
        cells: u64,
        /// The others, the most frequent first.
        strays: Vec<Stray>,
    },
    /// Numbers written for people.
    Adorned {
        /// One of them.
        example: String,
    },
    /// Numbers with the other decimal mark.
    OtherDecimal {
        /// One of them.
        example: String,
        /// That mark.
        mark: char,
    },
    /// Whole numbers that a double cannot tell from their neighbours.
    TooLong {
        /// One of them.
        example: String,
    },
    /// Times of which some have a zone and others have none.
    Zones {
        /// One without.
        example: String,
    },
    /// A type of Parquet that cannot be taken as what the sweep file says.
    Type {
        /// The type there.
        found: String,
        /// What the sweep file says.
        kind: ColumnKind,
    },
}

/// At most [`MOST_LETTERS`] of a text.
pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= MOST_LETTERS {
        return text.to_owned();
    }
    text.chars().take(MOST_LETTERS - 1).chain(['…']).collect()
}

/// `numbers`, as messages say it.
fn plural(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Number => "numbers",
        ColumnKind::Boolean => "booleans",
        ColumnKind::Datetime => "points in time",
        ColumnKind::Category | ColumnKind::Ignore => "text",
    }
}

/// `` `a` (3), `b` (1) and 2 more ``.
pub(super) fn counted(strays: &[Stray]) -> String {
    let told: Vec<String> =
        strays.iter().take(MOST_WORDS).map(|stray| format!("`{}` ({})", cut(&stray.text), stray.cells)).collect();
    let more = strays.len().saturating_sub(MOST_WORDS);
    if more > 0 { format!("{} and {more} more", told.join(", ")) } else { told.join(", ") }
}

/// One sentence without its full stop.
impl fmt::Display for ColumnFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (column, place) = (&self.column, &self.place);
        let told = match &self.what {
            Matter::Strays { kind, said, good, cells, strays } => {
                let share = if *said {
                    format!("is to hold {}", plural(*kind))
                } else {
                    let share = 100.0 * *good as f64 / *cells as f64;
                    format!("holds {} ({share:.1} % of its cells)", plural(*kind))
                };
                format!("column `{column}` {share}, but also {}, first in {place}", counted(strays))
            }
            Matter::Adorned { example } => {
                format!("column `{column}` looks like numbers written as {}, {place}", cut(example))
            }
            Matter::OtherDecimal { example, mark } => {
                let name = if *mark == ',' { "comma" } else { "point" };
                format!("column `{column}` looks like numbers with a decimal {name}, `{}`, {place}", cut(example))
            }
            Matter::TooLong { example } => format!(
                "column `{column}`, {place}: {} is beyond 2^53, from where on numbers that differ would become one",
                cut(example)
            ),
            Matter::Zones { example } => {
                format!("column `{column}` holds times with a zone and others without, such as {example}, {place}")
            }
            Matter::Type { found, kind } => {
                format!("column `{column}` has type {found}, which cannot be read as {}", plural(*kind))
            }
        };
        out.write_str(&told)
    }
}

/// All of them, a line each.
pub(super) fn headlines(faults: &[ColumnFault]) -> String {
    if let [fault] = faults {
        return fault.to_string();
    }
    let told = faults.iter().take(MOST_COLUMNS).map(|fault| format!("\n  {fault}"));
    let more = faults.len().saturating_sub(MOST_COLUMNS);
    let more = if more > 0 { format!("\n  … and {more} more") } else { String::new() };
    format!("{} columns cannot be read as they are:{}{more}", faults.len(), told.collect::<String>())
}

/// What to write into the sweep file so that columns can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remedy {
    /// `data.csv.decimal`.
    pub decimal: Option<char>,
    /// `data.csv.na_values`: words that are to count as missing.
    pub na_values: BTreeSet<String>,
    /// `data.types`.
    pub types: BTreeMap<String, ColumnKind>,
}

impl Remedy {
    /// What mends the columns; nothing for those of weights, which are mended in the file only.
    pub fn of(faults: &[ColumnFault]) -> Self {
        let mut remedy = Self::default();
        for fault in faults.iter().filter(|fault| fault.purpose != Purpose::Weight) {
            let kind = match (&fault.what, fault.purpose) {
                (Matter::Strays { strays, .. }, _) => {
                    remedy.na_values.extend(strays.iter().map(|stray| stray.text.clone()));
                    continue;
                }
                (Matter::OtherDecimal { mark, .. }, _) => {
                    remedy.decimal = Some(*mark);
                    continue;
                }
                (Matter::Adorned { .. }, _) => ColumnKind::Number,
                (Matter::TooLong { .. } | Matter::Zones { .. } | Matter::Type { .. }, Purpose::Label) => {
                    ColumnKind::Category
                }
                (Matter::TooLong { .. } | Matter::Zones { .. } | Matter::Type { .. }, _) => ColumnKind::Ignore,
            };
            remedy.types.insert(fault.column.clone(), kind);
        }
        remedy
    }

    /// Lines of YAML to stand under `data:`, with at most `most` words of `na_values`.
    pub fn lines(&self, most: usize) -> Vec<String> {
        let mut csv: Vec<String> = self.decimal.iter().map(|mark| format!("decimal: \"{mark}\"")).collect();
        if !self.na_values.is_empty() {
            let listed: Vec<String> = self.na_values.iter().take(most).map(|word| yaml(word)).collect();
            csv.push(format!("na_values: [{}]", listed.join(", ")));
        }
        let types = self.types.iter().map(|(column, kind)| format!("{}: {}", yaml(column), kind.word()));
        let types: Vec<String> = types.collect();
        [("csv", csv), ("types", types)]
            .into_iter()
            .filter(|(_, keys)| !keys.is_empty())
            .map(|(name, keys)| format!("{name}: {{{}}}", keys.join(", ")))
            .collect()
    }
}

/// What to write into the sweep file, to be pasted.
pub(super) fn remedy(faults: &[ColumnFault]) -> String {
    let mut more: Vec<&str> = Vec::new();
    let mut add = |text: &'static str| {
        if !more.contains(&text) {
            more.push(text);
        }
    };
    for fault in faults {
        match (&fault.what, fault.purpose) {
            (_, Purpose::Weight) => {
                add("a row counts by its weight: write a number into the file, 0 for a row that is not to count");
            }
            (Matter::Strays { said, .. }, _) => {
                add("`bad_values: missing` takes every cell as missing that does not fit its column");
                if !said {
                    add("`types: {COLUMN: category}` takes a column as text, level by level");
                }
            }
            (Matter::TooLong { .. }, Purpose::Feature) => {
                add("`category` instead of `ignore` takes it as text, `number` as the nearest number there is");
            }
            _ => {}
        }
    }
    let lines = Remedy::of(faults).lines(2 * MOST_WORDS);
    let mut text = lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>();
    if !text.is_empty() {
        text.insert(0, "add to the sweep file\n  data:".to_owned());
    }
    text.extend(more.into_iter().map(str::to_owned));
    text.join("\n")
}

/// A text as YAML has it, in quotes unless it is a plain name.
fn yaml(text: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(is_name)
        && !words.contains(&text.to_lowercase().as_str());
    if is_plain { text.to_owned() } else { escaped(serde_json::Value::from(text).to_string()) }
}
