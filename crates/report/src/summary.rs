//! The answer in words: the winner and the baseline with their figures, what the order means, what was constant.

use super::answer_text::interval_in_words;
use super::format::{number, split_word, with_uncertainty};
use super::group::trials_count;
use super::metric::column;
use super::rank::{Ranked, Ranking};
use super::rows::Value;
use focalsweep_core::metrics::Interval;
use focalsweep_core::spec::{Goal, Split};

/// A trial and its figures, a line a split.
pub(super) struct Figures {
    /// The hyperparameters in words, and the id.
    pub(super) trial: String,
    /// (`validation`, `auc 0.9 ± 0.01, fn 3`) and so on.
    pub(super) lines: Vec<(&'static str, String)>,
}

/// The hyperparameters that set a trial apart: `focal loss, alpha 0.25, gamma 2`.
pub(super) fn in_words(ranking: &Ranking, ranked: &Ranked) -> String {
    let loss = ranking.parameter(ranked, "loss").map(|loss| match loss {
        Value::Text(word) if word == "focal" => "focal loss".to_owned(),
        other => other.to_string(),
    });
    let rest = Some(settings(ranking, ranked, &["loss"])).filter(|rest| !rest.is_empty());
    loss.into_iter().chain(rest).collect::<Vec<_>>().join(", ")
}

/// The swept hyperparameters but some: `alpha 0.25, gamma 2`.
pub(super) fn settings(ranking: &Ranking, ranked: &Ranked, without: &[&str]) -> String {
    let swept = ranking.swept().into_iter().filter(|name| !without.contains(name));
    let told = swept.filter_map(|name| ranking.parameter(ranked, name).map(|value| format!("{name} {}", short(value))));
    told.collect::<Vec<_>>().join(", ")
}

/// A hyperparameter as people say it: four digits are enough to tell the values of a sweep apart.
fn short(value: &Value) -> String {
    match value {
        Value::Number(v) => format!("{v:.3e}").parse().map_or_else(|_| v.to_string(), |v: f64| v.to_string()),
        other => other.to_string(),
    }
}

pub(super) fn figures(ranking: &Ranking, ranked: &Ranked) -> Figures {
    let on = |split: Split, names: &[&str]| {
        let there = names.iter().filter(|name| ranking.metrics.contains(&column(split, name)));
        let figure = |name: &&str| {
            let bare = name.strip_prefix("op_").unwrap_or(name).replace('_', " ");
            match *name {
                "auc" => format!("{bare} {}", with_uncertainty(ranking, ranked, split, name)),
                _ => {
                    let interval = (split == Split::Test).then(|| interval_of(ranking, ranked, name)).flatten();
                    let mean = number(name, ranking.mean(ranked, &column(split, name)));
                    format!("{bare} {mean}{}", interval_in_words(name, interval))
                }
            }
        };
        there.map(figure).collect::<Vec<_>>().join(", ")
    };
    let threshold = ranking.mean(ranked, "threshold").map(|t| format!("threshold {t:.3}, ")).unwrap_or_default();
    let mut lines = vec![
        ("validation", on(Split::Validation, &["auc", "fn", "fp"])),
        ("test", on(Split::Test, &["auc", "average_precision", "tp", "fp", "tn", "fn", "precision", "recall"])),
    ];
    let operating = on(Split::Test, &["op_tp", "op_fp", "op_tn", "op_fn", "op_precision", "op_recall", "cost"]);
    if !operating.is_empty() {
        lines.push(("test at the operating point", format!("{threshold}{operating}")));
    }
    lines.retain(|(_, text)| !text.is_empty());
    Figures { trial: format!("{} ({})", in_words(ranking, ranked), ranked.trial.trial_id), lines }
}

/// Bootstrap interval of a figure of the test rows.
pub(super) fn interval_of(ranking: &Ranking, ranked: &Ranked, name: &str) -> Option<Interval> {
    let of = ranking.answer.intervals.get(&ranked.trial.trial_id)?;
    match name {
        "average_precision" => of.average_precision,
        "op_fn" => of.operating_point.map(|at| at.fn_),
        "op_fp" => of.operating_point.map(|at| at.fp),
        "op_recall" => of.operating_point.map(|at| at.recall),
        _ => None,
    }
}

/// One line over the table.
pub(super) fn heading(ranking: &Ranking) -> String {
    let replicates = match ranking.replicates {
        1 => "1 replicate".to_owned(),
        n => format!("{n} replicates"),
    };
    let shown = ranking.shown().len();
    let first = if shown < ranking.trials.len() { format!(", the first {shown} shown") } else { String::new() };
    format!("{} of {replicates}{first}", trials_count(ranking.trials.len()))
}

/// What the order means, sentence by sentence.
pub(super) fn notes(ranking: &Ranking) -> Vec<String> {
    let better = |goal| match goal {
        Goal::Maximize => "more",
        Goal::Minimize => "less",
    };
    let keys: Vec<String> =
        ranking.keys.iter().map(|key| format!("{} ({} is better)", key.name, better(key.goal))).collect();
    let first = ranking.on_first_front();
    let front = match ranking.keys.len() {
        1 => format!("{} {} best", trials_count(first), if first == 1 { "is" } else { "are" }),
        _ => format!(
            "{} {} on the first front: nobody beats them on one key without losing on another",
            trials_count(first),
            if first == 1 { "is" } else { "are" }
        ),
    };
    let mut notes = vec![
        format!("Ranked on {} by front, then by {}.", split_word(ranking.on), keys.join(", then by ")),
        format!("{front}."),
    ];
    notes.push(match ranking.replicates {
        1 => "A row is one trial of one replicate; ± is the DeLong standard error of its AUC.".to_owned(),
        n => format!("A row is the mean of {n} replicates; ± is its standard error over them."),
    });
    if !ranking.answer.intervals.is_empty() {
        notes.push("In brackets: 95 % intervals, by bootstrap of the rows.".to_owned());
    }
    let compared = ranking.trials.iter().filter(|ranked| ranked.tied_with_best.is_some()).count();
    if let Some(test) = ranking.test().filter(|_| compared > 0) {
        let tied = ranking.trials.iter().filter(|ranked| ranked.tied_with_best == Some(true)).count();
        notes.push(format!(
            "≈ marks the {tied} of {compared} others whose {} cannot be told from the winner's ({} on the {} rows, 5 %, corrected over \
             all pairs because the winner was chosen on these rows).",
            test.of(),
            test.name(),
            split_word(ranking.on)
        ));
    }
    notes
}

/// `batch_size 2048, hidden [16]`.
pub(super) fn constants(ranking: &Ranking) -> String {
    let constants = ranking.constants();
    constants.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}
