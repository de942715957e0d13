//! Too much of everything: files, columns, names, and less of the machine than is wanted. The real program, under the
//! limits of a shell: it says what is wrong in a sentence, with an exit code of the table, and never dies by a signal.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;
#[path = "common/cores.rs"]
mod cores;

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Said, files, focalsweep, program};
use cores::first_cores;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use tempfile::TempDir;

/// Some 40 rows, 8 of them positive.
fn rows() -> String {
    let row = |row: usize| format!("{}.5,{},{}\n", row * 7 % 11, ["red", "blue"][row % 2], row % 5 / 4);
    format!("x,colour,y\n{}", (0..40).map(row).collect::<String>())
}

/// A folder with a sweep of `rows.csv`.
fn sweep(rows: impl AsRef<[u8]>, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.csv"), rows).unwrap();
    let text = format!(
        "name: tiny\ndata: {{source: rows.csv, label: y}}\ntrain: {{epochs: 2, batch_size: 16, \
         early_stopping: none}}\n\
         parameters:\n  loss: {{value: focal}}\n  alpha: {{values: [0.25, 0.5]}}\n{more}"
    );
    fs::write(folder.path().join("s.yaml"), text).unwrap();
    folder
}

/// Runs the program with two threads after the shell commands `limits`.
fn under(limits: &str, folder: &Path, args: &[&str]) -> Said {
    let inner = program(folder);
    let mut shell = Command::new("sh");
    shell.current_dir(folder).stdin(Stdio::null()).env("RAYON_NUM_THREADS", "2");
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    // Every core has a thread, and every thread its part of the memory.
    let script = format!("{limits}; exec taskset -c {} \"$@\"", first_cores(2));
    shell.args(["-c", &script, "sh"]).arg(inner.get_program()).args(args);
    Said::of(&shell.output().expect("a shell")).calm()
}

fn is_root() -> bool {
    String::from_utf8_lossy(&Command::new("id").arg("-u").output().expect("id").stdout).trim() == "0"
}

/// An error of the table with a sentence and a way out.
fn assert_refused(said: &Said, codes: &[i32], words: &[&str]) {
    assert!(said.code.is_some_and(|code| codes.contains(&code)), "{said:?}");
    for word in words {
        assert!(said.stderr.contains(word), "{word:?} is not said: {said:?}");
    }
}

#[test]
fn a_sweep_file_has_at_most_16_mib() {
    let folder = sweep(rows(), "");
    File::create(folder.path().join("huge.yaml")).unwrap().set_len(1 << 30).unwrap();
    let few = "ulimit -v 400000";
    assert_refused(&under(few, folder.path(), &["validate", "huge.yaml"]), &[2], &["more than 16 MiB", "help:"]);
    if !is_root() {
        eprintln!("not tried as no root: a device that never ends");
        return;
    }
    let made = Command::new("mknod").current_dir(folder.path()).args(["zero", "c", "1", "5"]).status();
    if !made.is_ok_and(|status| status.success()) || File::open(folder.path().join("zero")).is_err() {
        eprintln!("not tried, devices cannot be made here: a device that never ends");
        return;
    }
    assert_refused(&under(few, folder.path(), &["validate", "zero"]), &[2], &["more than 16 MiB", "help:"]);
}

#[test]
fn a_plan_of_many_values_or_replicates_is_made() {
    let values: Vec<String> = (0..200_000).map(|at| format!("{}", 1e-4 + f64::from(at) * 1e-9)).collect();
    let folder = sweep(rows(), &format!("  learning_rate: {{values: [{}]}}\n", values.join(", ")));
    let said = focalsweep(folder.path(), ["plan", "s.yaml", "--set", "parameters.alpha.value=0.5"]);
    assert!(said.code == Some(0) && said.stdout.contains("200,000"), "{said:?}");
    let said = focalsweep(sweep(rows(), "").path(), ["plan", "s.yaml", "--set", "replicates=10000"]);
    assert!(said.code == Some(0) && said.stdout.contains("10000"), "{said:?}");
}

#[test]
fn columns_cost_what_they_hold() {
    for (columns, limit) in [(20_000, "ulimit -v 600000"), (100_000, "ulimit -v 900000")] {
        let names: Vec<String> = (0..columns).map(|at| format!("c{at}")).collect();
        let row = |row: usize| (0..columns).map(|at| (at * row % 7).to_string()).collect::<Vec<_>>().join(",");
        let lines: String = (0..10).map(|at| format!("{},{}\n", row(at), at % 3 / 2)).collect();
        let folder = sweep(format!("{},y\n{lines}", names.join(",")), "");
        let said = under(limit, folder.path(), &["data", "describe", "s.yaml"]);
        assert!(said.code == Some(0) && said.stdout.contains("rows         10"), "{columns} columns: {said:?}");
    }
}

