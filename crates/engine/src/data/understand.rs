//! From the texts of a column to what it holds.

use super::fault::{ColumnFault, Matter, Stray};
use super::missing;
use super::number::{Marks, Writing, has_leading_zero, is_too_long};
use super::place::Place;
use super::reading::Reading;
use super::remark::Remark;
use super::table::{Levels, Values};
use super::time;
use focalsweep_core::spec::{BadValues, ColumnKind};

/// A column is meant to be one of numbers, or of times, when at least this share of its cells are
const MOSTLY: f64 = 0.5;
/// and more of them than this differ.
const FEW: usize = 20;

/// A column understood, with what is to be said of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Understood {
    pub(super) values: Values,
    pub(super) remarks: Vec<Remark>,
}

/// What is known of a column and of the file it is of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) column: &'a str,
    pub(super) reading: &'a Reading,
    /// What the column is, where something says so.
    pub(super) kind: Option<ColumnKind>,
    pub(super) marks: Marks,
    /// Whether its type in the file is text, so that numbers were meant as text.
    pub(super) is_text_by_type: bool,
}

impl Context<'_> {
    /// Whether `text` stands for a missing number, boolean or time.
    pub(super) fn is_missing(&self, text: &str) -> bool {
        missing::is_word(text) || self.is_said_missing(text)
    }

    /// Whether the sweep file has words for missing, which may be numbers.
    pub(super) fn has_na_values(&self) -> bool {
        !self.reading.csv.na_values.is_empty()
    }

    fn is_said_missing(&self, text: &str) -> bool {
        self.reading.csv.na_values.iter().any(|word| word.trim() == text)
    }

    /// Whether `text` stands for a missing text. A file that knows text and missing cells means what it says.
    fn is_missing_in_text(&self, text: &str) -> bool {
        (!self.is_text_by_type && missing::is_word_in_text(text)) || self.is_said_missing(text)
    }

    fn other_decimal(&self, example: &str, row: usize) -> ColumnFault {
        let mark = if self.marks.decimal == '.' { ',' } else { '.' };
        self.fault(Matter::OtherDecimal { example: example.to_owned(), mark }, row)
    }

    /// A fault whose first cell is in the 0-based `row`.
    pub(super) fn fault(&self, what: Matter, row: usize) -> ColumnFault {
        let place = Box::new(Place { file: None, row: row as u64, line: None });
        ColumnFault { column: self.column.to_owned(), what, place, purpose: self.reading.purpose(self.column) }
    }

    /// Of numbers among which nothing but `strays` stands, `good` cells of them being numbers: whether the strays are
    /// missing, or the fault that they are.
    pub(super) fn stray_numbers(&self, strays: Vec<(Stray, usize)>, good: u64) -> Result<Option<Remark>, ColumnFault> {
        self.strays(ColumnKind::Number, strays, good)
    }

    fn strays(
        &self,
        kind: ColumnKind,
        mut strays: Vec<(Stray, usize)>,
        good: u64,
    ) -> Result<Option<Remark>, ColumnFault> {
        let Some(row) = strays.iter().map(|(_, row)| *row).min() else { return Ok(None) };
        // A column of numbers with the other mark is none to do without.
        let is_other = |(stray, _): &&(Stray, usize)| self.marks.writing(&stray.text) == Some(Writing::OtherDecimal);
        let others = || strays.iter().filter(is_other);
        let (first, cells) = (others().min_by_key(|(_, row)| row), others().map(|(stray, _)| stray.cells).sum::<u64>());
        if let (ColumnKind::Number, Some((stray, row)), true) = (kind, first, cells > good) {
            return Err(self.other_decimal(&stray.text, *row));
        }
        strays.sort_by(|(a, _), (b, _)| b.cells.cmp(&a.cells).then_with(|| a.text.cmp(&b.text)));
        let strays: Vec<Stray> = strays.into_iter().map(|(stray, _)| stray).collect();
        if self.reading.bad_values == BadValues::Missing && !self.reading.is_label(self.column) {
            return Ok(Some(Remark::Bad(strays)));
        }
        let bad: u64 = strays.iter().map(|stray| stray.cells).sum();
        let said = self.kind == Some(kind);
        Err(self.fault(Matter::Strays { kind, said, good, cells: good + bad, strays }, row))
    }
}

