//! A data file checked against the sweep file: features, labels, fingerprint.

use std::collections::{BTreeMap, HashMap};

use super::done::Read;
use super::error::DataError;
use super::fault::cut;
use super::fingerprint::of_source;
use super::pick::{Pick, is_dropped};
use super::place::Place;
use super::read::read_table;
use super::reading::Reading;
use super::repeated::repeated_rows;
use super::row_place::Places;
use super::split::columns::SplitColumns;
use super::suspect::suspicions;
use super::table::{Column, Levels, Table, Values};
use super::weight;
use focalsweep_core::prepared::LabelReading;
use focalsweep_core::spec::{DataSpec, DatePart, Scalar, SplitSpec};

/// A text column with more levels than this, most of them on one row only, is an identifier.
const MOST_LEVELS_OF_RARE: usize = 100;

/// The data of a sweep, read once.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The feature columns: neither the label nor those of `data.drop`.
    pub table: Table,
    /// 1 for the rare class, else 0; one a row.
    pub labels: Vec<u8>,
    /// By how much each row counts; empty where each counts once.
    pub weights: Vec<f64>,
    /// The label column.
    pub label: String,
    /// The value of the rare class.
    pub positive: String,
    /// The value of the other class; `not ...` where it is several.
    pub negative: String,
    /// Whether the other class has several values.
    pub(super) has_others: bool,
    /// First 16 hexadecimal digits of a SHA-256 over the features, the labels and the preparation's settings.
    pub fingerprint: String,
    /// What people should know about how the file was understood, a line each.
    pub notes: Vec<String>,
    /// What is to be looked at before results are believed.
    pub warnings: Vec<String>,
    /// Where the rows stand.
    pub(super) places: Places,
    /// What the split reads beside the labels.
    pub(super) split: SplitColumns,
}

impl Source {
    /// The 0-based `row` as people find it.
    pub(super) fn place(&self, row: usize) -> Place {
        self.places.of(row)
    }

    /// The number of a row among all rows of the source, of which some may be left out.
    pub(super) fn number(&self, row: u32) -> u32 {
        self.places.number(row)
    }

    /// The row whose number among all rows of the source this is.
    pub(super) fn row_of(&self, number: u32) -> Option<usize> {
        self.places.row_of(number)
    }

    /// How the label was read, for files that a model is applied to.
    pub(super) fn label_reading(&self) -> LabelReading {
        LabelReading {
            column: self.label.clone(),
            positive: self.positive.clone(),
            negative: (!self.has_others).then(|| self.negative.clone()),
        }
    }

    /// Rows of the rare class.
    pub fn positives(&self) -> usize {
        self.labels.iter().map(|&label| usize::from(label)).sum()
    }
}

