//! How numbers, trials and splits are said, in warnings as in tables.

use focalsweep_core::metrics::catalogue::Part;
use focalsweep_core::spec::Split;

/// 12300 as `12,300`.
pub fn thousands(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 trial`, `2 trials`.
pub(crate) fn trials_count(n: usize) -> String {
    if n == 1 { "1 trial".to_owned() } else { format!("{n} trials") }
}

/// `p = 0.570`.
pub(crate) fn p_in_words(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// The first few by name.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN { format!("{shown} and {} more", names.len() - SHOWN) } else { shown }
}

/// The rows of a split, as the catalogue of metrics has them.
pub(crate) fn part_of(on: Split) -> Part {
    match on {
        Split::Validation => Part::Validation,
        Split::Test => Part::Test,
    }
}

/// The split in words.
pub(crate) fn split_word(on: Split) -> &'static str {
    part_of(on).word()
}

/// Column of results.parquet that has a metric on a split: `val_auc`; that of the training itself is the same for both.
pub(crate) fn column(on: Split, name: &str) -> String {
    use focalsweep_core::metrics::catalogue::Metric;
    // A name that is no metric is no column either: whoever looks for it finds nothing.
    Metric::named(name).map_or_else(|| name.to_owned(), |metric| metric.column(part_of(on)).name())
}
