//! Trainers of the user's. The trainer is this very program, which can read Parquet: see `as_trainer`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[expect(dead_code, reason = "other tests read more of what is there")]
mod common;
#[expect(dead_code, reason = "other tests read more of a table")]
#[path = "common/table.rs"]
mod table;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Said, focalsweep, program};
use serde_json::Value;
use table::Table;
use tempfile::TempDir;

/// What this program does when it is run as a trainer: by the parameter `mode` well or badly.
#[test]
#[ignore = "a trainer, not a test"]
fn as_trainer() {
    let order: Value = serde_json::from_slice(&fs::read(std::env::var("FOCALSWEEP_TRIAL").unwrap()).unwrap()).unwrap();
    let out = PathBuf::from(order["out"].as_str().unwrap());
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "out is fresh");
    let mode = order["parameters"]["mode"].as_str().unwrap_or("good").to_owned();
    let (mut lines, mut first) = (vec!["split,row,score".to_owned()], true);
    for split in ["validation", "test", "calibration"] {
        let Some(path) = order["data"][split].as_str() else { continue };
        let table = Table::read(Path::new(path));
        assert_eq!(table.names().contains(&"Class".to_owned()), split != "test", "no label of the test rows");
        for (row, x) in table.integers("row").into_iter().zip(table.floats("V1")) {
            let (row, x) = (row.unwrap(), x.unwrap());
            let score = if mode == "score" { 100.0 * x } else { 1.0 / (1.0 + (-x).exp()) };
            let mut split = split.to_owned();
            if std::mem::take(&mut first) {
                match mode.as_str() {
                    "missing" => continue,
                    "twice" => lines.push(format!("{split},{row},{score}")),
                    "nan" => lines.push(format!("{split},{row},nan")),
                    "text" => lines.push(format!("{split},{row},high")),
                    "split" => split = "test".to_owned(),
                    "range" => lines.push(format!("{split},{row},1.5")),
                    _ => {}
                }
                if ["nan", "text", "range"].contains(&mode.as_str()) {
                    continue;
                }
            }
            lines.push(format!("{split},{row},{score}"));
        }
    }
    println!(); // after what the harness has begun to print
    for epoch in 1..4 {
        println!("{}", serde_json::json!({"epoch": epoch, "val_auc": 0.5 + f64::from(epoch) / 10.0}));
    }
    eprintln!(
        "threads {} gpus [{}]",
        std::env::var("OMP_NUM_THREADS").unwrap(),
        std::env::var("CUDA_VISIBLE_DEVICES").unwrap()
    );
    if mode != "none" {
        fs::write(out.join("scores.csv"), lines.join("\n")).unwrap();
    }
    fs::create_dir_all(out.join("model/part")).unwrap();
    fs::write(out.join("model/part/weights.txt"), &mode).unwrap();
}

/// The words of [`as_trainer`] as a list of YAML.
fn as_words() -> String {
    let this = std::env::current_exe().unwrap();
    format!("['{}', as_trainer, --exact, --ignored, --nocapture, --test-threads=1]", this.display())
}

const HEAD: &str = "name: t\n\
    data: {source: rows.csv, synth: {rows: 300, features: 3, positives: 60}, label: Class, drop: [V3]}\n\
    train: {epochs: 2, batch_size: 100, early_stopping: none}\n";

/// A folder with a sweep file of `rest`.
fn folder(rest: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("sweep.yaml"), format!("{HEAD}{rest}")).unwrap();
    folder
}

fn run(folder: &Path, more: &[&str]) -> Said {
    let args = ["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run"];
    focalsweep(folder, args.into_iter().chain(more.iter().copied()))
}

/// A sweep of shell commands, each its own trainer, and what becomes of the row of each.
fn results(folder: &Path) -> Table {
    Table::read(&folder.join("run/results.parquet"))
}

fn errors(folder: &Path) -> Vec<String> {
    results(folder).texts("error").into_iter().map(Option::unwrap_or_default).collect()
}

