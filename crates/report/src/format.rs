//! Numbers as people read them, and the columns of a table.

use super::metric::{column, is_count};
use super::rank::{Ranked, Ranking};
use focalsweep_core::spec::Split;

/// For what is not defined.
pub(super) const NOTHING: &str = "–";

/// A metric's mean: whole counts without decimals, other counts with one, AUC with four, the rest with three.
pub(super) fn number(name: &str, value: Option<f64>) -> String {
    let Some(value) = value else { return NOTHING.to_owned() };
    let decimals =
        if is_count(name) || name == "epochs_run" { usize::from(value.fract() != 0.0) } else { decimals(name) };
    format!("{value:.decimals$}")
}

/// Decimals of a metric that is no whole number.
pub(super) fn decimals(name: &str) -> usize {
    match name {
        _ if is_count(name) || name == "epochs_run" => 1,
        "auc" | "average_precision" | "loss" | "brier" => 4,
        "op_fpr" => 5,
        "cost" => 1,
        _ => 3,
    }
}

/// A mean and how far it may be off.
pub(super) fn with_uncertainty(ranking: &Ranking, ranked: &Ranked, on: Split, name: &str) -> String {
    let column = column(on, name);
    let mean = ranking.mean(ranked, &column);
    let text = number(name, mean);
    match ranking.uncertainty(ranked, &column) {
        Some(error) if mean.is_some() => {
            format!("{text} ± {error:.decimals$}", decimals = if is_count(name) { 1 } else { 4 })
        }
        _ => text,
    }
}

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

/// The split in words.
pub(super) fn split_word(on: Split) -> &'static str {
    match on {
        Split::Validation => "validation",
        Split::Test => "test",
    }
}

/// A column of the ranked table.
pub(super) struct Column {
    /// Over the name: `val`, `test`, `test op`, or nothing.
    pub(super) group: &'static str,
    pub(super) name: String,
    /// The lowest go first when there is no room; `None` never.
    pub(super) importance: Option<u8>,
    pub(super) cells: Vec<String>,
}

impl Column {
    /// Group and name.
    pub(super) fn full_name(&self) -> String {
        format!("{} {}", self.group, self.name).trim_start().to_owned()
    }
}

/// All columns for the trials shown: place, swept hyperparameters, the keys, and the published figures on the test rows.
pub(super) fn columns(ranking: &Ranking) -> Vec<Column> {
    let shown = ranking.shown();
    let plain = |name: &str, importance, cell: &dyn Fn(&Ranked) -> String| Column {
        group: "",
        name: name.to_owned(),
        importance,
        cells: shown.iter().map(cell).collect(),
    };
    let mut columns = vec![
        plain("rank", None, &|ranked| {
            let tied = ranked.tied_with_best == Some(true);
            format!("{}{}", ranked.rank, if tied { " ≈" } else { "" })
        }),
        plain("front", Some(40), &|ranked| ranked.front.map_or(NOTHING.to_owned(), |front| front.to_string())),
    ];
    // What tells focal losses apart stays; the rest goes after the figures, the last first.
    let stays = ["loss", "alpha", "gamma"];
    for (at, name) in (0..).zip(ranking.swept()) {
        let importance = (!stays.contains(&name)).then(|| 250 - at);
        columns.push(plain(name, importance, &|ranked| {
            ranking.parameter(ranked, name).map_or(NOTHING.to_owned(), ToString::to_string)
        }));
    }

    // The keys come first; the rest as published, without repeating them.
    let keys = ranking.keys.iter().map(|key| (ranking.on, key.name.as_str(), None));
    let published = [
        (Split::Validation, "auc", Some(90)),
        (Split::Validation, "fn", Some(80)),
        (Split::Test, "auc", Some(85)),
        (Split::Test, "tp", Some(10)),
        (Split::Test, "fp", Some(60)),
        (Split::Test, "tn", Some(5)),
        (Split::Test, "fn", Some(70)),
        (Split::Test, "precision", Some(45)),
        (Split::Test, "recall", Some(50)),
        (Split::Test, "op_fn", Some(35)),
        (Split::Test, "op_fp", Some(30)),
        (Split::Test, "cost", Some(65)),
    ];
    let mut there: Vec<(Split, &str)> = Vec::new();
    for (on, name, importance) in keys.chain(published) {
        let measured = ranking.metrics.contains(&column(on, name));
        if there.contains(&(on, name)) || !measured {
            continue;
        }
        there.push((on, name));
        let at_operating_point = name.starts_with("op_") || name == "cost";
        columns.push(Column {
            group: match (on, at_operating_point) {
                _ if name == "epochs_run" => "",
                (Split::Validation, false) => "val",
                (Split::Validation, true) => "val op",
                (Split::Test, false) => "test",
                (Split::Test, true) => "test op",
            },
            name: name.strip_prefix("op_").unwrap_or(name).to_owned(),
            importance,
            cells: shown
                .iter()
                .map(|ranked| match name {
                    "auc" if on == Split::Validation || importance.is_none() => {
                        with_uncertainty(ranking, ranked, on, name)
                    }
                    _ => number(name, ranking.mean(ranked, &column(on, name))),
                })
                .collect(),
        });
    }
    columns
}
