//! Outputs that differ rank apart, also where their probabilities are the same 32-bit number.

#![expect(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "other tests read folders too")]
mod common;
#[expect(dead_code, reason = "sweeps.rs reads more of a table")]
#[path = "common/table.rs"]
mod table;

use std::fmt::Write;
use std::fs;

use common::focalsweep;
use table::Table;

/// 2,000 rows, every 25th positive. Column `a` is in the thousands and tells the classes apart.
fn rows() -> String {
    let mut text = "a,b,y\n".to_owned();
    for i in 0..2000_u64 {
        let is_positive = i % 25 == 0;
        let even = (i * 7919 % 1009) as f64 / 1009.0;
        let own = (i * 104_729 % 997) as f64 / 997.0;
        let a = if is_positive { 7700.0 + 1700.0 * even } else { 5100.0 * even - 3400.0 };
        writeln!(text, "{a:.3},{:.3},{}", 6.0 * own - 3.0, u8::from(is_positive)).unwrap();
    }
    text
}

#[test]
fn a_perfect_ranking_is_one_though_its_probabilities_saturate() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), rows()).unwrap();
    let sweep = "name: saturated\ndata: {source: rows.csv, label: y, standardize: false}\n\
                 model: {hidden: [16], dropout: 0}\ntrain: {epochs: 30, batch_size: 256, early_stopping: none}\n\
                 parameters: {loss: {value: focal}, alpha: {values: [0.5, 0.99]}, gamma: {value: 0}}\n";
    fs::write(folder.path().join("sweep.yaml"), sweep).unwrap();
    let said = focalsweep(folder.path(), ["run", "sweep.yaml", "--out", "run", "--devices", "cpu", "--no-progress"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);

    // The case is one: negatives whose probability is exactly 1, as that of positives is.
    let scores = Table::read(&folder.path().join("run/scores.parquet"));
    let labels = scores.integers("label");
    let ones = scores.floats("score").into_iter().zip(&labels).filter(|(score, _)| *score == Some(1.0));
    let classes: Vec<i64> = ones.filter_map(|(_, label)| *label).collect();
    assert!(classes.contains(&0) && classes.contains(&1), "nothing saturates here");

    let results = Table::read(&folder.path().join("run/results.parquet"));
    for metric in ["train_auc", "val_auc", "test_auc", "test_average_precision"] {
        assert_eq!(results.floats(metric), [Some(1.0); 2], "{metric}");
    }
    let report = focalsweep(folder.path(), ["report", "run", "--format", "csv", "--operating-point", "max_fpr=0.001"]);
    assert_eq!(report.code, Some(0), "{}", report.stderr);
    let column = |name: &str| -> Vec<String> {
        let at = report.stdout.lines().next().unwrap().split(',').position(|head| head == name).expect("a column");
        report.stdout.lines().skip(1).map(|line| line.split(',').nth(at).unwrap().to_owned()).collect()
    };
    assert_eq!(column("val_op_fp"), ["0", "0"], "nobody is flagged for a tie of probabilities");
    assert_eq!(column("val_op_recall"), ["1", "1"]);
}