#[test]
fn a_command_is_judged_beside_our_own() {
    let folder = folder(&format!(
        "replicates: 2\ntrainers: {{own: {{command: {}, cpus: 1}}}}\n\
         parameters:\n  - {{loss: {{values: [bce, focal]}}}}\n  \
         - {{trainer: {{value: own}}, mode: {{values: [good, score]}}, n: {{values: [1, 2]}}, \
         learning_rate: {{value: 0.5}}}}\n",
        as_words()
    ));
    let folder = folder.path();
    let said = run(folder, &[]);
    // `score` gives no probabilities, and nobody said so.
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let table = results(folder);
    assert_eq!(table.rows(), 12);
    let (trainers, states, modes) = (table.texts("trainer"), table.texts("state"), table.texts("mode"));
    let (n, rates, losses) = (table.integers("n"), table.floats("learning_rate"), table.texts("loss"));
    let (aucs, briers, own_losses) = (table.floats("val_auc"), table.floats("val_brier"), table.floats("val_loss"));
    for at in 0..12 {
        let is_own = trainers[at].as_deref() == Some("own");
        assert_eq!((n[at].is_some(), losses[at].is_none(), modes[at].is_some()), (is_own, is_own, is_own));
        if is_own {
            assert_eq!(rates[at], Some(0.5));
            let is_good = modes[at].as_deref() == Some("good");
            assert_eq!(states[at].as_deref(), Some(if is_good { "finished" } else { "failed" }));
            assert_eq!((aucs[at].is_some(), briers[at].is_some(), own_losses[at]), (is_good, is_good, None));
        }
    }
    assert!(errors(folder).iter().any(|error| error.contains("`output: score` says that they are none")));
    // Epochs, the model, the log; data files and `out` are gone.
    let history = Table::read(&folder.join("run/history.parquet"));
    let aucs: Vec<_> = history.floats("val_auc").into_iter().zip(history.floats("train_loss")).collect();
    assert!(aucs.contains(&(Some(0.6), None)) && aucs.contains(&(Some(0.8), None)), "{aucs:?}");
    let trials: Vec<PathBuf> = fs::read_dir(folder.join("run/trainers")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(trials.len(), 8, "{trials:?}");
    let kept = trials.iter().filter(|trial| trial.join("model/part/weights.txt").is_file()).count();
    assert_eq!(kept, 4, "a training that failed keeps no model");
    assert!(
        trials.iter().all(|trial| fs::read_to_string(trial.join("log.txt")).unwrap().contains("threads 1 gpus []"))
    );
    // Its figures are those of its scores.
    let scores = Table::read(&folder.join("run/scores.parquet"));
    assert_eq!(scores.rows(), 8 * (48 + 60));
    let id =
        table.texts("trial_id")[(0..12).find(|&at| modes[at].as_deref() == Some("good")).unwrap()].clone().unwrap();
    let report = focalsweep(folder, ["report", "run"]);
    assert!(report.stdout.contains("own") && report.stdout.contains("trainer"), "{}", report.stdout);
    assert_eq!(focalsweep(folder, ["report", "run", "--html", "page.html"]).code, Some(0));
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("\"trainer\"") && page.contains("\"mode\"") && !page.contains("threads 1 gpus"));
    // What it kept can be had.
    let out = ["export", "run", "--trial", id.as_str(), "--out", "model"];
    assert_eq!(focalsweep(folder, out).code, Some(0));
    assert_eq!(fs::read_to_string(folder.join("model/model/part/weights.txt")).unwrap(), "good");
    let card: Value = serde_json::from_slice(&fs::read(folder.join("model/trainer.json")).unwrap()).unwrap();
    assert_eq!((card["trial_id"].as_str(), card["trainer"].as_str()), (Some(id.as_str()), Some("own")));
    assert_eq!(focalsweep(folder, out).code, Some(2), "it is there already");
    let refit = focalsweep(folder, ["export", "run", "--trial", id.as_str(), "--refit", "--out", "all"]);
    assert_eq!(refit.code, Some(2));
    assert!(refit.stderr.contains("is trained by `own`, and only our own networks"), "{}", refit.stderr);
    // And be run by hand.
    let said = focalsweep(folder, ["trial", "run", &id[..8], "--replicate", "1"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(
        said.stderr.contains("its scores are whole: AUC 0.") && said.stderr.contains("FOCALSWEEP_TRIAL="),
        "{}",
        said.stderr
    );
    assert_eq!(focalsweep(folder, ["trial", "run", "nosuch"]).code, Some(2));
    // Nothing is left to do.
    let said = run(folder, &["--resume"]);
    assert!(said.stderr.contains("were there already"), "{}", said.stderr);
}

#[test]
fn what_a_command_writes_wrongly_is_a_failed_trial_with_the_reason() {
    let modes = ["missing", "twice", "nan", "text", "split", "range", "none"];
    let folder = folder(&format!(
        "trainers: {{own: {{command: {}, inputs: raw}}}}\n\
         parameters: {{trainer: {{value: own}}, mode: {{values: [{}]}}}}\n",
        as_words(),
        modes.join(", ")
    ));
    let folder = folder.path();
    assert_eq!(run(folder, &[]).code, Some(1));
    let table = results(folder);
    let told: Vec<(String, String)> = table.texts("mode").into_iter().map(Option::unwrap).zip(errors(folder)).collect();
    for (mode, words) in modes.into_iter().zip([
        "1 of 48 validation rows have no score",
        "is there twice, expected it once",
        "found the score NaN, expected a finite number",
        "found `high` as `score`, expected a number",
        "is a validation row, found under `test`",
        "found the score 1.5, expected probabilities from 0 to 1",
        "wrote neither out/scores.parquet nor out/scores.csv",
    ]) {
        let error = &told.iter().find(|(of, _)| of == mode).unwrap().1;
        assert!(error.contains(words), "{mode}: {error}");
    }
}

#[test]
fn scores_that_are_no_probabilities_have_ranks_and_thresholds_alone() {
    let folder = folder(&format!(
        "split: {{calibration: 0.1}}\noperating_point: {{max_fpr: 0.2, confidence: 0.9}}\n\
         trainers: {{own: {{command: {}, output: score}}}}\n\
         parameters:\n  - {{loss: {{value: bce}}}}\n  - {{trainer: {{value: own}}, mode: {{value: score}}}}\n",
        as_words()
    ));
    let folder = folder.path();
    let said = run(folder, &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let table = results(folder);
    let at = table.texts("trainer").iter().position(|trainer| trainer.as_deref() == Some("own")).unwrap();
    for name in ["val_auc", "test_average_precision", "threshold_raw", "val_op_fn", "test_op_fp"] {
        assert!(table.floats(name)[at].is_some(), "{name}");
    }
    for name in ["threshold", "val_brier", "test_brier", "val_tp", "test_fn", "val_f1", "val_accuracy", "train_auc"] {
        assert_eq!(table.floats(name)[at], None, "{name}");
    }
    let id = table.texts("trial_id")[at].clone().unwrap();
    let scores = Table::read(&folder.join("run/scores.parquet"));
    let rows = scores.texts("trial_id").into_iter().zip(scores.floats("raw")).zip(scores.floats("score"));
    let of_command: Vec<_> = rows.filter(|((of, _), _)| of.as_deref() == Some(&id)).collect();
    assert!(of_command.len() > 100 && of_command.iter().all(|((_, raw), score)| raw.is_some() && score.is_none()));
    for args in [
        vec!["report", "run", "--html", "page.html", "--operating-point", "min_recall=0.9", "--by", "op_fp"],
        vec!["report", "run", "--by", "auc", "--on", "test", "--figures", "figures"],
        vec!["report", "run", "--format", "json"],
    ] {
        let said = focalsweep(folder, &args);
        assert_eq!(said.code, Some(0), "{args:?}: {}", said.stderr);
    }
}

#[test]
fn a_command_is_tried_again_where_that_may_help() {
    // Each attempt leaves a mark beside the sweep file, where commands run.
    let shell =
        |name: &str, script: &str| format!("{name}: {{command: [sh, -c, \"echo x >> {name}.tries; {script}\"]}}");
    let trainers = [
        shell("again", "echo later; exit 75"),
        shell("signal", "kill -KILL $$"),
        shell("term", "kill -TERM $$"),
        shell("broken", "echo first; echo out of luck >&2; exit 3"),
        "late: {command: [sh, -c, 'echo x >> late.tries; sleep 100'], timeout: 3s}".to_owned(),
    ];
    let names = ["again", "signal", "term", "broken", "late"];
    let spaces: String = names.iter().map(|name| format!("  - {{trainer: {{value: {name}}}}}\n")).collect();
    let folder = folder(&format!("trainers: {{{}}}\nparameters:\n{spaces}", trainers.join(", ")));
    let folder = folder.path();
    let started = Instant::now();
    assert_eq!(run(folder, &[]).code, Some(1));
    assert!(started.elapsed() < Duration::from_secs(60));
    let tries = |name: &str| fs::read_to_string(folder.join(format!("{name}.tries"))).unwrap().lines().count();
    assert_eq!(names.map(tries), [3, 3, 3, 1, 1]);
    let table = results(folder);
    let of = |name: &str| {
        let at = table.texts("trainer").iter().position(|trainer| trainer.as_deref() == Some(name)).unwrap();
        errors(folder)[at].clone()
    };
    assert_eq!(of("again"), "exit code 75, the third time; it said: later");
    assert!(
        of("signal").starts_with("ended by signal 9 (SIGKILL)")
            && of("term").starts_with("ended by signal 15, the third")
    );
    assert_eq!(of("broken"), "exit code 3; it said: first / out of luck");
    assert_eq!(of("late"), "ended after its timeout of 3s; it said nothing");
    // What failed is there; asked for, it is tried again.
    let said = run(folder, &["--resume", "--retry-failed"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(tries("broken"), 2);
}

/// Whether a process with this number runs.
fn is_there(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
}

fn until(what: &str, check: impl Fn() -> bool) {
    let started = Instant::now();
    while !check() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A sweep whose command starts a child, does not end when it is asked to, and writes both numbers.
fn stubborn() -> TempDir {
    folder(
        "trainers: {own: {command: [sh, -c, \"trap '' TERM; sleep 1000 & echo $$ $! > pids.part; mv pids.part pids; \
         while :; do sleep 1000; done\"]}}\nparameters: {trainer: {value: own}}\n",
    )
}

fn started(folder: &Path) -> (std::process::Child, Vec<String>) {
    let mut command = program(folder);
    command.args(["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", "run"]);
    let run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the command runs", || folder.join("pids").exists());
    let pids = fs::read_to_string(folder.join("pids")).unwrap().split_whitespace().map(str::to_owned).collect();
    (run, pids)
}

fn signal(name: &str, pid: u32) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn nothing_outlives_a_run_however_it_ends() {
    for how in ["once", "twice", "killed"] {
        let folder = stubborn();
        let folder = folder.path();
        let (mut run, pids) = started(folder);
        assert!(pids.len() == 2 && pids.iter().all(|pid| is_there(pid)));
        match how {
            "killed" => signal("-KILL", run.id()),
            _ => signal("-INT", run.id()),
        }
        if how == "twice" {
            std::thread::sleep(Duration::from_millis(300));
            signal("-INT", run.id());
        }
        let status = run.wait().unwrap();
        if how != "killed" {
            assert_eq!(status.code(), Some(130), "{how}");
        }
        until(how, || pids.iter().all(|pid| !is_there(pid)));
        // It can be gone on with: a command that ends now.
        let text = fs::read_to_string(folder.join("sweep.yaml")).unwrap().replace("trap ''", "exit 9; trap ''");
        fs::write(folder.join("sweep.yaml"), text).unwrap();
        if how == "once" {
            let said = resume(folder, &[]);
            assert_eq!(said.code, Some(2), "{}", said.stderr);
            assert!(said.stderr.contains("--retrain own"), "{}", said.stderr);
        }
        let said = resume(folder, &["--retrain", "own"]);
        assert_eq!(said.code, Some(1), "{how}: {}", said.stderr);
        assert!(errors(folder)[0].starts_with("exit code 9"));
    }
}

fn resume(folder: &Path, more: &[&str]) -> Said {
    run(folder, &[&["--resume"], more].concat())
}

#[test]
fn another_program_is_refused_and_trains_its_trials_again_when_asked() {
    let folder = folder(&format!(
        "trainers: {{own: {{command: {}, files: [version.txt]}}}}\n\
         parameters:\n  - {{loss: {{value: bce}}}}\n  - {{trainer: {{value: own}}, n: {{values: [1, 2]}}}}\n",
        as_words()
    ));
    let folder = folder.path();
    fs::write(folder.join("version.txt"), "1").unwrap();
    assert_eq!(run(folder, &[]).code, Some(0));
    let programs = || {
        let table = results(folder);
        let programs: Vec<String> = table.texts("trainer_fingerprint").into_iter().flatten().collect();
        assert_eq!((table.rows(), programs.len()), (3, 2));
        programs
    };
    let first = programs();
    assert_eq!(first[0], first[1]);
    fs::write(folder.join("version.txt"), "2").unwrap();
    let said = run(folder, &["--resume"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("the trainer `own`") && said.stderr.contains("--retrain own"), "{}", said.stderr);
    let said = run(folder, &["--resume", "--retrain", "onw"]);
    assert!(said.code == Some(2) && said.stderr.contains("it has own"), "{}", said.stderr);
    let said = run(folder, &["--resume", "--retrain", "own"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let second = programs();
    assert!(second[0] == second[1] && second[0] != first[0]);
    // How it is run may change.
    let text = fs::read_to_string(folder.join("sweep.yaml")).unwrap().replace("files:", "timeout: 1h, files:");
    fs::write(folder.join("sweep.yaml"), text).unwrap();
    assert_eq!(run(folder, &["--resume"]).code, Some(0));
    // A larger sweep trains what is new alone.
    let said = run(folder, &["--resume", "--set", "parameters.1.n.values=[1, 2, 3]"]);
    assert!(said.code == Some(0) && said.stderr.contains("1 trial is trained"), "{}", said.stderr);
    assert_eq!(results(folder).rows(), 4);
}

#[test]
fn what_cannot_run_is_refused_before_anything_is_trained() {
    let text = |trainer: &str| format!("trainers: {{own: {trainer}}}\nparameters: {{trainer: {{value: own}}}}\n");
    let fields = "data.drop=[V3]";
    for (trainer, change, words) in [
        ("{command: [no-such-program-8]}", fields, "there is no program `no-such-program-8`"),
        ("{command: [sh, trian.py]}", fields, "there is no file"),
        ("{command: [sh, -c, ''], files: [none.txt]}", fields, "trainers.own.files: there is no file"),
        ("{command: [sh, -c, ''], cpus: 4000}", fields, "trainers.own.cpus: found 4000, this machine has"),
        ("{command: [sh, -c, ''], gpus: 60}", fields, "trainers.own.gpus: found 60, this machine has"),
    ] {
        let folder = folder(&text(trainer));
        let said = run(folder.path(), &["--set", change]);
        assert_eq!(said.code, Some(2), "{}", said.stderr);
        assert!(said.stderr.replace("\n  │ ", " ").contains(words), "{words}: {}", said.stderr);
        assert!(!folder.path().join("run").exists(), "nothing is written");
    }
    let folder = folder(&text("{command: [sh, -c, '']}"));
    let said = run(folder.path(), &["--prepare"]);
    assert!(said.code == Some(2) && said.stderr.contains("what workers of our own networks need"), "{}", said.stderr);
    let mut csv = fs::File::create(folder.path().join("rows.csv")).unwrap();
    writeln!(csv, "row,x,Class").unwrap();
    (0..300).for_each(|n| writeln!(csv, "{},{},{}", n % 7, n % 13, u8::from(n % 5 == 0)).unwrap());
    let said = run(folder.path(), &["--set", "data.drop=[]"]);
    assert!(said.code == Some(2) && said.stderr.contains("a column `row`"), "{}", said.stderr);
}

#[test]
fn so_many_run_at_once_as_there_are_cores_for() {
    let cores = std::thread::available_parallelism().unwrap().get();
    // Each says when it began and ended; the wide ones take all cores.
    let script = "date +%s%N > $(basename $0).$$.b; sleep 0.3; date +%s%N > $(basename $0).$$.e; exit 4";
    let folder = folder(&format!(
        "trainers: {{wide: {{command: [sh, -c, '{script}', wide], cpus: {cores}}}, \
         thin: {{command: [sh, -c, '{script}', thin]}}}}\n\
         parameters:\n  - {{trainer: {{value: wide}}, n: {{values: [1, 2]}}}}\n  \
         - {{trainer: {{value: thin}}, n: {{values: [1, 2, 3, 4]}}}}\n"
    ));
    assert_eq!(run(folder.path(), &[]).code, Some(1));
    let mut spans: Vec<(String, u64, u64)> = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if let Some(stem) = name.strip_suffix(".b") {
            let time = |ending: &str| {
                let text = fs::read_to_string(folder.path().join(format!("{stem}.{ending}"))).unwrap();
                text.trim().parse().unwrap()
            };
            spans.push((stem.to_owned(), time("b"), time("e")));
        }
    }
    assert_eq!(spans.len(), 6);
    // Those under way as each begins, itself among them.
    for (name, begin, _) in &spans {
        let at_once = spans.iter().filter(|(_, b, e)| b <= begin && begin < e);
        let at_once: Vec<&str> = at_once.map(|(other, ..)| other.as_str()).collect();
        let most = if at_once.iter().any(|other| other.starts_with("wide")) { 1 } else { cores };
        assert!(at_once.len() <= most, "{name} begins among {at_once:?}");
    }
}

/// Beside trials that end early a command trains to its end, and takes nobody's place.
#[test]
fn commands_are_not_judged_at_rungs() {
    let folder = folder(&format!(
        "early_terminate: {{type: hyperband, min_epochs: 1, max_epochs: 9}}\nrank: {{by: [auc]}}\n\
         trainers: {{own: {{command: {}}}}}\nparameters:\n  - {{trainer: {{value: own}}, n: {{values: [1, 2]}}}}\n  \
         - {{loss: {{value: focal}}, alpha: {{values: [0.2, 0.5, 0.8]}}, \
         learning_rate: {{values: [1e-4, 1e-3, 1e-2]}}}}\n",
        as_words()
    ));
    let folder = folder.path();
    fs::write(
        folder.join("sweep.yaml"),
        fs::read_to_string(folder.join("sweep.yaml")).unwrap().replace("epochs: 2, ", ""),
    )
    .unwrap();
    let said = run(folder, &[]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("rung 2 of 3: 3 of 9 trials go on to epoch 3"), "{}", said.stderr);
    let table = results(folder);
    let of = |trainer: &str, state: &str| {
        let rows = table.texts("trainer").into_iter().zip(table.texts("state"));
        rows.filter(|(of, is)| of.as_deref() == Some(trainer) && is.as_deref() == Some(state)).count()
    };
    assert_eq!((of("own", "finished"), of("stack", "finished"), of("stack", "stopped")), (2, 1, 8));
    let again = run(folder, &["--resume"]);
    assert!(again.stderr.contains("all 11 rows were there already"), "{}", again.stderr);
}
