//! `init` writes a sweep file that is good as it stands, whatever the data are.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "other tests look at every file of a folder")]
mod common;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use common::{Said, focalsweep};
use tempfile::TempDir;

/// A file with these columns before the label, `rows` rows and every `every`-th positive.
fn csv(header: &str, label: &str, rows: usize, every: usize, cells: impl Fn(usize) -> String) -> String {
    let mut text = format!("{header},{label}\n");
    for row in 0..rows {
        writeln!(text, "{},{}", cells(row), u8::from(row % every == 0)).unwrap();
    }
    text
}

/// Numbers that look drawn, between -1 and 1.
fn noise(row: usize, seed: usize) -> f64 {
    ((row * 7919 + seed * 104_729) % 2003) as f64 / 1001.0 - 1.0
}

fn init(folder: &Path, args: &[&str]) -> Said {
    let said = focalsweep(folder, ["init"].iter().chain(args));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    said
}

/// Validates and runs `sweep` as written, but for fewer epochs.
fn runs(folder: &Path, sweep: &str) {
    let said = focalsweep(folder, ["validate", sweep]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let quick = ["--set", "train.epochs=1", "--out", "run", "--devices", "cpu"];
    let said = focalsweep(folder, ["run", sweep, "--no-progress"].iter().chain(&quick));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

#[test]
fn choices_follow_from_the_data_and_are_explained() {
    let folder = TempDir::new().unwrap();
    let rows = csv("row,customer_id,mcc,visits,flat,who,amount", "fraud", 3000, 25, |row| {
        let (a, who) = (noise(row, 1), row % 3000);
        format!("{row},{},{},{},7,u{who},{a:.4}", (row * 37 + 5) % 3001, 100 + row % 8, row % 6)
    });
    fs::write(folder.path().join("cards.csv"), rows).unwrap();
    let text = init(folder.path(), &["cards.csv", "--label", "fraud"]).stdout;
    for expected in [
        "# 3,000 rows, 120 of them positive (4.00 %), 3 columns of features.",
        "name: cards\n",
        "  positive: 1 ",
        "    - who                                     # 3000 different texts on 3000 rows: an identifier\n",
        "    - row                                     # the number of the row\n",
        "    - customer_id                             # a different number on every row: an identifier by its name\n",
        "    - flat                                    # the same on every row\n",
        "  categorical: [\"mcc\"]",
        "# categorical: [\"mcc\", \"visits\"]\n",
        " rows train; ",
        "split: {folds: 5}",
        "  batch_size: 32 ",
        "  epochs: auto                                # at most 100 here, which is 6,000 steps\n",
        "  early_stopping: auto                        # on val_loss: 19 validation positives",
        "operating_point: {max_fpr: 0.05}",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    fs::write(folder.path().join("cards.yaml"), text).unwrap();
    runs(folder.path(), "cards.yaml");
}

#[test]
fn odd_names_words_for_classes_and_folders_of_others() {
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("my data")).unwrap();
    let mut text = "\"a: b\",\"${HOME}\",\"it's \"\"x\"\"\",\"out come\"\n".to_owned();
    for row in 0..400 {
        let (a, b) = (noise(row, 2), noise(row, 3));
        writeln!(text, "{a:.3},{b:.3},{},{}", ["x", "y"][row % 2], ["well", "ill", "dead"][row % 13 % 3]).unwrap();
    }
    fs::write(folder.path().join("my data/Übung 1.csv"), text).unwrap();
    let args = ["my data/Übung 1.csv", "--label", "out come", "--positive", "dead", "--name", "visits"];
    let said = init(folder.path(), &[&args[..], &["--out", "my data/it's.yaml"]].concat());
    assert!(said.stderr.contains("focalsweep run \"my data/it's.yaml\""), "{}", said.stderr);
    assert_eq!(said.stdout, "");
    let written = fs::read_to_string(folder.path().join("my data/it's.yaml")).unwrap();
    assert!(written.contains("  source: Übung 1.csv "), "from its own folder: {written}");
    assert!(written.contains("  positive: dead "), "{written}");
    runs(folder.path(), "my data/it's.yaml");
}

#[test]
fn a_majority_of_positives_few_rows_and_parquet() {
    let folder = TempDir::new().unwrap();
    let rows = csv("x,z", "y", 60, 1, |row| format!("{:.3},{:.3}", noise(row, 5), noise(row, 6)));
    let rows = rows.replacen(",1\n", ",0\n", 20);
    fs::write(folder.path().join("most.csv"), rows).unwrap();
    let text = init(folder.path(), &["most.csv", "--label", "y"]).stdout;
    assert!(text.contains("The positives are the common class"), "{text}");
    fs::write(folder.path().join("most.yaml"), &text).unwrap();
    runs(folder.path(), "most.yaml");

    let synth = ["data", "synth", "--rows", "20000", "--features", "4", "--positives", "600", "--out", "s.parquet"];
    assert_eq!(focalsweep(folder.path(), synth).code, Some(0));
    let text = init(folder.path(), &["s.parquet", "--label", "Class"]).stdout;
    for expected in ["  batch_size: 256 ", "on val_auc: 96 validation positives", "operating_point: {max_fpr: 0.02}"] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(!text.contains("folds"), "{text}");
}

#[test]
fn nothing_is_overwritten_and_faults_are_those_of_the_command_line() {
    let folder = TempDir::new().unwrap();
    let rows = csv("x,z", "y", 200, 5, |row| format!("{:.3},{:.3}", noise(row, 5), noise(row, 6)));
    fs::write(folder.path().join("rows.csv"), rows).unwrap();
    fs::write(folder.path().join("kept.yaml"), "mine").unwrap();
    let kept = || fs::read_to_string(folder.path().join("kept.yaml")).unwrap();
    for (args, words) in [
        (&["rows.csv", "--label", "y", "--out", "kept.yaml"][..], "kept.yaml is there already"),
        (&["rows.csv", "--label", "Y"], "did you mean `y`?"),
        (&["row.csv", "--label", "y"], "did you mean rows.csv?"),
        (&["rows.csv", "--label", "x"], "--positive"),
        (&["rows.csv", "--label", "y", "--positive", "yes"], "--positive is yes"),
        (&["rows.csv", "--label", "y", "--name", "a b"], "did you mean `a-b`?"),
        (&["rows.csv", "--label", "y", "--out", "no/s.yaml"], "cannot write no/s.yaml"),
        (&["rows.csv", "--label", "y", "--force"], "--out"),
    ] {
        let said = focalsweep(folder.path(), ["init"].iter().chain(args));
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{args:?}: {}", said.stderr);
        let told = said.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ");
        assert!(told.contains(words), "{args:?}: no {words:?} in {told}");
    }
    assert_eq!(kept(), "mine");
    init(folder.path(), &["rows.csv", "--label", "y", "--out", "kept.yaml", "--force"]);
    assert!(kept().contains("name: rows\n"));
    runs(folder.path(), "kept.yaml");
}

/// What no sweep file has said yet, the one that is made says: how columns are read that cannot be as they are.
#[test]
fn columns_that_cannot_be_read_as_they_are() {
    let folder = TempDir::new().unwrap();
    let rows = csv("a;b;${HOME};d;day", "y", 400, 8, |row| {
        let a = if row == 40 { "${HOME}".to_owned() } else { format!("{:.3}", noise(row, 1)) };
        let b = if row % 90 == 7 { "not: measured".to_owned() } else { format!("{:.3}", noise(row, 2)) };
        let zone = if row % 2 == 0 { "Z" } else { "" };
        format!("{a};{b};${:.2};{};2024-01-0{}T10:00:00{zone}", noise(row, 3) + 2.0, row * 31 % 97, row % 9 + 1)
    });
    // One separator throughout, so that only the columns are odd.
    fs::write(folder.path().join("dirty.csv"), rows.replace(',', ";")).unwrap();
    let text = init(folder.path(), &["dirty.csv", "--label", "y"]).stdout;
    for expected in [
        "  # column `a` holds numbers (99.8 % of its cells), but also `${HOME}` (1), first in row 41 (line 42",
        "  csv: {na_values: [\"$${HOME}\", \"not: measured\"]}",
        "  types: {\"$${HOME}\": number, day: ignore}",
    ] {
        assert!(text.contains(expected), "no {expected:?} in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 120), "{text}");
    fs::write(folder.path().join("dirty.yaml"), text).unwrap();
    runs(folder.path(), "dirty.yaml");

    let rows =
        csv(
            "a",
            "y",
            4000,
            8,
            |row| {
                if row % 20 == 7 { format!("word{row}") } else { format!("{:.3}", noise(row, 1)) }
            },
        );
    fs::write(folder.path().join("words.csv"), rows).unwrap();
    let said = focalsweep(folder.path(), ["init", "words.csv", "--label", "y"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{}", said.stderr);
    assert!(said.stderr.contains("bad_values: missing") && !said.stderr.contains("na_values"), "{}", said.stderr);
}