/// The levels of a column with how often each is there.
struct Counted<'a> {
    levels: &'a Levels,
    counts: Vec<u64>,
}

impl Counted<'_> {
    fn stray(&self, at: usize) -> (Stray, usize) {
        let row = self.levels.codes.iter().position(|&code| code as usize == at).unwrap_or(0);
        (Stray { text: self.levels.names[at].clone(), cells: self.counts[at] }, row)
    }

    /// Those of `which`, the most frequent first.
    fn words(&self, which: &dyn Fn(&str) -> bool) -> Vec<Stray> {
        let of =
            |(name, &cells): (&String, &u64)| (cells > 0 && which(name)).then(|| Stray { text: name.clone(), cells });
        let mut words: Vec<Stray> = self.levels.names.iter().zip(&self.counts).filter_map(of).collect();
        words.sort_by(|a, b| b.cells.cmp(&a.cells).then_with(|| a.text.cmp(&b.text)));
        words
    }

    fn row(&self, at: usize) -> usize {
        self.levels.codes.iter().position(|&code| code as usize == at).unwrap_or(0)
    }
}

/// What a column of these texts holds.
///
/// # Errors
/// It cannot be taken as anything without a word from the sweep file.
pub(super) fn understand(levels: Levels, of: &Context<'_>) -> Result<Understood, ColumnFault> {
    let counts = levels.counts(0..levels.codes.len());
    let counted = Counted { levels: &levels, counts };
    match of.kind {
        Some(ColumnKind::Number) => numbers(&counted, of, true),
        Some(ColumnKind::Boolean) => booleans_as_said(&counted, of),
        Some(ColumnKind::Datetime) => times_as_said(&counted, of),
        Some(ColumnKind::Category | ColumnKind::Ignore) => {
            let is_number = |name: &str| of.marks.plain(name).is_some();
            // Of a model it is known already, whatever this file holds of it.
            let codes = match &of.reading.codes {
                Some(codes) => codes.contains(of.column),
                None => {
                    !of.is_text_by_type
                        && levels.names.iter().any(|name| is_number(name))
                        && levels.names.iter().all(|name| is_number(name) || of.is_missing(name))
                }
            };
            let is_missing = |name: &str| if codes { of.is_missing(name) } else { of.is_missing_in_text(name) };
            Ok(as_text(&counted, of, &is_missing, Vec::new()))
        }
        None => guessed(&counted, of),
    }
}