#[test]
fn a_table_that_does_not_fit_is_an_error_before_it_is_read() {
    let folder = sweep("", "");
    let mut rows = GzEncoder::new(File::create(folder.path().join("rows.csv.gz")).unwrap(), Compression::fast());
    let names: Vec<String> = (0..50).map(|at| format!("c{at}")).collect();
    writeln!(rows, "{},y", names.join(",")).unwrap();
    let block = format!("{}1\n", "0,".repeat(50)).repeat(10_000);
    (0..100).for_each(|_| rows.write_all(block.as_bytes()).unwrap());
    rows.finish().unwrap();
    let args = ["data", "describe", "s.yaml", "--set", "data.source=rows.csv.gz"];
    let said = under("ulimit -v 400000", folder.path(), &args);
    assert_refused(&said, &[2], &["rows.csv.gz: the first", "of memory", "`data.drop`", "ulimit -v"]);
}

#[test]
fn replicates_and_models_that_do_not_fit_are_errors_before_they_are_made() {
    let row = |row: usize| format!("{},{},{},{}\n", row % 101, row % 103, row % 107, row % 10 / 9);
    let folder = sweep(format!("a,b,c,y\n{}", (0..20_000).map(row).collect::<String>()), "");
    for command in ["plan", "run"] {
        let said = under("ulimit -v 600000", folder.path(), &[command, "s.yaml", "--set", "replicates=10000"]);
        assert_refused(&said, &[2], &["10000 replicates of 20000 rows with 3 features", "fewer `replicates`"]);
    }
    let wide = ["run", "s.yaml", "--set", "model.hidden=[8192,8192]"];
    assert_refused(&under("ulimit -v 900000", folder.path(), &wide), &[2], &["the models of", "hidden", "of memory"]);
    let left: Vec<String> = files(folder.path()).into_keys().collect();
    assert_eq!(left, ["rows.csv", "s.yaml"], "a refused run leaves nothing behind");
}

#[test]
fn a_file_that_may_not_grow_is_an_error_of_its_own() {
    let folder = sweep(rows(), "");
    for blocks in [1, 2, 8, 32] {
        let said = under(&format!("ulimit -f {blocks}"), folder.path(), &["run", "s.yaml", "--resume"]);
        assert_refused(&said, &[3], &["File too large", "help:"]);
    }
    let synth = ["data", "synth", "--rows", "20000", "--features", "5", "--positives", "100", "--out", "made.csv"];
    assert_refused(&under("ulimit -f 8", folder.path(), &synth), &[3], &["made.csv", "File too large", "help:"]);
    assert!(!folder.path().join("made.csv").exists());
    let said = focalsweep(folder.path(), ["run", "s.yaml", "--resume"]);
    assert_eq!(said.code, Some(0), "nothing stands in the way of the next run: {said:?}");
}

#[test]
fn few_files_at_once_are_an_error_with_a_sentence() {
    let folder = sweep(rows(), "");
    for files in [4, 5, 6, 8, 10, 12, 16] {
        let said = under(&format!("ulimit -n {files}"), folder.path(), &["run", "s.yaml", "--resume"]);
        assert!(said.code.is_some_and(|code| [0, 2, 3].contains(&code)), "{files} files: {said:?}");
        assert!(said.code == Some(0) || said.stderr.contains("Too many open files"), "{files} files: {said:?}");
    }
}

#[test]
fn threads_that_cannot_be_had_are_an_error_with_a_sentence() {
    let folder = sweep(rows(), "");
    let many = "ulimit -v 1500000; RAYON_NUM_THREADS=5000; export RAYON_NUM_THREADS";
    for args in [&["run", "s.yaml"][..], &["data", "describe", "s.yaml"], &["plan", "s.yaml"]] {
        assert_refused(&under(many, folder.path(), args), &[3], &["cannot start 5000 threads", "RAYON_NUM_THREADS"]);
    }
    if !is_root() {
        assert_refused(
            &under("ulimit -u 1", folder.path(), &["plan", "s.yaml"]),
            &[3],
            &["threads that share the work"],
        );
        return;
    }
    // Root may have as many as it likes: somebody else, who must be able to reach the program and the folder.
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::copy(program(folder.path()).get_program(), folder.path().join("program")).unwrap();
    let as_nobody = |args: &str| {
        let nobody = "setpriv --reuid=65533 --regid=65533 --clear-groups --inh-caps=-all";
        let script = format!("{nobody} sh -c 'ulimit -u 1 && exec ./program {args}'");
        Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output().expect("a shell")
    };
    let started = as_nobody("--version");
    if !started.status.success() {
        eprintln!("not tried, as another user the program does not start here ({started:?}): `ulimit -u`");
        return;
    }
    assert_refused(&Said::of(&as_nobody("plan s.yaml")).calm(), &[3], &["threads that share the work", "ulimit -u"]);
}

#[test]
fn less_memory_than_the_program_needs_ends_it_with_a_sentence() {
    let folder = sweep(rows(), "");
    for mib in (20..400).step_by(20) {
        let limit = format!("ulimit -v {}", mib * 1024);
        let started = Command::new("sh")
            .args(["-c", &format!("{limit}; exec \"$@\""), "sh"])
            .arg(program(folder.path()).get_program())
            .arg("--version")
            .output()
            .expect("a shell");
        if !started.status.success() {
            continue;
        }
        for args in [&["run", "s.yaml", "--resume"][..], &["data", "describe", "s.yaml"]] {
            let said = under(&limit, folder.path(), args);
            let code = said.code.unwrap_or(-1);
            assert!([0, 2, 3].contains(&code), "{mib} MiB, {args:?}: {said:?}");
            assert!(code == 0 || !said.stderr.is_empty(), "{mib} MiB, {args:?}: {said:?}");
        }
    }
}

