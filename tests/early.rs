//! Trials that end early: who goes on, from where, and what the files say of the rest.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
#[path = "common/cores.rs"]
mod cores;
#[path = "common/same.rs"]
mod same;
#[expect(dead_code, reason = "other tests read more of a table")]
#[path = "common/table.rs"]
mod table;
#[path = "common/waves.rs"]
mod waves;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{files, focalsweep};
use same::assert_same_runs;
use serde_json::Value;
use table::Table;
use tempfile::TempDir;
use waves::{folder_with, manifest, run, run_on_one_core, run_through_kills};

const SWEEP: &str = "name: early\n\
                     data: {source: rows.parquet, synth: {rows: 600, features: 4, positives: 120}, label: Class}\n\
                     train: {batch_size: 100, early_stopping: none}\nreplicates: 2\nrank: {by: [auc]}\n\
                     early_terminate: {type: hyperband, min_epochs: 2, max_epochs: 18}\n\
                     parameters: {loss: {value: focal}, alpha: {values: [0.2, 0.5, 0.8]}, \
                     learning_rate: {values: [1e-4, 1e-3, 1e-2]}, hidden: {values: [[4], [2]]}}\n";

fn folder() -> TempDir {
    folder_with(SWEEP)
}

/// A column, as words.
fn text(table: &Table, name: &str) -> Vec<String> {
    table.cells(&[name.to_owned()])
}

/// How many rows ended how, after how many epochs.
fn ends(dir: &Path) -> BTreeMap<(String, String), usize> {
    let table = Table::read(&dir.join("results.parquet"));
    let mut ends = BTreeMap::new();
    for (state, epochs) in text(&table, "state").into_iter().zip(text(&table, "epochs_run")) {
        *ends.entry((state, epochs)).or_default() += 1;
    }
    ends
}

fn end(state: &str, epochs: u32, rows: usize) -> ((String, String), usize) {
    ((state.to_owned(), epochs.to_string()), rows)
}

/// What a row measured, by its key.
fn measured(dir: &Path) -> BTreeMap<(String, String), Vec<String>> {
    let table = Table::read(&dir.join("results.parquet"));
    let columns = ["val_auc", "val_loss", "test_auc", "test_loss", "best_epoch", "threshold_raw", "epochs_run"];
    let columns: Vec<Vec<String>> = columns.iter().map(|name| text(&table, name)).collect();
    let keys = text(&table, "trial_id").into_iter().zip(text(&table, "replicate"));
    keys.enumerate().map(|(row, key)| (key, columns.iter().map(|column| column[row].clone()).collect())).collect()
}