/// A column of which nothing is said.
fn guessed(counted: &Counted<'_>, of: &Context<'_>) -> Result<Understood, ColumnFault> {
    let names = &counted.levels.names;
    let is_label = of.reading.is_label(of.column);
    let (mut plain, mut adorned, mut other_decimal, mut words) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, name) in names.iter().enumerate() {
        if of.marks.plain(name).is_some() && !name.eq_ignore_ascii_case("nan") {
            plain.push(at);
        } else if !of.is_missing(name) {
            match of.marks.writing(name) {
                Some(Writing::Adorned) => adorned.push(at),
                Some(Writing::OtherDecimal) => other_decimal.push(at),
                None => words.push(at),
            }
        }
    }
    let cells = |of: &[usize]| of.iter().map(|&at| counted.counts[at]).sum::<u64>();
    let numeric = cells(&plain) + cells(&adorned) + cells(&other_decimal);
    let all = numeric + cells(&words);
    let distinct = plain.len() + adorned.len() + other_decimal.len();
    let only_numbers = words.is_empty() && adorned.is_empty() && other_decimal.is_empty() && !plain.is_empty();
    let leading_zero = plain.iter().map(|&at| names[at].as_str()).find(|name| has_leading_zero(name));
    let in_text = |name: &str| of.is_missing_in_text(name);
    if only_numbers {
        if let Some(name) = leading_zero {
            let remarks = if is_label { Vec::new() } else { vec![Remark::LeadingZero(name.to_owned())] };
            return Ok(as_text(counted, of, &|name| of.is_missing(name), remarks));
        }
        if of.is_text_by_type && !is_label {
            // Their type says that they are text. Many are numbers all the same, but for those that no number holds.
            if plain.len() <= FEW {
                return Ok(as_text(counted, of, &in_text, Vec::new()));
            }
            if plain.iter().any(|&at| is_too_long(&names[at])) {
                return Ok(as_text(counted, of, &in_text, vec![Remark::NumericText { levels: plain.len() }]));
            }
            return numbers_of_text(counted, of);
        }
        if let Some(&at) = plain.iter().find(|&&at| is_too_long(&names[at])) {
            if is_label {
                return Ok(as_text(counted, of, &in_text, Vec::new()));
            }
            return Err(of.fault(Matter::TooLong { example: names[at].clone() }, counted.row(at)));
        }
        return numbers(counted, of, false);
    }
    if all == 0 {
        // Words for missing alone: nothing is known of it, as of an empty column.
        return numbers(counted, of, false);
    }
    if let Some(understood) = booleans(counted, of) {
        return Ok(understood);
    }
    if let Some(understood) = times(counted, of)? {
        return Ok(understood);
    }
    let is_mostly = |good: u64, distinct: usize| good as f64 >= MOSTLY * all as f64 && distinct > FEW;
    if is_label {
        return Ok(as_text(counted, of, &in_text, Vec::new()));
    }
    if is_mostly(numeric, distinct) {
        if let (Some(&at), true) = (other_decimal.first(), cells(&other_decimal) > cells(&plain)) {
            return Err(of.other_decimal(&names[at], counted.row(at)));
        }
        if let Some(&at) = adorned.first() {
            return Err(of.fault(Matter::Adorned { example: names[at].clone() }, counted.row(at)));
        }
        if leading_zero.is_none() {
            return if of.is_text_by_type { numbers_of_text(counted, of) } else { numbers(counted, of, false) };
        }
    }
    let dates = words.iter().filter(|&&at| looks_like_date(&names[at])).copied().collect::<Vec<_>>();
    let mut remarks = Vec::new();
    if let (Some(&at), true) = (dates.first(), is_mostly(cells(&dates), dates.len())) {
        remarks.push(Remark::OtherDates(names[at].clone()));
    } else if let Some(&at) = adorned.first().or(other_decimal.first()) {
        remarks.push(Remark::FewAdorned(names[at].clone()));
    } else if let (Some(&at), false) = (words.first(), plain.is_empty()) {
        remarks.push(Remark::Mixed { numbers: cells(&plain), cells: all, example: names[at].clone() });
    }
    Ok(as_text(counted, of, &in_text, remarks))
}

/// Numbers of a column whose type in the file is text, which is said.
fn numbers_of_text(counted: &Counted<'_>, of: &Context<'_>) -> Result<Understood, ColumnFault> {
    let mut understood = numbers(counted, of, false)?;
    let is_number = |name: &&String| of.marks.plain(name).is_some() && !of.is_missing(name);
    let numbers = counted.levels.names.iter().filter(is_number).count();
    understood.remarks.push(Remark::NumbersOfText(numbers));
    Ok(understood)
}

