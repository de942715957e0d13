//! Known and new groups apart, in words and for programs.

use serde_json::{Value, json};

use crate::evidence::{Apart, FigureApart, FiguresApart, Held};
use crate::rank::{FEW_POSITIVES, Ranking};
use crate::read::parameters::PLAIN;
use crate::read::thousands;

/// What is seen on either, and that no difference is claimed.
pub(super) fn apart_in_words(ranking: &Ranking, apart: &Apart) -> String {
    let Apart { column, known, new, trials } = apart;
    let held = |held: &Held| {
        let Held { rows, positives, groups } = held;
        format!("{} ({} positive) are of {}", thousands(rows), thousands(positives), thousands(groups))
    };
    let replicates = ranking.winner().map_or(0, |winner| winner.trial.replicates.len());
    let is_winner = |trial: &str| ranking.winner().is_some_and(|winner| winner.trial.trial_id == trial);
    let figures = trials.iter().map(|of| {
        let who = if is_winner(&of.trial) { "the winner" } else { PLAIN };
        let [known, new] = [of.known, of.new].map(|figures| in_words(figures, replicates));
        format!("{who} has {known} on known groups and {new} on new ones")
    });
    let few = |name: &str, held: &Held| {
        let few = held.positives < FEW_POSITIVES as u64;
        few.then(|| format!(" {} positives of {name} groups say little.", thousands(held.positives)))
    };
    let few: String = [few("known", known), few("new", new)].into_iter().flatten().collect();
    format!(
        "Of the test rows {} groups by `{column}` that trained or validated too, {} new ones: {}. Intervals are of \
         groups; whether known and new ones differ is not tested.{few}",
        held(known),
        held(new),
        figures.collect::<Vec<_>>().join("; "),
    )
}

/// `AUC 0.9012 [0.850, 0.931], 12.5 % [3.2, 31.0] missed`
fn in_words(figures: FiguresApart, replicates: usize) -> String {
    let in_some = |figure: FigureApart| {
        let some = figure.replicates < replicates;
        if some { format!(" (in {} of {replicates} replicates)", figure.replicates) } else { String::new() }
    };
    let auc = figures.auc.map_or_else(
        || "no AUC (too few groups of a class)".to_owned(),
        |auc| {
            let FigureApart { value, interval, .. } = auc;
            format!("AUC {value:.4} [{:.3}, {:.3}]{}", interval.lower, interval.upper, in_some(auc))
        },
    );
    let missed = figures.missed.map(|missed| {
        let [value, lower, upper] = [missed.value, missed.interval.lower, missed.interval.upper].map(|x| 100.0 * x);
        format!(", {value:.1} % [{lower:.1}, {upper:.1}] missed{}", in_some(missed))
    });
    format!("{auc}{}", missed.unwrap_or_default())
}

/// The same as programs read it.
pub(super) fn as_json(apart: &Apart) -> Value {
    let held = |held: Held| json!({"rows": held.rows, "positives": held.positives, "groups": held.groups});
    let figure = |figure: Option<FigureApart>| {
        figure.map(|FigureApart { value, interval, replicates }| {
            json!({"value": value, "interval": [interval.lower, interval.upper], "replicates": replicates})
        })
    };
    let figures = |of: FiguresApart| json!({"auc": figure(of.auc), "missed": figure(of.missed)});
    let trials =
        apart.trials.iter().map(|of| json!({"trial_id": of.trial, "known": figures(of.known), "new": figures(of.new)}));
    json!({
        "column": apart.column,
        "known": held(apart.known),
        "new": held(apart.new),
        "trials": trials.collect::<Vec<_>>(),
    })
}
