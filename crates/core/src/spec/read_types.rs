//! Reader of what `data` says of the text of a file (`csv`) and of its columns (`types`, `datetime`).

use std::collections::BTreeMap;

use super::fields::{At, Reader, Section};
use super::keys;
use super::types::{ColumnKind, CsvSpec, DataSpec, DatePart};
use super::words::Word;

/// Marks that stand between groups of three digits.
const THOUSANDS: [char; 7] = [',', '.', ' ', '\'', '_', '\u{a0}', '\u{202f}'];

impl Reader {
    pub(super) fn csv(&mut self, at: &At<'_>) -> Option<CsvSpec> {
        let section = self.section(at, keys::CSV)?;
        let mut ascii = |key: &str| section.get_some(key).and_then(|at| self.character(at, "one ASCII character"));
        let (delimiter, quote, comment) = (ascii("delimiter"), ascii("quote"), ascii("comment"));
        let csv = CsvSpec {
            delimiter,
            decimal: section.get_some("decimal").and_then(|at| self.mark(at, &['.', ','], "`.` or `,`")),
            thousands: section
                .get_some("thousands")
                .and_then(|at| self.mark(at, &THOUSANDS, "one of `,`, `.`, `'`, `_` and a blank, in quotes")),
            quote,
            encoding: section.get_some("encoding").and_then(|at| self.word(at)),
            comment,
            skip_rows: section.get("skip_rows").and_then(|at| self.whole(at, 0, 1_000_000)).unwrap_or_default(),
            na_values: section.get_some("na_values").and_then(|at| self.missing_words(at)).unwrap_or_default(),
        };
        let marks = [
            ("delimiter", csv.delimiter),
            ("quote", csv.quote),
            ("comment", csv.comment),
            ("decimal", csv.decimal),
            ("thousands", csv.thousands),
        ];
        for (index, (key, mark)) in marks.iter().enumerate() {
            let Some(at) = section.get(key).filter(|_| mark.is_some()) else { continue };
            // Cells with a decimal comma or groups of digits may stand in quotes between commas.
            let same = marks[..index].iter().find(|(other, earlier)| {
                earlier == mark && !(*other == "delimiter" && matches!(*key, "decimal" | "thousands"))
            });
            if let Some((other, _)) = same {
                self.fault(at, format!("it is `{other}` too, expected another character"), None);
            }
        }
        if let Some(at) = section.get("thousands").filter(|_| csv.decimal.is_none() && csv.thousands == Some('.')) {
            let help = Some("write `decimal: \",\"` beside it".to_owned());
            self.fault(at, "`.` is the decimal mark too, expected another character", help);
        }
        Some(csv)
    }

    /// A character of ASCII that prints, or a tab.
    fn character(&mut self, at: &At<'_>, expected: &str) -> Option<char> {
        let text = at.node.word().unwrap_or_default();
        let mut chars = text.chars();
        match (text, chars.next(), chars.next()) {
            ("tab" | "\\t", _, _) => return Some('\t'),
            (_, Some(c), None) if (c.is_ascii_graphic() && !c.is_ascii_alphanumeric()) || c == ' ' || c == '\t' => {
                return Some(c);
            }
            _ => {}
        }
        self.expected(at, expected, Some("such as \";\", \"|\" or \"\\t\", in double quotes".to_owned()));
        None
    }

    fn mark(&mut self, at: &At<'_>, known: &[char], expected: &str) -> Option<char> {
        let text = at.node.word().unwrap_or_default();
        let mut chars = text.chars();
        let mark = chars.next().filter(|c| chars.next().is_none() && known.contains(c));
        if mark.is_none() {
            self.expected(at, expected, None);
        }
        mark
    }

    fn missing_words(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        let items = self.list(at, "a list of words, such as [\"not measured\", \"-\"]")?;
        Some(items.iter().filter_map(|item| self.text(item, "a word, in quotes")).map(str::to_owned).collect())
    }

    pub(super) fn types(&mut self, at: &At<'_>) -> Option<BTreeMap<String, ColumnKind>> {
        let columns = self.mapping(at, "a mapping from column to type, such as {amount: number}")?;
        let kind = |(name, at): (&str, At<'_>)| Some((name.to_owned(), self.word(&at)?));
        Some(columns.into_iter().filter_map(kind).collect())
    }

    pub(super) fn datetime(&mut self, at: &At<'_>) -> Option<BTreeMap<String, Vec<DatePart>>> {
        let columns = self.mapping(at, "a mapping from column to parts, such as {when: [hour, weekday]}")?;
        let mut parts = |(name, at): (&str, At<'_>)| {
            let items = self.list(&at, "a list of parts, such as [hour, weekday, age_days]")?;
            if items.is_empty() {
                self.fault(&at, "found an empty list, expected at least one of hour, weekday and age_days", None);
            }
            let mut parts: Vec<DatePart> = Vec::new();
            for item in &items {
                let Some(part) = self.word::<DatePart>(item) else { continue };
                if parts.contains(&part) {
                    self.fault(item, format!("`{}` is there twice, expected it once", part.word()), None);
                }
                parts.push(part);
            }
            Some((name.to_owned(), parts))
        };
        Some(columns.into_iter().filter_map(&mut parts).collect())
    }

    /// What is said of a column in several places has to be one thing.
    pub(super) fn types_that_fit(&mut self, section: &Section<'_>, data: &DataSpec) {
        if let Some(at) = section.get("types") {
            for (name, kind) in &data.types {
                let word = kind.word();
                let message = if *name == data.label && matches!(kind, ColumnKind::Ignore | ColumnKind::Datetime) {
                    format!("`{name}` is the label, expected it to be no `{word}`")
                } else if data.drop.contains(name) {
                    format!("`{name}` is dropped, expected columns that are kept")
                } else if data.categorical.contains(name) && *kind != ColumnKind::Category {
                    format!("`{name}` is under `categorical` too, expected it to be a `category`")
                } else if data.log.contains_key(name) && *kind != ColumnKind::Number {
                    format!("`{name}` is under `log` too, expected it to be a `number`")
                } else {
                    continue;
                };
                self.fault(at, message, None);
            }
        }
        let Some(at) = section.get("datetime") else { return };
        for name in data.datetime.keys() {
            let kind = data.types.get(name).copied();
            let message = if *name == data.label {
                format!("`{name}` is the label, expected feature columns")
            } else if data.drop.contains(name) {
                format!("`{name}` is dropped, expected columns that are kept")
            } else if kind.is_some_and(|kind| kind != ColumnKind::Datetime) || data.categorical.contains(name) {
                format!("`{name}` is of another type, expected columns of type `datetime`")
            } else if data.log.contains_key(name) {
                format!("`{name}` is under `log` too, expected columns of type `datetime`")
            } else {
                continue;
            };
            self.fault(at, message, None);
        }
    }
}
