//! A metric over two hyperparameters.

use super::metric;
use super::plot::{Cell, Heatmap, Labels, Mark, Plot};
use crate::page::payload::{Parameter, Payload};
use crate::page::range_of;
use crate::read::parameters::PUBLISHED;

/// Numbers with four digits, as the page has them.
fn level(value: &serde_json::Value) -> String {
    match value.as_f64() {
        Some(v) => shortest(&format!("{v:.3e}")),
        None => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    }
}

/// A number that is written in powers of ten, without them.
fn shortest(number: &str) -> String {
    number.parse().map_or_else(|_| number.to_owned(), |number: f64| number.to_string())
}

/// The places of a hyperparameter on a map.
enum Places<'a> {
    /// Its values in ascending order.
    Levels(Vec<&'a serde_json::Value>),
    /// Ranges of very many numbers, from one to before the next.
    Ranges(&'a [f64]),
}

impl<'a> Places<'a> {
    fn new(parameter: &'a Parameter) -> Self {
        if !parameter.ranges.is_empty() {
            return Self::Ranges(&parameter.ranges);
        }
        let mut found: Vec<&serde_json::Value> = Vec::new();
        for value in parameter.values.iter().filter(|value| !value.is_null()) {
            if !found.contains(&value) {
                found.push(value);
            }
        }
        let number = |value: &serde_json::Value| value.as_f64().unwrap_or(0.0);
        found.sort_by(|a, b| number(a).total_cmp(&number(b)));
        Self::Levels(found)
    }

    fn count(&self) -> usize {
        match self {
            Self::Levels(levels) => levels.len(),
            Self::Ranges(ends) => ends.len() - 1,
        }
    }

    fn of(&self, value: &serde_json::Value) -> Option<usize> {
        match self {
            Self::Levels(levels) => levels.iter().position(|level| *level == value),
            Self::Ranges(ends) => value.as_f64().map(|number| range_of(ends, number)),
        }
    }

    fn labels(&self) -> Labels {
        match self {
            Self::Levels(levels) => Labels::Places(levels.iter().map(|value| level(value)).collect()),
            // Two digits are what people can use of an end.
            Self::Ranges(ends) => Labels::Ends(ends.iter().map(|end| shortest(&format!("{end:.1e}"))).collect()),
        }
    }
}

/// A metric over the published pair's hyperparameters, or else over the first two hyperparameters swept as numbers.
/// `None` without two.
pub(super) fn heatmap(payload: &Payload, column: &str) -> Option<Plot> {
    let metric = metric(payload, column)?;
    let swept = || payload.parameters.iter().filter(|p| p.swept && p.numeric && Places::new(p).count() > 1);
    let [across, up] = PUBLISHED.map(|one| swept().find(|parameter| parameter.name == one.name));
    let (x, y) = across.zip(up).or_else(|| swept().next().zip(swept().nth(1)))?;
    let (xs, ys) = (Places::new(x), Places::new(y));
    let winner = payload.ranking.winner;
    let published = payload.ranking.published.as_ref().filter(|_| x.published.is_some() && y.published.is_some());
    let mut cells: Vec<(usize, Cell)> = Vec::new();
    // Where several trials share a cell it shows the best ranked of them, which comes first.
    for trial in 0..payload.trials.id.len() {
        let (Some(i), Some(j)) = (xs.of(&x.values[trial]), ys.of(&y.values[trial])) else { continue };
        let Some(value) = metric.mean[trial] else { continue };
        if cells.iter().any(|(_, cell)| (cell.x, cell.y) == (i, j)) {
            continue;
        }
        let cell = Cell {
            x: i,
            y: j,
            value: value.0,
            text: if metric.count { format!("{:.0}", value.0) } else { format!("{:.*}", metric.decimals, value.0) },
            outlined: false,
            mark: match (winner == Some(trial), published.is_some_and(|pair| pair.trial == trial)) {
                (true, _) => Some(Mark::Winner),
                (_, true) => Some(Mark::Published),
                _ => None,
            },
        };
        cells.push((trial, cell));
    }
    let mut note = String::from("Bright is good. ");
    note += &outline(payload, &mut cells);
    note += "● the winner.";
    if [&xs, &ys].iter().any(|places| matches!(places, Places::Ranges(_))) {
        note += " A cell is the best ranked trial of its ranges.";
    }
    if let Some(pair) = published {
        note += if pair.exact { " ◆ the published pair" } else { " ◆ the cell nearest to the published pair" };
        note += &format!(", {}.", pair.words);
    }
    (!cells.is_empty()).then(|| {
        Plot::Heatmap(Heatmap {
            title: format!("{}: {}", payload.run.name, metric.title),
            x: (x.name.clone(), xs.labels()),
            y: (y.name.clone(), ys.labels()),
            cells: cells.into_iter().map(|(_, cell)| cell).collect(),
            less_is_better: metric.goal < 0,
            note,
        })
    })
}

/// Outlines, of the trials' cells, those that cannot be told from the winner, or, where these are the most, those that
/// can, so that an outline stands out; and says which. The page does the same (`outlineOf` in heatmap.js).
fn outline(payload: &Payload, cells: &mut [(usize, Cell)]) -> String {
    let Some(what) = payload.ranking.told_by else { return String::new() };
    let winner = payload.ranking.winner;
    let is_tied = |trial: usize| winner == Some(trial) || payload.trials.tied[trial] == Some(true);
    let others = cells.iter().filter(|(trial, _)| winner != Some(*trial)).count();
    let tied = cells.iter().filter(|(trial, _)| winner != Some(*trial) && is_tied(*trial)).count();
    if tied == others {
        return format!("No cell's {what} can be told from the winner's. ");
    }
    let most = tied * 2 > others;
    for (trial, cell) in cells {
        cell.outlined = is_tied(*trial) != most;
    }
    match most {
        true => format!("Outlined cells can be told from the winner by their {what} (5 %, corrected). "),
        false => format!("Outlined cells cannot be told from the winner by their {what} (5 %, corrected). "),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evidence::Report;
    use crate::page::{Embedded, Live, payload};
    use crate::read::{Scores, run_files};
    use crate::tests::{ranked, results, row, write_run};

    #[test]
    fn a_map_of_very_many_numbers_has_ranges_with_the_best_trial_of_each() {
        // Two hundred different pairs; the better the more alpha.
        let place = |at: u32| (f64::from(at * 37 % 200) / 200.0, f64::from(at * 91 % 200) / 50.0);
        let focal = |at: u32| row(&format!("t{at:03}"), 0, "focal", Some(place(at)), place(at).0, 1.0);
        let results = results((0..200).map(focal).collect());
        let folder = tempfile::tempdir().unwrap();
        write_run(folder.path(), &results);
        let files = run_files(folder.path()).unwrap();
        let report = Report::bare(ranked(&results, &["auc"]));
        let in_turn = |n: usize, each: &(dyn Fn(usize) + Sync)| (0..n).for_each(each);
        let payload =
            payload(&Scores::of(&files), &results, &report, (Embedded::All, Live::default()), &in_turn).unwrap();
        let Some(Plot::Heatmap(map)) = heatmap(&payload, "val_auc") else { panic!("no map") };
        let Labels::Ends(ends) = &map.x.1 else { panic!("{:?}", map.x) };
        assert_eq!((ends.len(), ends[0].as_str(), ends[6].as_str(), map.x.1.places()), (13, "0", "0.5", 12));
        // By a plain count: of each cell of a twelfth of both ranges the largest alpha.
        let mut best: BTreeMap<(usize, usize), f64> = BTreeMap::new();
        for (alpha, gamma) in (0..200).map(place) {
            let part = |value: f64, most: f64| ((value / most * 12.0).floor() as usize).min(11);
            let cell = best.entry((part(alpha, 0.995), part(gamma, 3.98))).or_insert(alpha);
            *cell = cell.max(alpha);
        }
        let drawn: BTreeMap<(usize, usize), f64> =
            map.cells.iter().map(|cell| ((cell.x, cell.y), cell.value)).collect();
        assert_eq!(drawn.len(), map.cells.len());
        assert_eq!(drawn, best);
        assert!(map.note.contains("best ranked trial of its ranges"), "{}", map.note);
    }
}