#[test]
fn the_best_go_on_to_the_figures_that_they_would_have_had() {
    let folder = folder();
    let folder = folder.path();
    let said = run(folder, "early", &[], &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("rung 2 of 3: 6 of 18 trials go on to epoch 6"), "{}", said.stderr);
    assert!(said.stderr.contains("rung 3 of 3: 2 of 18 trials go on to epoch 18"), "{}", said.stderr);
    assert!(said.stderr.contains("36 of 36 rows of results done"), "{}", said.stderr);
    let dir = folder.join("early");
    let expected = [end("finished", 18, 4), end("stopped", 2, 24), end("stopped", 6, 8)];
    assert_eq!(ends(&dir), BTreeMap::from(expected));
    assert_eq!((&manifest(&dir)["ended"], &manifest(&dir)["state"]), (&"complete".into(), &"finished".into()));

    // Those that went on are, to the bit, what they are without; the others what they are when all is over there.
    let whole = run(folder, "whole", &["early_terminate=null", "train.epochs=18"], &[]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let short = run(folder, "short", &["early_terminate=null", "train.epochs=2"], &[]);
    assert_eq!(short.code, Some(0), "{}", short.stderr);
    let [early, whole, short] = ["early", "whole", "short"].map(|name| measured(&folder.join(name)));
    assert_eq!(early.len(), whole.len());
    for (key, figures) in &early {
        match figures.last().unwrap().as_str() {
            "18" => assert_eq!(figures, &whole[key]),
            "2" => assert_eq!(figures, &short[key]),
            _ => {}
        }
    }
    // Of the first rung six go on: the best by the mean of both replicates.
    let mut means: BTreeMap<&str, f64> = BTreeMap::new();
    for ((trial, _), figures) in &short {
        *means.entry(trial).or_default() += figures[0].parse::<f64>().unwrap() / 2.0;
    }
    let mut order: Vec<(&str, f64)> = means.into_iter().collect();
    order.sort_by(|one, other| other.1.total_cmp(&one.1));
    let went_on = |trial: &str| early[&(trial.to_owned(), "0".to_owned())].last().unwrap() != "2";
    let went: Vec<bool> = order.iter().map(|(trial, _)| went_on(trial)).collect();
    assert!(order[5].1 > order[6].1, "no tie at the edge");
    assert_eq!(went, [vec![true; 6], vec![false; 12]].concat());

    // The report ranks by how far they came, and tests those alone that came to the end.
    let json = focalsweep(folder, ["report", "early", "--format", "json"]);
    assert_eq!(json.code, Some(0), "{}", json.stderr);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let ranking = json["ranking"].as_array().unwrap();
    let after: Vec<Option<f64>> = ranking.iter().map(|row| row["stopped_after"].as_f64()).collect();
    assert_eq!(after, [vec![None; 2], vec![Some(6.0); 4], vec![Some(2.0); 12]].concat());
    let text = focalsweep(folder, ["report", "early"]).stdout;
    assert!(text.contains("18 trials of 2 replicates, 16 ended early"), "{text}");
    let finished: Vec<&str> = ranking[..2].iter().map(|row| row["trial_id"].as_str().unwrap()).collect();
    for claim in json["claims"].as_array().unwrap() {
        for side in ["of", "against"] {
            let id = claim[side]["trial_id"].as_str().or(claim[side].as_str()).unwrap();
            assert!(id == "ensemble" || finished.contains(&id), "{claim}");
        }
    }
    // Resumed, nothing is left.
    let before = files(&dir);
    let again = run(folder, "early", &[], &["--resume"]);
    assert!(again.stderr.contains("all 36 rows were there already"), "{}", again.stderr);
    assert!(files(&dir) == before);
}

/// Who has come to an end by early stopping is judged by the best epoch, and trains no more.
#[test]
fn a_trial_that_stopped_by_itself_stays_in_the_race() {
    let folder = folder();
    let folder = folder.path();
    let changes = ["train.early_stopping={metric: val_auc, patience: 1}", "early_terminate.max_epochs=54"];
    let said = run(folder, "early", &changes, &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let whole = [changes[0], "early_terminate=null", "train.epochs=54"];
    assert_eq!(run(folder, "whole", &whole, &[]).code, Some(0));
    let states = text(&Table::read(&folder.join("early/results.parquet")), "state");
    assert_eq!(states.len(), 36);
    let [early, whole] = ["early", "whole"].map(|name| measured(&folder.join(name)));
    let keys: Vec<_> = early.keys().cloned().collect();
    let table = Table::read(&folder.join("early/results.parquet"));
    let of: Vec<_> = text(&table, "trial_id").into_iter().zip(text(&table, "replicate")).zip(states).collect();
    assert_eq!(of.len(), keys.len());
    let mut both = 0;
    for (key, state) in of {
        if state == "finished" {
            assert_eq!(early[&key], whole[&key]);
            both += 1;
        }
    }
    assert!(both > 4, "{both}");
}

#[test]
fn the_median_ends_the_worse_half() {
    let folder = folder();
    let folder = folder.path();
    let said = run(folder, "run", &["early_terminate={type: median, min_epochs: 6, max_epochs: 18}"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let short = run(folder, "short", &["early_terminate=null", "train.epochs=6"], &[]);
    assert_eq!(short.code, Some(0), "{}", short.stderr);
    // Whoever is no worse than the median goes on, by the mean of both replicates.
    let mut means: BTreeMap<(String, String), f64> = BTreeMap::new();
    for ((trial, _), figures) in measured(&folder.join("short")) {
        *means.entry((trial, "0".to_owned())).or_default() += figures[0].parse::<f64>().unwrap() / 2.0;
    }
    let mut values: Vec<f64> = means.values().copied().collect();
    values.sort_by(|one, other| other.total_cmp(one));
    let on = values.iter().filter(|&&value| value >= values[8]).count();
    assert!(said.stderr.contains(&format!("rung 2 of 3: {on} of 18 trials go on to epoch 12")), "{}", said.stderr);
    let early = measured(&folder.join("run"));
    for (key, mean) in means {
        assert_eq!(early[&key].last().unwrap() == "6", mean < values[8], "{key:?}");
    }
    assert!((9..18).contains(&on), "{on}");
}

#[test]
fn one_core_and_two_train_the_same() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "two", &[], &[]).code, Some(0));
    match run_on_one_core(folder, "one") {
        Ok(()) => assert_same_runs(&folder.join("one"), &folder.join("two")),
        Err(why) => eprintln!("skipped: {why}"),
    }
}

/// Killed at any moment and resumed, in any rung: the trials and bits of a run that was left alone. Of a search too.
#[test]
fn a_killed_run_goes_on_to_the_same_end() {
    let folder = folder();
    let folder = folder.path();
    let grid = ["early_terminate.max_epochs=54", "replicates=3"];
    let search = ["early_terminate.max_epochs=54", "method=tpe", "run_cap=16", "wave=8"];
    for (name, changes) in [("grid", &grid[..]), ("search", &search[..])] {
        let whole = format!("whole-{name}");
        run_through_kills(folder, name, &whole, changes);
        assert_same_runs(&folder.join(name), &folder.join(whole));
    }
}

/// A rung that begins when where trials paused is gone trains them again, to the same figures.
#[test]
fn a_budget_ends_it_between_rungs_and_a_larger_one_goes_on() {
    let folder = folder();
    let folder = folder.path();
    let said = run(folder, "run", &["budget=0.001s"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(manifest(&folder.join("run"))["ended"], "budget");
    let said = run(folder, "run", &["budget=10m"], &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert_eq!(run(folder, "whole", &[], &[]).code, Some(0));
    assert_same_runs(&folder.join("run"), &folder.join("whole"));
}

/// A file of a finished run is damaged: what it held is trained again, a trial that went on from its start.
#[test]
fn what_is_damaged_is_trained_again() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "whole", &[], &[]).code, Some(0));
    for job in ["job-00001", "job-00007"] {
        assert_eq!(run(folder, "run", &[], &[]).code, Some(0));
        let models = folder.join("run/models").join(format!("{job}.safetensors"));
        fs::write(&models, "damaged").unwrap();
        let said = run(folder, "run", &[], &["--resume"]);
        assert_eq!(said.code, Some(0), "{job}: {}", said.stderr);
        assert_same_runs(&folder.join("run"), &folder.join("whole"));
        fs::remove_dir_all(folder.join("run")).unwrap();
    }
}

#[test]
fn a_grid_that_grows_begins_at_the_first_rung() {
    let folder = folder();
    let folder = folder.path();
    assert_eq!(run(folder, "run", &[], &[]).code, Some(0));
    let more = ["parameters.alpha.values=[0.2, 0.5, 0.8, 0.9]"];
    let said = run(folder, "run", &more, &["--resume"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("rung 2 of 3: 2 of 6 trials go on to epoch 6"), "{}", said.stderr);
    assert_eq!(ends(&folder.join("run"))[&("stopped".to_owned(), "2".to_owned())], 24 + 8);
    // Trials that ended early were judged on the replicates that there were; longer trainings are another sweep.
    for change in ["replicates=3", "early_terminate.max_epochs=54"] {
        let refused = run(folder, "run", &[more[0], change], &["--resume"]);
        assert_eq!(refused.code, Some(2), "{change}: {}", refused.stderr);
        assert!(refused.stderr.contains("--out"), "{}", refused.stderr);
    }
    let refused = run(folder, "new", &[], &["--prepare"]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(refused.stderr.contains("`early_terminate` chooses wave by"), "{}", refused.stderr);
}

#[test]
fn finalists_are_confirmed_to_their_ends() {
    let folder = folder();
    let folder = folder.path();
    let said = run(folder, "run", &["confirm={trials: 3, replicates: 2}"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let table = Table::read(&folder.join("run/results.parquet"));
    let confirmed = text(&table, "phase").into_iter().zip(text(&table, "epochs_run"));
    let confirmed: Vec<String> = confirmed.filter(|(phase, _)| phase == "confirm").map(|(_, epochs)| epochs).collect();
    assert_eq!(confirmed, ["18"; 6]);
}
