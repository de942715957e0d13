//! Rows scored by a command with what its trainer kept. Trainer and command are this very program, which can read
//! Parquet: see `as_trainer` and `as_scorer`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "other tests read more of what is there")]
mod common;
#[expect(dead_code, reason = "other tests read more of a table")]
#[path = "common/table.rs"]
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Said, focalsweep, program};
use serde_json::{Value, json};
use table::Table;
use tempfile::TempDir;

/// The variable that has the command that scores do it wrongly.
const MODE: &str = "TEST_PREDICT_MODE";

fn told(variable: &str) -> Value {
    serde_json::from_slice(&fs::read(std::env::var(variable).unwrap()).unwrap()).unwrap()
}

fn schema(table: &Table) -> Vec<String> {
    table.batch.schema().fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect()
}

/// A score of each row, from its first number.
fn scores(table: &Table, weight: f64) -> Vec<(i64, f64)> {
    let score = |x: Option<f64>| 1.0 / (1.0 + (-weight * x.unwrap_or(-1.0)).exp());
    table.integers("row").into_iter().map(Option::unwrap).zip(table.floats("x").into_iter().map(score)).collect()
}

/// What this program does when it is run as a trainer.
#[test]
#[ignore = "a trainer, not a test"]
fn as_trainer() {
    let order = told("FOCALSWEEP_TRIAL");
    let out = PathBuf::from(order["out"].as_str().unwrap());
    let weight = order["parameters"]["weight"].as_f64().unwrap();
    let mut lines = vec!["split,row,score".to_owned()];
    for split in ["validation", "test"] {
        let table = Table::read(Path::new(order["data"][split].as_str().unwrap()));
        lines.extend(scores(&table, weight).into_iter().map(|(row, score)| format!("{split},{row},{score}")));
        if split == "test" {
            fs::create_dir_all(out.join("model")).unwrap();
            fs::write(out.join("model/kept.json"), json!({"weight": weight, "schema": schema(&table)}).to_string())
                .unwrap();
        }
    }
    fs::write(out.join("scores.csv"), lines.join("\n")).unwrap();
}

/// What it does when it is run to score rows.
#[test]
#[ignore = "a command, not a test"]
fn as_scorer() {
    let order = told("FOCALSWEEP_PREDICT");
    let path = |key: &str| PathBuf::from(order[key].as_str().unwrap());
    let kept: Value = serde_json::from_slice(&fs::read(path("model").join("kept.json")).unwrap()).unwrap();
    assert_eq!((&order["parameters"]["weight"], order["threads"].as_u64()), (&kept["weight"], Some(1)));
    assert!(Path::new("lib/words.txt").is_file(), "the files beside the command");
    let table = Table::read(&path("data"));
    assert_eq!(kept["schema"], json!(schema(&table)), "the columns that were trained on");
    assert_eq!(fs::read_dir(path("out")).unwrap().count(), 0);
    let mut lines = vec!["row,score".to_owned()];
    // In another order than the rows.
    let all = scores(&table, kept["weight"].as_f64().unwrap()).into_iter().rev();
    lines.extend(all.map(|(row, score)| format!("{row},{score}")));
    println!("said on stdout");
    match std::env::var(MODE).unwrap_or_default().as_str() {
        "missing" => drop(lines.pop()),
        "twice" => lines.push(lines[1].clone()),
        "nan" => lines[1] = "0,nan".to_owned(),
        "text" => lines[1] = "0,high".to_owned(),
        "range" => lines[1] = lines[1].split(',').next().unwrap().to_owned() + ",1.5",
        "none" => return,
        "exit" => panic!("out of luck"),
        _ => {}
    }
    fs::write(path("out").join("scores.csv"), lines.join("\n")).unwrap();
}

/// The words of one of these as a list of YAML.
fn words(test: &str) -> String {
    let this = std::env::current_exe().unwrap();
    format!(
        "['{}', {test}, --exact, --ignored, --nocapture, --test-threads=1, '${{weight}}', lib/words.txt]",
        this.display()
    )
}

