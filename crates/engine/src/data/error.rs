//! What can be wrong with the data, said so that the place and the way out are named.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use thiserror::Error;

use super::fault::{ColumnFault, headlines, remedy};
use super::place::Place;
use crate::memory::{Short, in_words};

const OF_A_MODEL: &str = "give the columns values as they were in the training data, or leave the cells empty";

/// Everything that reading, fetching or preparing data can fail with.
#[derive(Debug, Error, Diagnostic)]
pub enum DataError {
    /// The system gives no thread more.
    #[error("cannot start a thread that prepares rows: {0}")]
    #[diagnostic(help(
        "raise the limits of processes or memory (`ulimit -u`, `ulimit -v`), or run fewer trials at once"
    ))]
    NoThread(#[source] std::io::Error),
    /// The file is not there.
    #[error("there is no file {}", .path.display())]
    NotFound {
        /// The file asked for.
        path: PathBuf,
        /// What to do.
        #[help]
        help: String,
    },
    /// The ending of the file name is none that is read or written.
    #[error("{} is not a .csv, .csv.gz or .parquet file by its name", .path.display())]
    #[diagnostic(help("rename or convert the file: its ending says how it is read and written"))]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// A folder or a pattern with no file.
    #[error("no Parquet file is found by {}", .path.display())]
    #[diagnostic(help(
        "a folder has .parquet files in it or below it; a pattern such as `parts/*.parquet` names some"
    ))]
    NoParts {
        /// The folder or the pattern.
        path: PathBuf,
    },
    /// One of several files is no Parquet.
    #[error("{} is one of several files, but no .parquet file by its name", .path.display())]
    #[diagnostic(help("several files are read as Parquet only: write them as such, or as one CSV file"))]
    PartFormat {
        /// The file.
        path: PathBuf,
    },
    /// The folders of parts name different columns.
    #[error(
        "the folders of {} name other columns than those of {}, which name {expected}",
        .path.display(), .first.display()
    )]
    #[diagnostic(help("each part lies in folders of the same keys, such as `year=2024/month=01`"))]
    PartFolders {
        /// The file.
        path: PathBuf,
        /// The first file.
        first: PathBuf,
        /// Its keys.
        expected: String,
    },
    /// Parts that are no parts of one table.
    #[error("{}: {what}", .path.display())]
    #[diagnostic(help("all parts have the same columns, and a column is of one kind in all of them"))]
    PartColumns {
        /// The file.
        path: PathBuf,
        /// What differs from the first one.
        what: String,
    },
    /// Columns that cannot be taken as anything without a word.
    #[error("{}", headlines(.faults))]
    #[diagnostic(help("{}", if *.of_model { OF_A_MODEL.to_owned() } else { remedy(.faults) }))]
    Columns {
        /// What is the matter with each.
        faults: Vec<ColumnFault>,
        /// Whether a model is to read them.
        of_model: bool,
    },
    /// The text is of another encoding than the one it is read in.
    #[error("{} is encoded as {found}, but read as {said}", .path.display())]
    #[diagnostic(help("write `data.csv: {{encoding: {write}}}`"))]
    Encoding {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        found: &'static str,
        /// What it was taken for.
        said: &'static str,
        /// The word for what it is.
        write: &'static str,
    },
    /// Two characters may lie between the cells.
    #[error("{} may be separated by {found}", .path.display())]
    #[diagnostic(help("say which under `data.csv`, such as `data.csv: {{delimiter: \";\"}}`"))]
    TwoDelimiters {
        /// The file.
        path: PathBuf,
        /// The two, with how many columns each would make.
        found: String,
    },
    /// Lines before the header.
    #[error("{}, line {line}, begins with `#` and is no row of the table: `{start}`", .path.display())]
    #[diagnostic(help("`data.csv: {{comment: \"#\"}}` skips such lines, `data.csv: {{skip_rows: N}}` the first N"))]
    LeadingComment {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: u64,
        /// How it begins.
        start: String,
    },
    /// The file's content is not what its name says.
    #[error("cannot read {}: it is not a readable {format} file ({why})", .path.display())]
    #[diagnostic(help("it is damaged, cut off, or of another kind than its name says: make or fetch it again"))]
    Broken {
        /// The file.
        path: PathBuf,
        /// `Parquet`, ...
        format: &'static str,
        /// What the format's reader says.
        why: String,
    },
    /// The file could not be read or written.
    #[error("cannot {action} {}: {why}", .path.display())]
    #[diagnostic(help("{}", file_help(.action)))]
    File {
        /// `read`, `write`, ...
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system or the format's reader says.
        why: String,
    },
    /// More memory would be needed than may be taken.
    #[error("{what} would take about {} of memory, and {} may be taken", in_words(short.need), in_words(short.most))]
    #[diagnostic(help(
        "{help}; or use a machine, or a limit (`ulimit -v`, a job's or container's memory), with more memory"
    ))]
    Memory {
        /// What needs it.
        what: String,
        /// How much, and what there is.
        short: Short,
        /// What needs less.
        help: &'static str,
    },
    /// A line that is no row of any table.
    #[error("{}: record {record} is longer than {most} MiB", .path.display())]
    #[diagnostic(help("a quote that is not closed, or no CSV file: look at the line"))]
    LongRecord {
        /// The file.
        path: PathBuf,
        /// The header is record 1.
        record: u64,
        /// How long one may be.
        most: u64,
    },
    /// Nothing in the file, or a header only.
    #[error("{} has no rows", .path.display())]
    #[diagnostic(help("a CSV file needs a line of column names and at least one row"))]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The separator is no comma.
    #[error("{} seems to be separated by {separator}, but its rows are of different lengths then", .path.display())]
    #[diagnostic(help(
        "`data.csv: {{delimiter: …}}` says what lies between cells; a cell that holds it stands in quotes"
    ))]
    Separator {
        /// The file.
        path: PathBuf,
        /// Name of the character.
        separator: &'static str,
    },
    /// Two columns have one name.
    #[error("{} has two columns named `{column}`", .path.display())]
    #[diagnostic(help("column names must differ: rename one"))]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        column: String,
    },
    /// A row of a CSV file has too few or too many cells.
    #[error("{}, line {line}: {found} cells, but the header names {expected} columns", .path.display())]
    #[diagnostic(help("a comma inside a cell needs double quotes around the cell, and each quote its closing one"))]
    Ragged {
        /// The file.
        path: PathBuf,
        /// 1-based line of the file.
        line: u64,
        /// Columns of the header.
        expected: String,
        /// Cells of the row, perhaps `more`.
        found: String,
    },
    /// Bytes that are no UTF-8.
    #[error("{}, line {line}: column {column} is not valid UTF-8", .path.display())]
    #[diagnostic(help(
        "if other programs show it well as Windows or Western text, write `data.csv: {{encoding: windows-1252}}`, or \
         `latin1`"
    ))]
    Utf8 {
        /// The file.
        path: PathBuf,
        /// 1-based line of the file.
        line: u64,
        /// 1-based column.
        column: String,
    },
    /// A Parquet type that is neither a number, a boolean, text nor a time.
    #[error("column `{column}` has type {kind}, which is neither a number, a boolean, text nor a point in time")]
    #[diagnostic(help("{}", if *.is_label { "a label is of one of these" } else { "add it to `data.drop`" }))]
    ColumnType {
        /// The column.
        column: String,
        /// Its Arrow type.
        kind: String,
        /// Whether it is the label.
        is_label: bool,
    },
    /// A cell is infinite.
    #[error("column `{column}`, {place}: the value is infinite")]
    #[diagnostic(help("replace it by a number, or leave the cell empty to have it imputed"))]
    Infinite {
        /// The column.
        column: String,
        /// The row.
        place: Place,
    },
    /// A value beyond single precision.
    #[error("column `{column}`, {place}: {value:e} is too large for single precision once prepared")]
    #[diagnostic(help("take `data.log` of the column, set `data.clip`, or correct the value"))]
    TooLarge {
        /// The column.
        column: String,
        /// The row.
        place: Place,
        /// The value.
        value: f64,
    },
    /// `data.log` of a number that has no logarithm.
    #[error("column `{column}`, {place}: {value} + {offset} is not above 0, so it has no logarithm")]
    #[diagnostic(help("choose a larger offset for `data.log.{column}`"))]
    LogOfNonPositive {
        /// The column.
        column: String,
        /// The row.
        place: Place,
        /// The value.
        value: f64,
        /// The offset of `data.log`.
        offset: f64,
    },
    /// `data.log` of something that is no number.
    #[error("`data.log` needs numbers, but column `{column}`, {place}, holds `{value}`")]
    #[diagnostic(help("take `{column}` out of `data.log`, or correct the column"))]
    LogOfText {
        /// The column.
        column: String,
        /// The first row that is no number.
        place: Place,
        /// What stands there.
        value: String,
    },
    /// A column that the sweep file names is not in the data.
    #[error("`{key}` names `{column}`, but the data has no such column")]
    UnknownColumn {
        /// The key of the sweep file.
        key: &'static str,
        /// The name.
        column: String,
        /// The nearest names.
        #[help]
        help: String,
    },
    /// A pattern that no column's name fits.
    #[error("`data.drop` has the pattern `{pattern}`, which no column's name fits")]
    PatternFitsNone {
        /// The pattern.
        pattern: String,
        /// The nearest names.
        #[help]
        help: String,
    },
    /// A column is asked to be two things at once.
    #[error("column `{column}` stands under `{first}` and under `{second}`")]
    #[diagnostic(help("take it out of one of them"))]
    Conflict {
        /// The column.
        column: String,
        /// One key.
        first: &'static str,
        /// The other key.
        second: &'static str,
    },
    /// Nothing is left to learn from.
    #[error("no column is left as a feature: {why}")]
    #[diagnostic(help("see `focalsweep data describe`"))]
    NoFeatures {
        /// Why not.
        why: String,
    },
    /// A text column that is different on nearly every row.
    #[error("text column `{column}` has {levels} different values on {rows} rows: it looks like an identifier")]
    #[diagnostic(help("add it to `data.drop`; if it holds numbers or times, `data.types` says so"))]
    Identifier {
        /// The column.
        column: String,
        /// Distinct values.
        levels: usize,
        /// Rows.
        rows: usize,
    },
    /// A text column whose levels would make too many features.
    #[error(
        "text column `{column}` would become {levels} features, one for each of its levels, expected at most {most}"
    )]
    #[diagnostic(help(
        "add it to `data.drop`, or pool more of its levels with a larger `data.min_level_count` (of training rows)"
    ))]
    TooManyLevels {
        /// The column.
        column: String,
        /// Its levels on the training rows, after rare ones were pooled.
        levels: usize,
        /// How many may be.
        most: usize,
    },
    /// Text columns whose levels together would make too many features.
    #[error(
        "text columns would become {total} features, one for each level, expected at most {most}; \
         `{column}` alone makes {levels}"
    )]
    #[diagnostic(help(
        "add columns to `data.drop`, or pool more levels with a larger `data.min_level_count` (of training rows)"
    ))]
    TooWide {
        /// The column with most levels.
        column: String,
        /// Its levels.
        levels: usize,
        /// Levels of all columns.
        total: usize,
        /// How many may be.
        most: usize,
    },
    /// A row without a label.
    #[error("label `{column}`, {place}: the value is missing")]
    #[diagnostic(help("every row needs a label: fill it in or remove the row"))]
    LabelMissing {
        /// The label column.
        column: String,
        /// The row.
        place: Place,
    },
    /// A value of the label in several spellings.
    #[error("label `{column}` has values that differ only by case or blanks: {spellings}")]
    #[diagnostic(help("write them alike in the data: as they stand each is a class of its own"))]
    LabelSpellings {
        /// The label column.
        column: String,
        /// The spellings, with how many rows have each.
        spellings: String,
    },
    /// All labels are equal.
    #[error("label `{column}` has one value only: {value}")]
    #[diagnostic(help("a classifier needs rows of two classes"))]
    LabelOneClass {
        /// The label column.
        column: String,
        /// The value.
        value: String,
    },
    /// More than two classes and nobody said which one matters.
    #[error("label `{column}` has {count} values: {values}")]
    #[diagnostic(help("say under `data.positive` which of them is the rare class; the others become the negatives"))]
    LabelManyClasses {
        /// The label column.
        column: String,
        /// Distinct values.
        count: usize,
        /// The values, at most 10.
        values: String,
    },
    /// Two values, equally frequent.
    #[error("label `{column}` has the values {values}, each on half of the rows")]
    #[diagnostic(help("say under `data.positive` which of them is the rare class"))]
    LabelTie {
        /// The label column.
        column: String,
        /// The two values.
        values: String,
    },
    /// `data.positive` is not among the labels.
    #[error("`data.positive` is {positive}, but label `{column}` has the values {values}")]
    #[diagnostic(help("write the value as it stands in the data"))]
    LabelAbsent {
        /// The label column.
        column: String,
        /// The value asked for.
        positive: String,
        /// The values there, at most 10.
        values: String,
    },
    /// A class is too small to be in every part.
    #[error("{count} {class} rows: {parts} rows need at least one each, so {least}")]
    #[diagnostic(help(
        "a sweep needs more rows of that class: collect more, or check `data.label` and `data.positive`"
    ))]
    TooFew {
        /// `positive` or `negative`.
        class: &'static str,
        /// Rows of the class.
        count: usize,
        /// The parts that need one.
        parts: &'static str,
        /// How many parts that are.
        least: usize,
    },
    /// A split left a part without a class.
    #[error("the {part} rows of replicate {replicate} hold no {class} row")]
    PartWithout {
        /// `training`, `validation`, `test` or `calibration`.
        part: &'static str,
        /// 0-based replicate.
        replicate: u32,
        /// `positive` or `negative`.
        class: &'static str,
        /// What to do.
        #[help]
        help: &'static str,
    },
    /// Too few groups have rows of a class.
    #[error(
        "{count} groups of `{column}` have {class} rows: {parts} need at least one each, and groups are not parted, so \
         {least}"
    )]
    #[diagnostic(help("take fewer `split.folds`, a finer `split.group_column`, or `split.by: random`"))]
    FewGroups {
        /// The column whose values are the groups.
        column: String,
        /// `positive` or `negative`.
        class: &'static str,
        /// Groups with rows of the class.
        count: usize,
        /// The parts that need one.
        parts: &'static str,
        /// How many groups that takes.
        least: usize,
    },
    /// A column of groups that has another value in each row.
    #[error("`split.group_column` names `{column}`, which is different in each of the {rows} rows: an identifier")]
    #[diagnostic(help(
        "`split.by: random` does the same; rows that belong together need a column that has one value for all of them"
    ))]
    GroupsAreRows {
        /// The column.
        column: String,
        /// Rows.
        rows: usize,
    },
    /// A row without a weight.
    #[error("`data.weight` names `{column}`, which has no value in {place}")]
    #[diagnostic(help("a row counts by its weight: fill it in, or write 0 for a row that is not to count"))]
    WeightMissing {
        /// The column.
        column: String,
        /// The row.
        place: Place,
    },
    /// A weight that is none.
    #[error("`data.weight` names `{column}`, which is {value} in {place}, expected a finite number of at least 0")]
    #[diagnostic(help("a row of weight 2 counts as two rows, one of weight 0 as none"))]
    BadWeight {
        /// The column.
        column: String,
        /// The row.
        place: Place,
        /// What stands there.
        value: f64,
    },
    /// A column that weighs nothing.
    #[error("`data.weight` names `{column}`, which holds {kind}, such as `{value}`, expected numbers")]
    #[diagnostic(help("a row of weight 2 counts as two rows, one of weight 0 as none"))]
    NoWeights {
        /// The column.
        column: String,
        /// Its first value.
        value: String,
        /// What it holds.
        kind: &'static str,
    },
    /// A class that does not count in a part.
    #[error("all {class} rows of the {part} rows of replicate {replicate} have weight 0 in `{column}` (`data.weight`)")]
    #[diagnostic(help("give that part a larger share, or rows of that class a weight above 0"))]
    WeighsNothing {
        /// The column of weights.
        column: String,
        /// The part.
        part: &'static str,
        /// The replicate.
        replicate: u32,
        /// The class.
        class: &'static str,
    },
    /// A row without a time.
    #[error("`split.time_column` names `{column}`, which has no value in {place}")]
    #[diagnostic(help("a row without a time is of no part: fill it in or remove the row"))]
    TimeMissing {
        /// The column.
        column: String,
        /// The row.
        place: Place,
    },
    /// A column that orders nothing.
    #[error("`split.time_column` names `{column}`, which holds {kind}, such as `{value}`, expected times or numbers")]
    #[diagnostic(help("write times as 2026-11-29 or 2026-11-29T13:45:00Z"))]
    NoTimes {
        /// The column.
        column: String,
        /// Its first value.
        value: String,
        /// What it holds.
        kind: &'static str,
    },
    /// A span that is of another kind than the column that it is measured in.
    #[error("`{key}` is {span}, but `{column}` holds {holds}: expected {expected}")]
    #[diagnostic(help("how far two of the column's values are to be apart"))]
    SpanOfOtherKind {
        /// The key of the sweep file.
        key: &'static str,
        /// The column.
        column: String,
        /// The span.
        span: String,
        /// What the column holds.
        holds: &'static str,
        /// What that needs.
        expected: &'static str,
    },
    /// A window of time leaves a part without rows.
    #[error("split by time `{column}`: no {part} rows are left for {window}")]
    #[diagnostic(help(
        "take smaller shares (`split.test`, `split.validation`), fewer `replicates`, a shorter `split.gap` or a longer \
         `split.window`; rows of one time are never parted"
    ))]
    EmptyWindow {
        /// `training`, `validation` or `test`.
        part: &'static str,
        /// Which.
        window: String,
        /// The column.
        column: String,
    },
    /// No test row is of a new group.
    #[error("`split.new_groups` leaves no test rows: each is of a group of `{column}` that trained or validated")]
    #[diagnostic(help("take it away: test rows of known and of new groups are then told apart"))]
    NoNewGroups {
        /// The column whose values are the groups.
        column: String,
    },
    /// A value of a part that is on no row.
    #[error("`{key}` has `{value}`, which is no value of column `{column}`")]
    NoSuchPart {
        /// The key of the sweep file.
        key: &'static str,
        /// The column.
        column: String,
        /// The value.
        value: String,
        /// The nearest values.
        #[help]
        help: String,
    },
    /// A value that is asked for twice, written differently.
    #[error("`{}` and `{}` both have the value `{value}` of column `{column}`", keys[0], keys[1])]
    #[diagnostic(help("each row is of one part: take it out of one of them"))]
    ValueInTwoParts {
        /// The column.
        column: String,
        /// The value as it stands there.
        value: String,
        /// The keys of the sweep file.
        keys: [&'static str; 2],
    },
    /// A table to be prepared lacks a column that the model was trained on.
    #[error("the data has no column `{column}`, which the model was trained on")]
    MissingColumn {
        /// The column.
        column: String,
        /// The nearest names.
        #[help]
        help: String,
    },
    /// A table to be prepared has another type in a column than the training data had.
    #[error("column `{column}` holds {found}, but the model was trained on {expected}")]
    #[diagnostic(help("give the column the values that it had in the training data"))]
    OtherKind {
        /// The column.
        column: String,
        /// The kind there.
        found: &'static str,
        /// The kind that the training data had.
        expected: &'static str,
    },
    /// A `url` without its checksum.
    #[error("`data.url` needs `data.sha256`")]
    #[diagnostic(help("a download is only trusted when its SHA-256 is known: `sha256sum FILE` prints it"))]
    NoChecksum,
    /// The download did not come through.
    #[error("cannot fetch {url}: {why}")]
    Download {
        /// Where from.
        url: String,
        /// What went wrong.
        why: String,
        /// What to do.
        #[help]
        help: String,
    },
    /// The download is another file than expected.
    #[error("{url} has SHA-256 {found}, but `data.sha256` is {expected}; nothing was kept")]
    #[diagnostic(help("the file was changed at its source, or the checksum is mistyped"))]
    Checksum {
        /// Where from.
        url: String,
        /// Checksum of the sweep file.
        expected: String,
        /// Checksum of what came.
        found: String,
    },
    /// A synthetic shape that cannot be.
    #[error("cannot synthesise {what}")]
    #[diagnostic(help("ask for at least 1 feature, 1 positive and more rows than positives"))]
    Synth {
        /// What was asked for.
        what: String,
    },
}

