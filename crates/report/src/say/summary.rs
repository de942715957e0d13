//! The answer in words: the winner and the baseline with their figures, what the order means, what was constant.

use super::numbers::{interval_in_words, number, with_uncertainty};
use crate::evidence::Report;
use crate::rank::{Ranked, Ranking};
use crate::read::parameters::{self, loss_in_words};
use crate::read::{Value, column, split_word, thousands, trials_count};
use focalsweep_core::metrics::Interval;
use focalsweep_core::metrics::catalogue::{Better, Metric, Test};
use focalsweep_core::spec::{Order, Split};

/// A trial and its figures, a line a split.
pub(super) struct Figures {
    /// The hyperparameters in words, and the id.
    pub(super) trial: String,
    /// (`validation`, `auc 0.9 ± 0.01, fn 3`) and so on.
    pub(super) lines: Vec<(&'static str, String)>,
}

/// The hyperparameters that set a trial apart: `focal loss, alpha 0.25, gamma 2`.
pub(crate) fn in_words(ranking: &Ranking, ranked: &Ranked) -> String {
    let loss = ranking.parameter(ranked, parameters::LOSS).map(loss_in_words);
    let rest = settings(ranking, ranked, &|name| name != parameters::LOSS);
    let rest = Some(rest).filter(|rest| !rest.is_empty());
    loss.into_iter().chain(rest).collect::<Vec<_>>().join(", ")
}

/// The swept hyperparameters that are wanted: `alpha 0.25, gamma 2`.
pub(super) fn settings(ranking: &Ranking, ranked: &Ranked, wanted: &dyn Fn(&str) -> bool) -> String {
    let swept = ranking.swept().into_iter().filter(|name| wanted(name));
    let told = swept.filter_map(|name| ranking.parameter(ranked, name).map(|value| format!("{name} {}", short(value))));
    told.collect::<Vec<_>>().join(", ")
}

/// A hyperparameter as people say it: four digits are enough to tell the values of a sweep apart.
pub(super) fn short(value: &Value) -> String {
    match value {
        Value::Number(v) => format!("{v:.3e}").parse().map_or_else(|_| v.to_string(), |v: f64| v.to_string()),
        other => other.to_string(),
    }
}

/// A trial's figures, as the winner and the baseline are shown.
pub(super) fn figures(report: &Report, ranked: &Ranked) -> Figures {
    let ranking = &report.ranking;
    let on = |split: Split, names: &[&'static str]| {
        let there = names.iter().filter(|name| ranking.metrics.contains(&column(split, name)));
        let figure = |name: &&'static str| {
            let metric = Metric::named(name);
            let bare = metric.map_or(*name, Metric::bare_name).replace('_', " ");
            if metric.is_some_and(|metric| metric.standard_error.is_some()) {
                return format!("{bare} {}", with_uncertainty(report, ranked, split, name));
            }
            let interval = (split == Split::Test).then(|| interval_of(report, ranked, name)).flatten();
            let mean = number(name, ranking.mean(ranked, &column(split, name)));
            format!("{bare} {mean}{}", interval_in_words(name, interval))
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
pub(crate) fn interval_of(report: &Report, ranked: &Ranked, name: &str) -> Option<Interval> {
    let intervals = report.answer.intervals.get(&ranked.trial.trial_id)?;
    match name {
        "average_precision" => intervals.average_precision,
        "op_fn" => intervals.operating_point.map(|at| at.fn_),
        "op_fp" => intervals.operating_point.map(|at| at.fp),
        "op_recall" => intervals.operating_point.map(|at| at.recall),
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
    let early = match ranking.trials.iter().filter(|ranked| ranked.trial.stopped.is_some()).count() {
        0 => String::new(),
        count => format!(", {} ended early", thousands(count)),
    };
    format!("{} of {replicates}{early}{first}", trials_count(ranking.trials.len()))
}

/// What the order means, sentence by sentence.
pub(crate) fn notes(report: &Report) -> Vec<String> {
    let Report { ranking, answer } = report;
    let better = |better| match better {
        Better::More => "more",
        Better::Less => "less",
    };
    let keys: Vec<String> =
        ranking.keys.iter().map(|key| format!("{} ({} is better)", key.name, better(key.better))).collect();
    let front_first = match ranking.order {
        Order::Keys => "",
        Order::Front => "front, then by ",
    };
    let first = ranking.on_first_front();
    let front = match ranking.keys.len() {
        1 => format!("{} {} the best figure", trials_count(first), if first == 1 { "has" } else { "have" }),
        _ => format!(
            "{} {} on the first front: nobody beats them on one key without losing on another",
            trials_count(first),
            if first == 1 { "is" } else { "are" }
        ),
    };
    let mut notes = vec![
        format!("Ranked on {} by {}{}.", split_word(ranking.on), front_first, keys.join(", then by ")),
        format!("{front}."),
    ];
    notes.push(match ranking.replicates {
        1 => "A row is one trial of one replicate; ± is the standard error of its AUC on other rows.".to_owned(),
        n => format!(
            "A row is the mean of {n} replicates; ± is the standard error of its AUC on other rows and trainings."
        ),
    });
    if !answer.intervals.is_empty() {
        notes.push("In brackets: 95 % intervals, by bootstrap of the rows.".to_owned());
    }
    notes.extend(tie_in_words(report));
    notes
}

/// What ≈ marks; `None` where nothing was compared.
fn tie_in_words(report: &Report) -> Option<String> {
    let ranking = &report.ranking;
    let (compared, tied) = report.compared_and_tied();
    let claim = ranking.trials.iter().find_map(|ranked| report.against(ranked))?;
    let test = ranking.test()?;
    let others = if compared == 1 { "other" } else { "others" };
    Some(format!(
        "≈ marks the {tied} of {compared} {others} whose {} cannot be told from the winner's ({} on the {} rows, 5 %, \
         corrected for {} because the winner was chosen on these rows).",
        test.subject(),
        test.name(),
        split_word(ranking.on),
        claim.corrected_for.words(),
    ))
}

/// What the order and the marks of the table mean, in one line.
pub(super) fn marks(report: &Report) -> String {
    let ranking = &report.ranking;
    let keys: Vec<&str> = ranking.keys.iter().map(|key| key.name.as_str()).collect();
    let front = match ranking.order {
        Order::Keys => "",
        Order::Front => "front, then ",
    };
    let tied = match report.compared_and_tied() {
        (0, _) => String::new(),
        _ => format!("; ≈ cannot be told from rank 1 by {}", ranking.test().map_or("", Test::subject)),
    };
    format!("Ranked by {front}{} on the {} rows; ± standard error{tied}.", keys.join(", then "), split_word(ranking.on))
}

/// `batch_size 2048, hidden [16]`.
pub(super) fn constants(ranking: &Ranking) -> String {
    let constants = ranking.constants();
    constants.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}
