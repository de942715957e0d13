//! What is said of which trials.

use super::*;
use crate::read::Row;
use crate::tests::{ranked, results, row};
use focalsweep_core::record::State;

fn in_turn(n: usize, each: &(dyn Fn(usize) + Sync)) {
    (0..n).for_each(each);
}

/// Trials of focal loss, of which gamma is what matters, and of plain cross-entropy, of which the rate is.
fn of_two_losses(focal: u32, plain: u32) -> Vec<Row> {
    let mut stream = Stream::new(5, 0, Purpose::Synth, 0, 0);
    let mut rows = Vec::new();
    for at in 0..focal + plain {
        let (alpha, gamma, rate) =
            (stream.uniform64(), 5.0 * stream.uniform64(), 10_f64.powf(-4.0 * stream.uniform64()));
        let is_focal = at < focal;
        let auc = if is_focal { 0.9 - 0.02 * gamma } else { 0.85 + 0.02 * rate.log10() };
        let settings = is_focal.then_some((alpha, gamma));
        let mut row = row(&format!("t{at:03}"), 0, if is_focal { "focal" } else { "bce" }, settings, auc, 1.0);
        row.parameters[5] = Some(Value::Number(rate));
        rows.push(row);
    }
    rows
}

fn found(rows: Vec<Row>) -> Vec<ImportanceIn> {
    importance(&ranked(&results(rows), &["auc"]), None, &["val_auc".to_owned(), "nothing".to_owned()], &in_turn)
}

fn shares(of: &ImportanceIn) -> Vec<(&str, f64)> {
    of.of[0].alone.iter().map(|single| (single.name.as_str(), single.share.0)).collect()
}

#[test]
fn what_only_some_read_is_looked_at_among_those() {
    let groups = found(of_two_losses(90, 60));
    let reads: Vec<Vec<&str>> = groups.iter().map(|group| group.reads.iter().map(String::as_str).collect()).collect();
    assert_eq!(reads, [vec![], vec!["alpha", "gamma"]]);
    assert_eq!((groups[0].trials, groups[1].trials), (150, 90));
    let names = |at: usize| groups[at].axes.iter().map(|axis| axis.name.as_str()).collect::<Vec<_>>();
    assert_eq!((names(0), names(1)), (vec!["loss", "learning_rate"], vec!["alpha", "gamma", "learning_rate"]));
    let focal = shares(&groups[1]);
    assert!(focal[0].0 == "gamma" && focal[0].1 > 0.9, "{focal:?}");
    let explained = groups[1].of[0].explained.unwrap().0;
    assert!(explained > 0.9, "{explained}");
    // It falls from 0.9 to 0.8 along gamma.
    let gamma = &groups[1].of[0].alone[0].average;
    assert!((gamma[0].0 - 0.9).abs() < 0.01 && (gamma.last().unwrap().0 - 0.8).abs() < 0.01, "{gamma:?}");
    assert_eq!((gamma.len(), groups[1].axes[1].at.len()), (32, 32));
}

#[test]
fn of_few_trials_of_noise_and_of_the_same_nothing_is_said() {
    let why = |rows: Vec<Row>| found(rows)[0].of[0].why_not.clone().unwrap();
    assert!(why(of_two_losses(15, 0)).contains("15 trials say nothing"));
    let mut same = of_two_losses(40, 0);
    same.iter_mut().for_each(|row| row.metrics[0] = Some(0.9));
    assert!(why(same).contains("the same in all"));
    let mut stream = Stream::new(9, 0, Purpose::Synth, 0, 0);
    let mut noise = of_two_losses(60, 0);
    noise.iter_mut().for_each(|row| row.metrics[0] = Some(stream.normal()));
    assert!(why(noise).contains("no trial's figure better than chance"));
}

#[test]
fn trials_that_did_not_end_do_not_count_and_of_very_many_some_are_drawn() {
    let mut rows = of_two_losses(900, 0);
    for row in rows.iter_mut().take(100) {
        row.state = State::Failed;
        row.metrics.fill(None);
    }
    let groups = found(rows);
    assert_eq!((groups[0].trials, groups[0].sampled, groups[0].of[0].trials), (800, MOST, MOST));
    assert_eq!(shares(&groups[0])[0].0, "gamma");
}

#[test]
fn the_averages_of_a_pair_are_those_of_its_cells() {
    let of = |numbers: &[f64]| {
        let values: Vec<Value> = numbers.iter().map(|&number| Value::Number(number)).collect();
        Axis::new(&values.iter().collect::<Vec<_>>(), false).unwrap()
    };
    let many: Vec<f64> = (0..32).map(f64::from).collect();
    let axes = [of(&many), of(&[1.0, 3.0])];
    // Twice the place of the first; three times the cell of the second.
    let cells: Vec<f64> = (0..32).flat_map(|i| [2.0 * f64::from(i), 2.0 * f64::from(i) + 3.0]).collect();
    let found = averages_of_pair(&cells, [&axes[0], &axes[1]], 10.0);
    assert_eq!((found.value.len(), found.value[0].len(), found.at[0].len()), (16, 2, 16));
    // Cells 2 and 3 of the first have the same weight.
    assert!((found.value[1][1].0 - (10.0 + 5.0 + 3.0)).abs() < 1e-9, "{:?}", found.value[1]);
    assert_eq!(found.at[1], [serde_json::json!(1.5), serde_json::json!(2.5)]);
}