/// Numbers with gaps, words, levels that are numbers, truths, times, a constant.
fn rows(count: usize) -> String {
    let row = |at: usize| {
        let x = if at.is_multiple_of(17) { String::new() } else { format!("{}", (at * 7 % 23) as f64 / 10.0) };
        let y = u8::from(at * 7 % 23 + at % 5 > 20);
        let (level, code, truth) = (["u", "NA", "w"][at * at % 3], [7, 8][at % 2], [true, false][at % 2]);
        format!("id{at},{x},{level},{code},{truth},2024-01-{:02}T00:00:00Z,5,{y}\n", at % 28 + 1)
    };
    "id,x,level,code,truth,when,same,y\n".to_owned() + &(0..count).map(row).collect::<String>()
}

/// A finished run of a trainer with these keys beside its command, and the id of its trial.
fn run(keys: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let at = folder.path();
    fs::write(at.join("rows.csv"), rows(300)).unwrap();
    fs::create_dir(at.join("lib")).unwrap();
    fs::write(at.join("lib/words.txt"), "here").unwrap();
    let spec = format!(
        "name: t\ndata: {{source: rows.csv, label: y, drop: [id], types: {{code: category}}, min_level_count: 2}}\n\
         operating_point: {{max_fpr: 0.1}}\ntrainers: {{own: {{command: {}, {keys}}}}}\n\
         parameters: {{trainer: {{value: own}}, weight: {{value: 2.5}}}}\n",
        words("as_trainer")
    );
    fs::write(at.join("sweep.yaml"), spec).unwrap();
    let said = focalsweep(at, ["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let id = Table::read(&at.join("run/results.parquet")).texts("trial_id")[0].clone().unwrap();
    (folder, id)
}

fn did(folder: &Path, args: &[&str]) -> Said {
    let said = focalsweep(folder, args);
    assert_eq!(said.code, Some(0), "{args:?}: {}", said.stderr);
    said
}

fn one_line(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// Scores and flags of the run's rows are those that were recorded.
fn as_recorded(folder: &Path, with_score: bool) {
    let recorded = Table::read(&folder.join("run/scores.parquet"));
    let predicted = Table::read(&folder.join("out.parquet"));
    assert_eq!(predicted.rows(), 300);
    let (raw, score) = (predicted.floats("raw"), predicted.floats("score"));
    let rows: Vec<usize> = recorded.integers("row").into_iter().map(|row| row.unwrap() as usize).collect();
    assert!(rows.len() > 80);
    for (at, &row) in rows.iter().enumerate() {
        assert_eq!(raw[row], recorded.floats("raw")[at], "row {row}");
        assert_eq!(score[row], recorded.floats("score")[at], "row {row}");
        assert_eq!(score[row].is_some(), with_score);
    }
    let threshold = Table::read(&folder.join("run/results.parquet")).floats("threshold_raw")[0].unwrap();
    let flagged = predicted.texts("flagged");
    assert!(
        (0..300)
            .all(|row| flagged[row].as_deref() == Some(if raw[row].unwrap() >= threshold { "true" } else { "false" }))
    );
    assert!(flagged.iter().any(|flag| flag.as_deref() == Some("true")));
}

#[test]
fn a_command_scores_new_rows_with_what_its_trainer_kept() {
    let (folder, id) = run(&format!("predict: {}", words("as_scorer")));
    let folder = folder.path();
    let said = did(folder, &["export", "run", "--trial", &id, "--out", "model"]);
    assert!(one_line(&said.stderr).contains("by its command, of which 1 files were copied"), "{}", said.stderr);
    // It needs nothing of the run.
    fs::rename(folder.join("lib"), folder.join("gone")).unwrap();
    let args = ["predict", "model", "rows.csv", "--out", "out.parquet", "--metrics", "m.json", "--keep", "id"];
    let said = did(folder, &args);
    assert!(
        said.stderr.contains("scored 300 rows of rows.csv") && said.stderr.contains("said on stdout"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("label `y`: 300 rows") && said.stderr.contains("\nAUC "), "{}", said.stderr);
    as_recorded(folder, true);
    let predicted = Table::read(&folder.join("out.parquet"));
    assert_eq!(predicted.texts("id")[7].as_deref(), Some("id7"));
    let notes: Value = serde_json::from_slice(&fs::read(folder.join("m.json")).unwrap()).unwrap();
    assert_eq!((&notes["rows"], &notes["label"]["metrics"]["rows"]), (&300.into(), &300.into()));
    // What the command prints is not what is piped on; columns come in any order, without the label.
    let lines: String = ["truth,when,same,x,code,level\n", "true,2024-02-03T00:00:00Z,5,1.5,7,u\n"].concat();
    fs::write(folder.join("one.csv"), lines).unwrap();
    let said = did(folder, &["predict", "model", "one.csv", "--out", "-"]);
    assert!(said.stdout.starts_with("row,raw,score,flagged,threshold_raw\n0,") && said.stdout.lines().count() == 2);

    for (mode, words) in [
        ("missing", "out/scores.csv: 1 of 300 rows have no score, the first is row 0"),
        ("twice", "out/scores.csv: row 299 is there twice, expected it once"),
        ("nan", "row 0: found the score NaN, expected a finite number"),
        ("text", "row 1: found `high` as `score`, expected a number"),
        ("range", "found the score 1.5, expected probabilities from 0 to 1"),
        ("none", "it ended well, but wrote neither out/"),
        ("exit", "the command of `own` that scores rows: exit code 101"),
    ] {
        let mut command: Command = program(folder);
        command.env(MODE, mode).args(["predict", "model", "rows.csv", "--out", "wrong.csv"]);
        let said = Said::of(&command.output().unwrap());
        assert_eq!(said.code, Some(2), "{mode}: {}", said.stderr);
        let told = one_line(&said.stderr);
        assert!(told.contains(words) && told.contains("run in"), "{mode}: {told}");
        assert!(!folder.join("wrong.csv").exists());
    }
    // Columns that are not there, cells that are none, files that are others.
    fs::write(folder.join("two.csv"), "x,level\n1,u\n").unwrap();
    let said = focalsweep(folder, ["predict", "model", "two.csv", "--out", "wrong.csv"]);
    assert!(said.code == Some(2) && said.stderr.contains("no column `code`"), "{}", said.stderr);
    fs::write(folder.join("model/model/kept.json"), "{}").unwrap();
    let said = focalsweep(folder, ["predict", "model", "rows.csv", "--out", "wrong.csv"]);
    assert!(said.code == Some(2) && said.stderr.contains("model/kept.json"), "{}", said.stderr);
}

#[test]
fn prepared_rows_and_scores_that_are_no_probabilities() {
    let (folder, id) = run(&format!("predict: {}, inputs: prepared, output: score", words("as_scorer")));
    let folder = folder.path();
    did(folder, &["export", "run", "--trial", &id, "--out", "model"]);
    let said = did(folder, &["predict", "model", "rows.csv", "--out", "out.parquet"]);
    assert!(said.stderr.contains("flagged from "), "{}", said.stderr);
    as_recorded(folder, false);
}

#[test]
fn a_trainer_that_only_trains_is_refused_with_a_way_out() {
    let (folder, id) = run("cpus: 1");
    let folder = folder.path();
    let said = did(folder, &["export", "run", "--trial", &id, "--out", "model"]);
    assert!(one_line(&said.stderr).contains("`trainers.own` has no `predict`"), "{}", said.stderr);
    let said = focalsweep(folder, ["predict", "model", "rows.csv", "--out", "out.csv"]);
    assert_eq!(said.code, Some(2));
    assert!(
        one_line(&said.stderr).contains("is a model of the trainer `own`, which has no `predict`"),
        "{}",
        said.stderr
    );
    // It can be said later, without another training.
    let spec = fs::read_to_string(folder.join("sweep.yaml")).unwrap();
    let spec = spec.replace("cpus: 1", &format!("predict: {}", words("as_scorer")));
    fs::write(folder.join("sweep.yaml"), spec).unwrap();
    let said = did(folder, &["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run", "--resume"]);
    assert!(said.stderr.contains("were there already"), "{}", said.stderr);
    did(folder, &["export", "run", "--trial", &id, "--out", "second"]);
    did(folder, &["predict", "second", "rows.csv", "--out", "out.parquet"]);
    as_recorded(folder, true);
}