impl DataError {
    pub(super) fn file(action: &'static str, path: &Path, why: impl ToString) -> Self {
        Self::File { action, path: path.to_path_buf(), why: why.to_string() }
    }

    /// Whether the system does not let a file be written or a thread be started: nothing that was given is wrong.
    pub fn is_of_the_system(&self) -> bool {
        matches!(self, Self::File { action: "write", .. } | Self::NoThread(_))
    }

    /// A table that does not fit.
    pub(super) fn table_memory(what: String, short: Short) -> Self {
        let help = "read fewer columns (`data.drop`) or fewer rows";
        Self::Memory { what, short, help }
    }

    pub(super) fn broken(format: &'static str, path: &Path, why: impl ToString) -> Self {
        Self::Broken { path: path.to_path_buf(), format, why: why.to_string() }
    }

    pub(super) fn unknown_column<'a>(
        key: &'static str,
        column: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::UnknownColumn { key, column: column.to_owned(), help: nearest_column(column, names) }
    }
}

/// What to do about a file that the system does not give or take.
fn file_help(action: &str) -> &'static str {
    if action == "read" {
        "the file must be whole, and yours to read"
    } else {
        "its folder must be one, be yours to write in, and have room"
    }
}

/// The name most like `wanted`, when one is at all like it.
pub(super) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `did you mean ...?` and, when they are few, the columns there.
pub(super) fn nearest_column<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    const FEW: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    let columns = if names.len() <= FEW {
        format!("the columns are {}", names.join(", "))
    } else {
        format!("there are {} columns, the first {}", names.len(), names[..3].join(", "))
    };
    match nearest(wanted, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {columns}"),
        None => columns,
    }
}