/// Reads `data.source` and checks it against the rest of `data`. The columns that the split reads and that of weights
/// are no features.
///
/// # Errors
/// Those of [`read_table`]; a key names a column that is not there, or does not hold what the key asks for, or a column
/// stands under two keys that exclude each other; the label is missing somewhere, has one value, or more than two and
/// no `positive`; `positive` is not among the labels; a weight is missing or is none; a logarithm cannot be taken; a
/// text column looks like an identifier; no feature is left.
pub fn load(spec: &DataSpec, split: &SplitSpec) -> Result<Source, DataError> {
    check_conflicts(spec)?;
    let of_split = split.columns();
    // Before a fault of another column hides it.
    if let Some((second, name)) = of_split.iter().find(|(_, name)| *name == spec.label) {
        return Err(DataError::Conflict { column: (*name).to_owned(), first: "data.label", second });
    }
    let is_of_split = |name: &String| of_split.iter().any(|(_, column)| column == name);
    // They are read, though they may be left out as features.
    let drop: Vec<String> = spec.drop.iter().filter(|name| !is_of_split(name)).cloned().collect();
    let keep: Vec<&str> = of_split.iter().map(|(_, column)| *column).chain(spec.weight.as_deref()).collect();
    let mut reading = Reading::of_spec(spec);
    reading.with_split(split);
    if let Some(weight) = &spec.weight {
        reading.with_weight(weight);
    }
    let read = read_table(&spec.source, Pick::Kept { drop: &drop, keep: &keep }, &reading);
    let read = read.map_err(|error| in_split(error, split).sought_beside(spec.beside.as_deref()))?;
    let Read { mut table, notes: of_reading, mut warnings, mut places } = read;
    let Some(at) = table.columns.iter().position(|column| column.name == spec.label) else {
        return Err(DataError::unknown_column("data.label", &spec.label, table.names()));
    };
    let mut of_rows = None;
    if spec.deduplicate {
        let repeated = repeated_rows(&table);
        let kept: Vec<u32> = (0..table.rows as u32).filter(|&row| !repeated[row as usize]).collect();
        let dropped = table.rows - kept.len();
        if dropped > 0 {
            table = table.rows_of(&kept);
            places.keep(kept);
        }
        of_rows = Some(format!("rows that are exact copies of earlier ones, left out as asked: {dropped}"));
    }
    for (name, &offset) in &spec.log {
        match table.column(name) {
            None => return Err(DataError::unknown_column("data.log", name, table.names())),
            Some(column) => check_log(&places, column, offset)?,
        }
    }
    let label = table.columns.remove(at);
    let weights = match &spec.weight {
        Some(name) => weight::take(&mut table, name, split, &places)?,
        None => Vec::new(),
    };
    let columns = SplitColumns::take(&mut table, spec, split, &places)?;
    let is_unused = |column: &Column| column.is_time() && !spec.datetime.contains_key(&column.name);
    if table.columns.iter().all(is_unused) {
        let times = if table.columns.is_empty() { "" } else { " and points in time" };
        return Err(DataError::NoFeatures { why: format!("the data has the label `{}`{times} only", spec.label) });
    }
    for column in &table.columns {
        check_identifier(column, table.rows)?;
    }
    let classes = Classes::of(&places, &label, spec.positive.as_ref())?;
    let positives: usize = classes.labels.iter().map(|&label| usize::from(label)).sum();
    let mut notes = vec![format!(
        "label `{}`: {} of {} rows are positive ({}{})",
        label.name, positives, table.rows, classes.positive, classes.chosen,
    )];
    if !spec.drop.is_empty() {
        notes.push(format!("dropped as asked: {}", spec.drop.join(", ")));
    }
    if let Some(name) = &spec.weight {
        let (least, most) = weights.iter().fold((f64::INFINITY, 0.0_f64), |(a, b), &w| (a.min(w), b.max(w)));
        notes.push(format!("rows count by `{name}`, from {least} to {most}"));
    }
    notes.extend(of_reading);
    notes.extend(of_rows);
    notes.extend(times_note(&table, &spec.datetime));
    if spec.positive.is_none() && 2 * positives > table.rows {
        let share = 100.0 * positives as f64 / table.rows as f64;
        warnings.push(format!(
            "label `{}`: the positive class, {}, is {share:.1} % of the rows and so not rare; `data.positive: {}` \
             takes the other",
            label.name, classes.positive, classes.negative,
        ));
    }
    warnings.extend(suspicions(&table, &classes.labels, spec));
    let fingerprint = of_source(&table, &classes.labels, &weights, spec);
    Ok(Source {
        table,
        labels: classes.labels,
        weights,
        label: label.name,
        positive: classes.positive,
        negative: classes.negative,
        has_others: classes.has_others,
        fingerprint,
        notes,
        warnings,
        places,
        split: columns,
    })
}

/// Of the columns that are no features because they are points in time.
fn times_note(table: &Table, asked: &BTreeMap<String, Vec<DatePart>>) -> Option<String> {
    let times = table.columns.iter().filter(|column| column.is_time() && !asked.contains_key(&column.name));
    let names: Vec<&str> = times.map(|column| column.name.as_str()).collect();
    let why = "points in time, so no features (`data.datetime: {COLUMN: [hour, weekday]}` makes some)";
    (!names.is_empty()).then(|| format!("{why}: {}", names.join(", ")))
}

/// A column that is asked for by the split alone is named by its key.
fn in_split(error: DataError, split: &SplitSpec) -> DataError {
    match error {
        DataError::UnknownColumn { key, column, help } => {
            let key = split.columns().into_iter().find(|(_, name)| *name == column).map_or(key, |(key, _)| key);
            DataError::UnknownColumn { key, column, help }
        }
        other => other,
    }
}

fn check_conflicts(spec: &DataSpec) -> Result<(), DataError> {
    let conflict = |column: &str, first, second| Err(DataError::Conflict { column: column.to_owned(), first, second });
    if is_dropped(&spec.drop, &spec.label) {
        return conflict(&spec.label, "data.label", "data.drop");
    }
    if spec.weight.as_ref() == Some(&spec.label) {
        return conflict(&spec.label, "data.label", "data.weight");
    }
    if spec.log.contains_key(&spec.label) {
        return conflict(&spec.label, "data.label", "data.log");
    }
    for name in spec.log.keys() {
        if is_dropped(&spec.drop, name) {
            return conflict(name, "data.log", "data.drop");
        }
        if spec.categorical.contains(name) {
            return conflict(name, "data.log", "data.categorical");
        }
    }
    match spec.categorical.iter().find(|name| is_dropped(&spec.drop, name)) {
        Some(name) => conflict(name, "data.categorical", "data.drop"),
        None => Ok(()),
    }
}

