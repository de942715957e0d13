//! Words that stand for a missing value.

/// What pandas' `read_csv` takes as missing unless told otherwise (`pandas._libs.parsers.STR_NA_VALUES`, pandas 2.3),
/// without the empty cell, which is always missing; and `?`, as in the files of the UCI repository.
const WORDS: [&str; 19] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL",
    "NaN", "None", "n/a", "nan", "null", "?",
];

/// Those of them that may well be a level where a column holds text: Namibia, or no garage.
const LEVELS: [&str; 2] = ["NA", "None"];

/// What earlier versions took as missing in text too.
pub(super) const OF_EARLIER_VERSIONS: [&str; 8] = ["NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"];

/// Whether `text` is a word for missing among numbers, booleans or, with `NaT`, points in time.
pub(super) fn is_word(text: &str) -> bool {
    WORDS.contains(&text) || text == "NaT" || text.eq_ignore_ascii_case("nan")
}

/// Whether `text` is a word for missing among text.
pub(super) fn is_word_in_text(text: &str) -> bool {
    WORDS.contains(&text) && !LEVELS.contains(&text)
}

/// Whether `text` is missing in some columns, and a level among text.
pub(super) fn is_doubtful(text: &str) -> bool {
    LEVELS.contains(&text)
}
