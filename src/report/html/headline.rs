//! The answer in a few sentences, and the winner beside plain cross-entropy.

use super::payload::{Comparison, Headline, Tile};
use crate::report::format::{number, split_word, with_uncertainty};
use crate::report::metric::{Key, column};
use crate::report::rank::{Ranked, Ranking};
use crate::report::rows::Value;
use crate::report::summary::in_words;
use crate::spec::{Goal, Split};

/// The winner, how sure it is, and its price.
pub(super) fn headline(ranking: &Ranking) -> Headline {
    let Some(winner) = ranking.winner() else {
        return Headline { winner: None, sure: Vec::new(), price: Vec::new(), tiles: Vec::new() };
    };
    Headline {
        winner: Some(in_words(ranking, winner)),
        sure: sure(ranking, winner),
        price: price(ranking, winner).into_iter().collect(),
        tiles: tiles(ranking, winner),
    }
}

/// The trial of plain cross-entropy: one of `bce`, or focal loss with gamma 0 and alpha 0.5, which is half of it.
pub(super) fn plain_cross_entropy(ranking: &Ranking) -> Option<&Ranked> {
    let is = |ranked: &Ranked, name: &str, wanted: f64| matches!(ranking.parameter(ranked, name), Some(Value::Number(v)) if (v - wanted).abs() < 1e-9);
    let none = Value::Text("none".into());
    let halved = |ranked: &&Ranked| {
        is(ranked, "gamma", 0.0)
            && is(ranked, "alpha", 0.5)
            && ranking.parameter(ranked, "sampling").is_none_or(|sampling| *sampling == none)
    };
    let measured = || ranking.trials.iter().filter(|ranked| ranked.front.is_some());
    ranking.baseline().or_else(|| measured().find(halved))
}

fn sure(ranking: &Ranking, winner: &Ranked) -> Vec<String> {
    let mut sentences = Vec::new();
    let compared: Vec<&Ranked> = ranking.trials.iter().filter(|ranked| ranked.tied_with_best.is_some()).collect();
    let tied = compared.iter().filter(|ranked| ranked.tied_with_best == Some(true)).count();
    let rows = split_word(ranking.on);
    if ranking.trials.len() == 1 {
        sentences.push("There is one trial: nothing to compare it with.".to_owned());
    } else if compared.is_empty() {
        sentences.push(
            "The trials were not compared by a test: their scores were not kept, or AUC does not rank.".to_owned(),
        );
    } else if tied == 0 {
        sentences.push(format!(
            "Its AUC differs from that of each of the {} others (paired DeLong test on the {rows} rows, Holm-corrected, 5 %).",
            compared.len()
        ));
    } else {
        let end = if tied == compared.len() { ": rank 1 is a name for a crowd" } else { "" };
        sentences.push(format!(
            "The AUC of {tied} of {} others cannot be told from its own{end} (paired DeLong test on the {rows} rows, \
             Holm-corrected, 5 %).",
            compared.len()
        ));
    }
    if let Some(plain) = plain_cross_entropy(ranking) {
        if plain.trial.trial_id == winner.trial.trial_id {
            sentences.push("It is plain cross-entropy itself: no other loss did better.".to_owned());
        } else if let Some(p) = plain.p_vs_best {
            let told = if plain.tied_with_best == Some(true) { "cannot be told" } else { "differs" };
            sentences.push(format!("Plain cross-entropy's AUC {told} from it ({}).", p_in_words(p)));
        }
    }
    if ranking.on == Split::Validation && ranking.trials.len() > 1 {
        let auc = |split| with_uncertainty(ranking, winner, split, "auc");
        sentences.push(format!(
            "The best of many looks better than it is: its AUC is {} on the validation rows that chose it, {} on the test rows.",
            auc(Split::Validation),
            auc(Split::Test)
        ));
    }
    sentences
}