fn check_log(places: &Places, column: &Column, offset: f64) -> Result<(), DataError> {
    let is_number = |row: usize| {
        matches!(&column.values, Values::Text(levels)
        if levels.get(row).is_some_and(|text| text.parse::<f64>().is_ok()))
    };
    let (row, value) = match &column.values {
        Values::Number(values) => match values.iter().position(|value| value + offset <= 0.0) {
            None => return Ok(()),
            Some(row) => {
                let column = column.name.clone();
                return Err(DataError::LogOfNonPositive { column, place: places.of(row), value: values[row], offset });
            }
        },
        Values::Bool(values) => (0..values.len()).find(|&row| values[row].is_some()),
        Values::Text(levels) => {
            (0..levels.codes.len()).find(|&row| levels.get(row).is_some() && !is_number(row)).or(Some(0))
        }
        Values::Time(values) => values.iter().position(|&time| time != Values::NO_TIME),
    }
    .map_or((0, String::new()), |row| (row, column.values.show(row)));
    Err(DataError::LogOfText { column: column.name.clone(), place: places.of(row), value })
}

fn check_identifier(column: &Column, rows: usize) -> Result<(), DataError> {
    match &column.values {
        Values::Text(Levels { names, .. }) if names.len() > MOST_LEVELS_OF_RARE && 2 * names.len() > rows => {
            Err(DataError::Identifier { column: column.name.clone(), levels: names.len(), rows })
        }
        _ => Ok(()),
    }
}

/// The label column understood.
struct Classes {
    labels: Vec<u8>,
    positive: String,
    negative: String,
    has_others: bool,
    /// How the positive class was found.
    chosen: &'static str,
}

impl Classes {
    fn of(places: &Places, label: &Column, positive: Option<&Scalar>) -> Result<Self, DataError> {
        let column = || label.name.clone();
        let codes = Coded::of(&label.values);
        if let Some(row) = codes.rows.iter().position(|&code| code == Levels::MISSING) {
            return Err(DataError::LabelMissing { column: column(), place: places.of(row) });
        }
        let texts: Vec<String> = codes.first_rows.iter().map(|&row| label.values.show(row)).collect();
        check_spellings(&label.name, &texts, &codes.counts, positive)?;
        if let [value] = texts.as_slice() {
            return Err(DataError::LabelOneClass { column: column(), value: value.clone() });
        }
        let (at, chosen) = match positive {
            Some(wanted) => match texts.iter().position(|text| is_same(&wanted.to_string(), text)) {
                Some(at) => (at, ""),
                None => {
                    let positive = wanted.to_string();
                    return Err(DataError::LabelAbsent { column: column(), positive, values: list(&texts) });
                }
            },
            None if texts.len() > 2 => {
                return Err(DataError::LabelManyClasses { column: column(), count: texts.len(), values: list(&texts) });
            }
            None => codes.rare(&texts).ok_or_else(|| DataError::LabelTie { column: column(), values: list(&texts) })?,
        };
        let labels = codes.rows.iter().map(|&code| u8::from(code as usize == at)).collect();
        let negative = if texts.len() == 2 { texts[1 - at].clone() } else { format!("not {}", texts[at]) };
        Ok(Self { labels, positive: texts[at].clone(), negative, has_others: texts.len() > 2, chosen })
    }
}

/// The classes of a label of another file, as `reading` has them: 1 or 0 a row, `None` where the label is missing.
///
/// # Errors
/// A sentence: a value is of neither class, or spells the positive one in another way.
pub(super) fn classes_as(reading: &LabelReading, values: &Values) -> Result<Vec<Option<u8>>, String> {
    let LabelReading { column, positive, negative } = reading;
    let codes = Coded::of(values);
    let texts: Vec<String> = codes.first_rows.iter().map(|&row| values.show(row)).collect();
    let wanted = Scalar::Text(positive.clone());
    check_spellings(column, &texts, &codes.counts, Some(&wanted)).map_err(|error| error.to_string())?;
    let class = |text: &String| match negative {
        _ if is_same(positive, text) => Some(1),
        Some(negative) => is_same(negative, text).then_some(0),
        None => (plain(text) != plain(positive)).then_some(0),
    };
    let classes: Vec<Option<u8>> = texts.iter().map(class).collect();
    let others = texts.iter().zip(&classes).filter(|(_, class)| class.is_none());
    let others: Vec<String> = others.map(|(text, _)| cut(text)).collect();
    if !others.is_empty() {
        let known = negative.as_ref().map_or_else(String::new, |negative| format!(" and {negative}"));
        return Err(format!("label `{column}` holds {}, but the model knows {positive}{known}", list(&others)));
    }
    Ok(codes.rows.iter().map(|&code| classes.get(code as usize).copied().flatten()).collect())
}