#[test]
fn memory_that_was_not_estimated_and_is_not_there_is_an_error_with_a_sentence() {
    let folder = sweep(rows(), &format!("  gamma: {{values: [{}]}}\n", "1.25, ".repeat(800_000)));
    let said = under("ulimit -v 100000", folder.path(), &["validate", "s.yaml"]);
    assert_refused(&said, &[3], &["the system gives no more memory", "`ulimit -v`", "--resume"]);
}

/// What terminals obey.
const ORDERS: [char; 6] = ['\u{1b}', '\u{7}', '\r', '\u{202e}', '\u{9b}', '\u{2066}'];

#[test]
fn names_are_shown_and_not_obeyed() {
    let long = "n".repeat(70_000);
    let odd = "a\u{1b}]0;x\u{7}\u{202e}\u{9b}31m|`<b>";
    let level = "red\u{1b}[31m\u{2066}";
    let row = |row: usize| format!("{}.5,{},7,{},{}\n", row * 7 % 11, row % 3, ["blue", level][row % 2], row % 5 / 4);
    let content =
        format!("\"{long}\",\"{odd}\",\"{odd}\nconstant\",colour,y\n{}", (0..40).map(row).collect::<String>());
    let folder = sweep(content, "");
    let described = focalsweep(folder.path(), ["data", "describe", "s.yaml"]);
    assert_eq!(described.code, Some(0), "{described:?}");
    assert!(described.stdout.contains("nnn…"), "a long name is cut");
    assert!(described.stdout.lines().all(|line| line.chars().count() < 400), "{}", described.stdout);
    let ran = focalsweep(folder.path(), ["run", "s.yaml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("left out, constant on the training rows: a\\u{1b}"), "{}", ran.stderr);
    let reported = focalsweep(folder.path(), ["report", "runs/tiny"]);
    let unknown = focalsweep(folder.path(), ["data", "describe", "s.yaml", "--set", "data.label=z"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    let other = folder.path().join(format!("b{odd}.yaml").replace('/', ""));
    fs::write(&other, format!("name: a\n\"x{odd}\": 1\n")).unwrap();
    let invalid = focalsweep(folder.path(), [Path::new("validate"), &other]);
    assert_eq!(invalid.code, Some(2), "{invalid:?}");
    let absent = focalsweep(folder.path(), [Path::new("validate"), &other.with_extension("yml")]);
    let run = folder.path().join("runs/tiny");
    let files = ["log.txt", "report.md", "report.html"].map(|name| fs::read_to_string(run.join(name)).unwrap());
    let said = [described, ran, reported, unknown, invalid, absent].map(|said| said.stdout + &said.stderr);
    for text in said.iter().chain(&files) {
        let found = text.find(ORDERS).map(|at| text[at.saturating_sub(80)..].chars().take(160).collect::<String>());
        assert!(found.is_none(), "{found:?}");
    }
    let kept: String = fs::read_to_string(run.join("manifest.json")).unwrap();
    assert!(kept.contains("\\u001b"), "the record has names as they are");
}

/// Before 0.2 this sweep was refused: its replicates would take 480 MB together.
#[test]
fn replicates_that_do_not_fit_together_are_prepared_one_by_one() {
    let row = |row: usize| {
        let x: Vec<String> = (0..30).map(|at| (row * (2 * at + 7) % 1009).to_string()).collect();
        format!("{},{}\n", x.join(","), row % 10 / 9)
    };
    let names: Vec<String> = (0..30).map(|at| format!("x{at}")).collect();
    let folder = sweep(format!("{},y\n{}", names.join(","), (0..40_000).map(row).collect::<String>()), "");
    let run = |limits: &str, out: &str| {
        let more = ["replicates=100", "train.epochs=1", "train.batch_size=4096", "scores=none"];
        let more: Vec<&str> = more.iter().flat_map(|change| ["--set", change]).collect();
        let said =
            under(limits, folder.path(), &[&["run", "s.yaml", "--out", out, "--no-progress"], &more[..]].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        let report = focalsweep(folder.path(), ["report", out, "--format", "json"]);
        assert_eq!(report.code, Some(0), "{report:?}");
        let report: Value = serde_json::from_str(&report.stdout).unwrap();
        let figures = |trial: &Value| ["val_auc", "val_loss", "test_auc"].map(|name| trial["metrics"][name].as_f64());
        report["ranking"].as_array().unwrap().iter().map(figures).collect::<Vec<_>>()
    };
    // Of what a thread's heap reserves nothing is used; it is no part of the question.
    let few = run("ulimit -v 700000; export MALLOC_ARENA_MAX=2", "few");
    assert!(few.len() == 2 && few.iter().flatten().all(Option::is_some), "{few:?}");
    assert_eq!(few, run("true", "all"));
}