fn p_in_words(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

fn price(ranking: &Ranking, winner: &Ranked) -> Option<String> {
    let mean = |name: &str| ranking.mean(winner, &column(Split::Test, name));
    let (tp, fp, missed, tn) = (mean("op_tp")?, mean("op_fp")?, mean("op_fn")?, mean("op_tn")?);
    let threshold = ranking.mean(winner, "threshold")?;
    let count = |value: f64| number("fn", Some(value));
    let each = if tp > 0.0 { format!(", {:.1} for each one caught", fp / tp) } else { String::new() };
    Some(format!(
        "At the operating point (threshold {threshold:.3}, chosen on the validation rows) it catches {} of {} positives of the \
         test rows and misses {}. The price: {} false alarms among {} negatives{each}.",
        count(tp),
        count(tp + missed),
        count(missed),
        count(fp),
        count(fp + tn)
    ))
}

fn tiles(ranking: &Ranking, winner: &Ranked) -> Vec<Tile> {
    let mean = |name: &str| ranking.mean(winner, &column(Split::Test, name));
    let mut tiles = Vec::new();
    for split in [ranking.on, if ranking.on == Split::Test { Split::Validation } else { Split::Test }] {
        let (value, error) =
            (ranking.mean(winner, &column(split, "auc")), ranking.uncertainty(winner, &column(split, "auc")));
        tiles.push(Tile {
            label: format!("AUC, {}", split_word(split)),
            value: number("auc", value),
            note: error.map_or(String::new(), |error| format!("± {error:.4}")),
        });
    }
    let of = |a: Option<f64>, b: Option<f64>| Some(a? + b?);
    for (label, name, whole) in [
        ("Missed, test, operating point", "op_fn", of(mean("op_fn"), mean("op_tp"))),
        ("False alarms, test, operating point", "op_fp", of(mean("op_fp"), mean("op_tn"))),
    ] {
        if let Some(value) = mean(name) {
            tiles.push(Tile {
                label: label.to_owned(),
                value: number(name, Some(value)),
                note: whole.map_or(String::new(), |whole| format!("of {}", number("fn", Some(whole)))),
            });
        }
    }
    tiles
}

/// The winner beside plain cross-entropy, where both are there and differ.
pub(super) fn comparison(ranking: &Ranking) -> Option<Comparison> {
    let (winner, plain) = (ranking.winner()?, plain_cross_entropy(ranking)?);
    if winner.trial.trial_id == plain.trial.trial_id {
        return None;
    }
    let names = ["auc", "average_precision", "op_fn", "op_fp", "fn", "fp", "brier"];
    let rows = names.iter().filter_map(|name| {
        let column = column(Split::Test, name);
        let (a, b) = (ranking.mean(winner, &column)?, ranking.mean(plain, &column)?);
        let difference = a - b;
        let better = match (difference == 0.0, Key::new(name, Split::Test).ok()?.goal, difference > 0.0) {
            (true, ..) => "same",
            (_, Goal::Maximize, true) | (_, Goal::Minimize, false) => "better",
            _ => "worse",
        };
        let title = named(name);
        let sign = if difference > 0.0 { "+" } else { "" };
        Some((
            title.to_owned(),
            vec![
                with_uncertainty(ranking, winner, Split::Test, name),
                with_uncertainty(ranking, plain, Split::Test, name),
                format!("{sign}{} {better}", number(name, Some(difference)).replace('-', "−")),
            ],
        ))
    });
    let is_bce = ranking.baseline().is_some();
    Some(Comparison {
        columns: ["Winner", "Plain cross-entropy", "Difference"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        note: if is_bce {
            format!("Test rows. Plain cross-entropy: {}.", in_words(ranking, plain))
        } else {
            "Test rows. No trial of this sweep has the loss bce; focal loss with alpha 0.5 and gamma 0 is half of it."
                .to_owned()
        },
    })
}

fn named(name: &str) -> &'static str {
    match name {
        "auc" => "ROC AUC",
        "average_precision" => "Average precision",
        "op_fn" => "Missed (FN), operating point",
        "op_fp" => "False alarms (FP), operating point",
        "fn" => "Missed (FN) at 0.5",
        "fp" => "False alarms (FP) at 0.5",
        _ => "Brier score",
    }
}