/// A text without what its spellings may differ by.
fn plain(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect()
}

/// Refuses a label of which one value is written in several ways: of the positive class, or, where it is not known yet
/// which that is, of any.
fn check_spellings(label: &str, texts: &[String], counts: &[u64], positive: Option<&Scalar>) -> Result<(), DataError> {
    let mut spellings: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, text) in texts.iter().enumerate() {
        spellings.entry(plain(text)).or_default().push(at);
    }
    let matters = |at: &usize| positive.is_none_or(|wanted| plain(&wanted.to_string()) == plain(&texts[*at]));
    match spellings.values().find(|group| group.len() > 1 && group.iter().any(matters)) {
        None => Ok(()),
        Some(group) => {
            let told: Vec<String> = group.iter().map(|&at| format!("`{}` ({})", cut(&texts[at]), counts[at])).collect();
            Err(DataError::LabelSpellings { column: label.to_owned(), spellings: told.join(", ") })
        }
    }
}

/// Label values numbered in the order in which they turn up.
struct Coded {
    rows: Vec<u32>,
    first_rows: Vec<usize>,
    counts: Vec<u64>,
}

impl Coded {
    fn of(values: &Values) -> Self {
        let mut coded = Self { rows: Vec::new(), first_rows: Vec::new(), counts: Vec::new() };
        match values {
            // Adding 0.0 makes one value of 0.0 and -0.0.
            Values::Number(cells) => {
                coded.fill(cells.iter().map(|value| (!value.is_nan()).then(|| (value + 0.0).to_bits())));
            }
            Values::Bool(cells) => coded.fill(cells.iter().map(|value| value.map(u64::from))),
            Values::Text(levels) => {
                let cells = levels.codes.iter();
                coded.fill(cells.map(|&code| (code != Levels::MISSING).then_some(u64::from(code))));
            }
            Values::Time(cells) => {
                coded.fill(cells.iter().map(|&time| (time != Values::NO_TIME).then_some(time as u64)));
            }
        }
        coded
    }

    fn fill(&mut self, cells: impl Iterator<Item = Option<u64>>) {
        let mut known: HashMap<u64, u32> = HashMap::new();
        let mut last: Option<(u64, u32)> = None;
        for (row, cell) in cells.enumerate() {
            let Some(key) = cell else {
                self.rows.push(Levels::MISSING);
                continue;
            };
            let code = match last {
                Some((same, code)) if same == key => code,
                _ => *known.entry(key).or_insert_with(|| {
                    self.first_rows.push(row);
                    self.counts.push(0);
                    self.first_rows.len() as u32 - 1
                }),
            };
            last = Some((key, code));
            self.counts[code as usize] += 1;
            self.rows.push(code);
        }
    }

    /// Which of two values is the rare class and why; `None` when nothing says so.
    fn rare(&self, texts: &[String]) -> Option<(usize, &'static str)> {
        let number = |text: &String| match text.to_lowercase().parse::<bool>() {
            Ok(truth) => Some(f64::from(u8::from(truth))),
            Err(_) => text.parse::<f64>().ok(),
        };
        let is = |at: usize, value: f64| texts.get(at).and_then(number) == Some(value);
        match (self.counts.first()?, self.counts.get(1)?) {
            _ if is(0, 1.0) && is(1, 0.0) => Some((0, "")),
            _ if is(0, 0.0) && is(1, 1.0) => Some((1, "")),
            (first, second) if first < second => Some((0, ", the rarer value")),
            (first, second) if first > second => Some((1, ", the rarer value")),
            _ => None,
        }
    }
}

/// Whether the label value written `text` is the one asked for: numbers by value, truths as 1 and 0, text exactly.
pub(super) fn is_same(wanted: &str, text: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    let truth = |text: &str| text.to_lowercase().parse::<bool>().ok();
    wanted == text
        || number(wanted).is_some_and(|value| number(text) == Some(value))
        || match (truth(wanted), truth(text)) {
            (Some(wanted), Some(found)) => wanted == found,
            (Some(wanted), None) => number(text) == Some(f64::from(u8::from(wanted))),
            (None, Some(found)) => number(wanted) == Some(f64::from(u8::from(found))),
            (None, None) => false,
        }
}

/// At most 10 of the values, sorted.
fn list(values: &[String]) -> String {
    const MOST: usize = 10;
    let mut sorted: Vec<&str> = values.iter().map(String::as_str).collect();
    sorted.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    });
    let shown = sorted[..sorted.len().min(MOST)].join(", ");
    if sorted.len() > MOST { format!("{shown}, ...") } else { shown }
}