/// Numbers; `said`: also those for people.
fn numbers(counted: &Counted<'_>, of: &Context<'_>, said: bool) -> Result<Understood, ColumnFault> {
    let names = &counted.levels.names;
    let read = |name: &str| if said { of.marks.adorned(name) } else { of.marks.plain(name) };
    let mut values = Vec::with_capacity(names.len());
    let (mut strays, mut good, mut example, mut long) = (Vec::new(), 0, None, None);
    for (at, name) in names.iter().enumerate() {
        let missing = of.is_missing(name);
        let value = read(name).filter(|_| !missing);
        match value {
            Some(value) => {
                good += counted.counts[at];
                if said && example.is_none() && of.marks.plain(name).is_none() {
                    example = Some((name.clone(), value));
                }
                if said && long.is_none() && is_too_long(name) {
                    long = Some(name.clone());
                }
            }
            None if missing => {}
            None => {
                strays.push(counted.stray(at));
            }
        }
        values.push(value.unwrap_or(f64::NAN));
    }
    let mut remarks: Vec<Remark> = of.stray_numbers(strays, good)?.into_iter().collect();
    remarks.extend(long.map(Remark::Rounded));
    remarks.extend(example.map(|(example, value)| Remark::Adorned { example, value }));
    let words = counted.words(&|name| of.is_missing(name));
    if !words.is_empty() {
        remarks.push(Remark::Missing(words));
    }
    let value = |&code: &u32| values.get(code as usize).copied().unwrap_or(f64::NAN);
    Ok(Understood { values: Values::Number(counted.levels.codes.iter().map(value).collect()), remarks })
}

/// Booleans, when all are `true` or `false` in any case.
fn booleans(counted: &Counted<'_>, of: &Context<'_>) -> Option<Understood> {
    if of.is_text_by_type && !of.reading.is_label(of.column) {
        return None;
    }
    truths(counted, of, &|name| name.to_lowercase().parse().ok()).ok()
}

/// Booleans as people write them; the others are strays.
fn booleans_as_said(counted: &Counted<'_>, of: &Context<'_>) -> Result<Understood, ColumnFault> {
    let read = |name: &str| match name.to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    };
    match truths(counted, of, &read) {
        Ok(understood) => Ok(understood),
        Err((mut understood, strays, good)) => {
            understood.remarks.extend(of.strays(ColumnKind::Boolean, strays, good)?);
            Ok(understood)
        }
    }
}

type WithStrays = (Understood, Vec<(Stray, usize)>, u64);

fn truths(
    counted: &Counted<'_>,
    of: &Context<'_>,
    read: &dyn Fn(&str) -> Option<bool>,
) -> Result<Understood, WithStrays> {
    let (mut strays, mut good, mut values) = (Vec::new(), 0, Vec::new());
    for (at, name) in counted.levels.names.iter().enumerate() {
        let value = read(name);
        match value {
            Some(_) => good += counted.counts[at],
            None if of.is_missing(name) => {}
            None => strays.push(counted.stray(at)),
        }
        values.push(value);
    }
    let value = |&code: &u32| values.get(code as usize).copied().flatten();
    let values = Values::Bool(counted.levels.codes.iter().map(value).collect());
    let words = counted.words(&|name| read(name).is_none() && of.is_missing(name));
    let remarks = if words.is_empty() { Vec::new() } else { vec![Remark::Missing(words)] };
    let understood = Understood { values, remarks };
    if strays.is_empty() { Ok(understood) } else { Err((understood, strays, good)) }
}

/// Points in time, when all are; a fault when most are.
fn times(counted: &Counted<'_>, of: &Context<'_>) -> Result<Option<Understood>, ColumnFault> {
    let is_time = |name: &&String| time::parse(name).is_some();
    let names = &counted.levels.names;
    let known: Vec<usize> = (0..names.len()).filter(|&at| is_time(&&names[at])).collect();
    let others: Vec<usize> =
        (0..names.len()).filter(|&at| !is_time(&&names[at]) && !of.is_missing(&names[at])).collect();
    let cells = |of: &[usize]| of.iter().map(|&at| counted.counts[at]).sum::<u64>();
    let (good, bad) = (cells(&known), cells(&others));
    let mostly = known.len() > FEW && good as f64 >= MOSTLY * (good + bad) as f64;
    if known.is_empty() || (!others.is_empty() && (!mostly || of.reading.is_label(of.column))) {
        return Ok(None);
    }
    times_as_said(counted, of).map(Some)
}

/// Points in time; the others are strays.
fn times_as_said(counted: &Counted<'_>, of: &Context<'_>) -> Result<Understood, ColumnFault> {
    let names = &counted.levels.names;
    let said = of.kind == Some(ColumnKind::Datetime);
    let read = |name: &str| time::parse(name).or_else(|| if said { time::parse_compact(name) } else { None });
    let (mut strays, mut good, mut values) = (Vec::new(), 0, Vec::new());
    let (mut zoned, mut bare) = (false, None);
    for (at, name) in names.iter().enumerate() {
        let written = read(name);
        match written {
            Some(written) => {
                good += counted.counts[at];
                zoned |= written.zoned;
                if !written.zoned {
                    bare = bare.or(Some(at));
                }
            }
            None if of.is_missing(name) => {}
            None => strays.push(counted.stray(at)),
        }
        values.push(written.map_or(Values::NO_TIME, |written| written.micros));
    }
    if let (true, Some(at)) = (zoned, bare) {
        if of.reading.is_label(of.column) {
            return Ok(as_text(counted, of, &|name| of.is_missing_in_text(name), Vec::new()));
        }
        return Err(of.fault(Matter::Zones { example: names[at].clone() }, counted.row(at)));
    }
    let mut remarks: Vec<Remark> = of.strays(ColumnKind::Datetime, strays, good)?.into_iter().collect();
    let words = counted.words(&|name| read(name).is_none() && of.is_missing(name));
    if !words.is_empty() {
        remarks.push(Remark::Missing(words));
    }
    let value = |&code: &u32| values.get(code as usize).copied().unwrap_or(Values::NO_TIME);
    Ok(Understood { values: Values::Time(counted.levels.codes.iter().map(value).collect()), remarks })
}

/// Levels, without those that are missing.
fn as_text(
    counted: &Counted<'_>,
    of: &Context<'_>,
    is_missing: &dyn Fn(&str) -> bool,
    mut remarks: Vec<Remark>,
) -> Understood {
    let Levels { names, codes } = counted.levels;
    let words = counted.words(is_missing);
    let doubtful = counted.words(&|name| missing::is_doubtful(name) && !is_missing(name));
    if !doubtful.is_empty() && !of.reading.is_label(of.column) {
        remarks.push(Remark::Doubtful(doubtful));
    }
    if words.is_empty() {
        return Understood { values: Values::Text(counted.levels.clone()), remarks };
    }
    let mut kept = Vec::new();
    let new: Vec<u32> = names
        .iter()
        .map(|name| {
            if is_missing(name) {
                return Levels::MISSING;
            }
            kept.push(name.clone());
            kept.len() as u32 - 1
        })
        .collect();
    let code = |&code: &u32| new.get(code as usize).copied().unwrap_or(Levels::MISSING);
    let codes = codes.iter().map(code).collect();
    remarks.push(Remark::Missing(words));
    Understood { values: Values::Text(Levels { names: kept, codes }), remarks }
}

/// `31/12/2024`, `12-31-24`, `31.12.2024`, `2024/12/31`, also with a time behind.
fn looks_like_date(text: &str) -> bool {
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    ['/', '-', '.'].iter().any(|&mark| {
        let parts: Vec<&str> = date.split(mark).collect();
        let is_digits = |part: &&str| matches!(part.len(), 1 | 2 | 4) && part.bytes().all(|b| b.is_ascii_digit());
        parts.len() == 3 && parts.iter().all(is_digits) && parts.iter().filter(|part| part.len() == 4).count() <= 1
    })
}
