//! `run`: from a spec to a run directory.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use chrono::{SecondsFormat, Utc};

use super::interrupt;
use super::open_run::place;
use super::plan::show;
use super::report::{WITH_INTERVALS, ranking};
use super::spec::{closed, read};
use super::workload::Workload;
use crate::cli::{LauncherName, LogFormat, PlanFormat, RunArgs};
use crate::launch::local::{self, Local};
use crate::launch::slurm::{self, Cluster, End};
use crate::launch::{Tally, stop_on_signals};
use crate::logging::Log;
use crate::output::{self, Failure, INTERRUPTED, Plain, SOME_FAILED};
use crate::progress::{DownloadBar, Progress};
use focalsweep_core::record::{Collection, Counts, Manifest, RunDir, RunDirError, RunState};
use focalsweep_core::spec::{self, Devices, Launcher, Scores, Spec};
use focalsweep_engine::job::{Stop, Work};
use focalsweep_report::thousands;
use focalsweep_report::{self as report, Options};

/// Scores beyond which only the best trials' are kept, unless the spec says otherwise.
const MOST_SCORES: usize = 50_000_000;
/// How many trials `scores: best` keeps.
const BEST_TRIALS: usize = 50;

pub(super) fn run(args: &RunArgs, log: &Log) -> Result<ExitCode, Failure> {
    let mut spec = read(&args.spec)?;
    if let Some(devices) = &args.devices {
        spec.launch.devices = Devices::Word(devices.clone());
    }
    if let Some(launcher) = args.launcher {
        spec.launch.launcher = match launcher {
            LauncherName::Local => Launcher::Local,
            LauncherName::Slurm => Launcher::Slurm,
        };
    }
    check_flags(args, &spec)?;
    let root = args.out.clone().unwrap_or_else(|| Path::new("runs").join(&spec.name));
    let before = if args.dry_run { None } else { RunDir::look(&root).map_err(place)? };
    if let Some(manifest) = &before {
        check_same_sweep(&root, manifest, &spec, args.resume)?;
    }
    let cluster = args.prepare || spec.launch.launcher == Launcher::Slurm;
    let mut workload =
        Workload::new(&spec, cluster, &mut DownloadBar::new(args.no_progress || args.log_format == LogFormat::Json))?;
    if args.dry_run {
        show(&spec, &workload, PlanFormat::Table)?;
        return Ok(ExitCode::SUCCESS);
    }
    workload.describe_data();
    if let Some(manifest) = &before {
        check_same_data(&root, manifest, &workload)?;
        if manifest.state == RunState::Finished {
            if root.join("jobs").exists() {
                // Killed between its last two steps.
                RunDir::lock(&root).and_then(|dir| dir.remove_jobs()).map_err(place)?;
            }
            output::talk(&format!(
                "{}: all {} rows were there already",
                root.display(),
                thousands(manifest.counts.rows)
            ));
            output::data(&root.display().to_string()).map_err(closed)?;
            return Ok(code(manifest.counts.failed));
        }
    }
    let stop = stop_on_signals().map_err(|error| {
        Failure::environment(Plain { message: format!("cannot listen for Ctrl-C: {error}"), help: None })
    })?;
    let dir = RunDir::lock(&root).map_err(place)?;
    log.to_file(&dir.path("log.txt"));
    let manifest = begin(&dir, &spec, &mut workload, before)?;
    if cluster {
        dir.write_prepared(&workload.replicates, &workload.source.fingerprint).map_err(place)?;
    }
    if args.prepare {
        output::talk(&format!(
            "prepared {} jobs: `focalsweep worker {} --job N` trains one",
            workload.plan.jobs.len(),
            root.display()
        ));
        output::data(&root.display().to_string()).map_err(closed)?;
        return Ok(ExitCode::SUCCESS);
    }
    train(args, &spec, &workload, &dir, manifest, &stop)
}

/// Flags that mean something with a cluster only.
fn check_flags(args: &RunArgs, spec: &Spec) -> Result<(), Failure> {
    let flags = [("--detach", args.detach), ("--cancel-on-interrupt", args.cancel_on_interrupt)];
    match flags.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) if spec.launch.launcher != Launcher::Slurm => Err(Failure::input(Plain {
            message: format!("{flag} is for `--launcher slurm`, expected that too"),
            help: Some("`launch.launcher: slurm` in the sweep file does it as well".into()),
        })),
        _ => Ok(()),
    }
}

/// Trains what is missing and leaves the run directory complete, or resumable.
fn train(
    args: &RunArgs,
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
    mut manifest: Manifest,
    stop: &Stop,
) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let mut progress = Progress::new(args.no_progress, args.log_format == LogFormat::Json);
    let watch = |tally: &Tally| progress.update(tally);
    let outcome = match spec.launch.launcher {
        Launcher::Local => {
            let work = Work {
                spec,
                trials: &workload.trials,
                replicates: &workload.replicates,
                data_fingerprint: &workload.source.fingerprint,
                dir,
                stop,
            };
            local::run(&Local { work, plan: &workload.plan, pool: &workload.pool }, watch)
                .map(drop)
                .map_err(Failure::environment)
        }
        Launcher::Slurm => {
            let cluster = Cluster { spec, plan: &workload.plan, dir, stop, detach: args.detach };
            let ask = || interrupt::ask(args.cancel_on_interrupt);
            match slurm::run(&cluster, ask, watch) {
                Ok(End::LeftRunning) => {
                    progress.clear();
                    return left_running(args, dir);
                }
                Ok(End::Done | End::Cancelled) => Ok(()),
                Err(error) => Err(Failure::environment(error)),
            }
        }
    };
    progress.clear();
    let seconds = started.elapsed().as_secs_f64();
    let finished = finish(spec, workload, dir, &mut manifest)?;
    outcome?;
    output::talk(&summary(&manifest, dir.root(), seconds));
    output::data(&dir.root().display().to_string()).map_err(closed)?;
    if !finished {
        output::talk(&format!("interrupted: go on with `{}`", resume_command(args)));
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(code(manifest.counts.failed))
}

/// Tasks go on without this process.
fn left_running(args: &RunArgs, dir: &RunDir) -> Result<ExitCode, Failure> {
    let root = dir.root().display();
    let record = slurm::Record::read(dir).map_err(place)?;
    let jobs: Vec<String> = record.iter().flat_map(slurm::Record::jobs).map(|job| job.to_string()).collect();
    output::talk(&format!(
        "Slurm job {} goes on; `focalsweep status {root}` tells how far it is, `{}` waits for it and collects",
        jobs.join(", "),
        resume_command(args)
    ));
    output::data(&root.to_string()).map_err(closed)?;
    Ok(if args.detach { ExitCode::SUCCESS } else { ExitCode::from(INTERRUPTED) })
}

fn code(failed: usize) -> ExitCode {
    if failed > 0 { ExitCode::from(SOME_FAILED) } else { ExitCode::SUCCESS }
}

/// The command that goes on with this run.
fn resume_command(args: &RunArgs) -> String {
    let mut command = format!("focalsweep run {} --resume", args.spec.spec.display());
    if let Some(launcher) = args.launcher {
        command += match launcher {
            LauncherName::Local => " --launcher local",
            LauncherName::Slurm => " --launcher slurm",
        };
    }
    for (key, value) in &args.spec.overrides {
        command += &format!(" --set '{key}={value}'");
    }
    if let Some(out) = &args.out {
        command += &format!(" --out {}", out.display());
    }
    command
}

fn summary(manifest: &Manifest, root: &Path, seconds: f64) -> String {
    let Counts { trials, replicates, rows, failed, .. } = manifest.counts;
    let mut text =
        format!("{} of {} rows done in {seconds:.1} s", thousands(rows), thousands(trials * replicates as usize));
    if failed > 0 {
        text += &format!(", {failed} of them failed (see the error column)");
    }
    text + &format!("; results in {}", root.display())
}

/// Refuses a run directory of another sweep, and one that nobody asked to go on with.
fn check_same_sweep(root: &Path, manifest: &Manifest, spec: &Spec, resume: bool) -> Result<(), Failure> {
    if !resume {
        let state = format!("{:?}, {} rows", manifest.state, manifest.counts.rows).to_lowercase();
        return Err(Failure::input(RunDirError::Taken { path: root.to_owned(), state }));
    }
    let path = root.join("sweep.yaml");
    let text = fs::read_to_string(&path).map_err(|why| place(RunDirError::Io { path: path.clone(), why }))?;
    let old = spec::parse(&path.display().to_string(), &text).map_err(Failure::input)?;
    let changed: Vec<String> = differences(&old, spec);
    if changed.is_empty() {
        return Ok(());
    }
    let what = format!("another sweep: `{}` differ", changed.join("`, `"));
    Err(Failure::input(RunDirError::Changed { path: root.to_owned(), what }))
}

/// Top-level keys in which two specs differ; where they run and how they are ranked may change.
fn differences(old: &Spec, new: &Spec) -> Vec<String> {
    let keys = |spec: &Spec| match serde_json::to_value(spec) {
        Ok(serde_json::Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (keys(old), keys(new));
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let may_change = ["launch", "rank"];
    names
        .into_iter()
        .filter(|name| !may_change.contains(&name.as_str()) && old.get(*name) != new.get(*name))
        .cloned()
        .collect()
}

fn check_same_data(root: &Path, manifest: &Manifest, workload: &Workload) -> Result<(), Failure> {
    if manifest.data_fingerprint == workload.source.fingerprint
        && manifest.split_fingerprints == split_fingerprints(workload)
    {
        return Ok(());
    }
    let what = format!("other data (fingerprint {}, now {})", manifest.data_fingerprint, workload.source.fingerprint);
    Err(Failure::input(RunDirError::Changed { path: root.to_owned(), what }))
}

fn split_fingerprints(workload: &Workload) -> Vec<String> {
    workload.replicates.iter().map(|r| r.split_fingerprint.clone()).collect()
}

/// Writes what a run begins with, or takes over the plan of the run that is resumed.
pub(super) fn begin(
    dir: &RunDir,
    spec: &Spec,
    workload: &mut Workload,
    before: Option<Manifest>,
) -> Result<Manifest, Failure> {
    let now = now();
    let manifest = if let Some(before) = before {
        workload.plan = dir.plan().map_err(place)?;
        dir.write("sweep.yaml", &resolved(spec)?).map_err(place)?; // `launch` and `rank` may have changed
        Manifest { state: RunState::Running, updated_at: now, ..before }
    } else {
        dir.write("sweep.yaml", &resolved(spec)?).map_err(place)?;
        dir.write_json("plan.json", &workload.plan).map_err(place)?;
        let counts = Counts {
            trials: workload.plan.trials,
            replicates: spec.replicates,
            jobs: workload.plan.jobs.len(),
            ..Counts::default()
        };
        Manifest::new(
            &spec.name,
            &workload.source.fingerprint,
            split_fingerprints(workload),
            counts,
            workload.notes(),
            now,
        )
    };
    // The manifest comes last: a directory without one holds nothing that could be lost.
    dir.write_json("manifest.json", &manifest).map_err(place)?;
    Ok(manifest)
}

/// sweep.yaml: the spec with its defaults.
fn resolved(spec: &Spec) -> Result<Vec<u8>, Failure> {
    serde_yaml::to_string(spec)
        .map(String::into_bytes)
        .map_err(|e| Failure::environment(Plain { message: format!("cannot write sweep.yaml: {e}"), help: None }))
}

/// Makes the files that people read of what there is. Says whether every row is there.
fn finish(spec: &Spec, workload: &Workload, dir: &RunDir, manifest: &mut Manifest) -> Result<bool, Failure> {
    manifest.libtorch = dir.libtorch().map_err(place)?.or(manifest.libtorch.take());
    let metadata = metadata(spec, manifest)?;
    let collection = Collection::read(dir, &workload.plan, &workload.trials, &metadata).map_err(place)?;
    let all = workload.plan.trials * workload.plan.replicates as usize;
    let finished = collection.rows() == all;
    manifest.counts.rows = collection.rows();
    manifest.counts.failed = collection.failed();
    manifest.state = if finished { RunState::Finished } else { RunState::Interrupted };
    manifest.updated_at = now();
    collection.write_rows().map_err(place)?;
    collection.write_models(&workload.replicates).map_err(place)?;
    let any = collection.rows() > collection.failed();
    let (kept, word) = kept_scores(spec, workload, dir, any)?;
    manifest.scores = word.to_owned();
    collection.write_scores(&workload.replicates, kept.as_ref()).map_err(place)?;
    let ranking = if any {
        let ranking = ranking(dir.root(), &options(spec, None), None, WITH_INTERVALS);
        Some(ranking.map_err(Failure::environment)?)
    } else {
        None
    };
    if let Some(ranking) = &ranking {
        dir.write("report.md", ranking.to_markdown().as_bytes()).map_err(place)?;
    }
    dir.write_json("manifest.json", &manifest).map_err(place)?;
    // After the manifest, which it quotes.
    if let Some(ranking) = &ranking {
        let page = report::to_html(dir.root(), ranking).map_err(Failure::environment)?;
        dir.write("report.html", page.as_bytes()).map_err(place)?;
    }
    if finished {
        dir.remove_jobs().map_err(place)?;
    }
    Ok(finished)
}

fn options(spec: &Spec, top: Option<usize>) -> Options {
    Options { by: spec.rank.by.clone(), on: spec.rank.on, top }
}

/// Whose scores are kept (`None`: everybody's), and the word for it. `any`: whether a trial has finished.
fn kept_scores(
    spec: &Spec,
    workload: &Workload,
    dir: &RunDir,
    any: bool,
) -> Result<(Option<HashSet<String>>, &'static str), Failure> {
    let rows: usize = workload.replicates.iter().map(|r| r.validation.y.len() + r.test.y.len()).sum();
    let wanted =
        spec.scores.unwrap_or(if rows * workload.plan.trials <= MOST_SCORES { Scores::All } else { Scores::Best });
    Ok(match wanted {
        Scores::All => (None, "all"),
        Scores::None => (Some(HashSet::new()), "none"),
        Scores::Best if !any => (Some(HashSet::new()), "best"),
        Scores::Best => {
            let results = report::read(dir.root()).map_err(Failure::environment)?;
            let best = report::rank(&results, &options(spec, Some(BEST_TRIALS))).map_err(Failure::environment)?;
            (Some(best.shown().iter().map(|ranked| ranked.trial.trial_id.clone()).collect()), "best")
        }
    })
}

/// What each Parquet file says of itself.
fn metadata(spec: &Spec, manifest: &Manifest) -> Result<Vec<(String, String)>, Failure> {
    let json = |value: serde_json::Result<String>| {
        value
            .map_err(|e| Failure::environment(Plain { message: format!("cannot write the metadata: {e}"), help: None }))
    };
    let mut metadata = vec![
        ("focalsweep.format_version".into(), manifest.format_version.to_string()),
        ("focalsweep.program".into(), manifest.program.clone()),
        ("focalsweep.data_fingerprint".into(), manifest.data_fingerprint.clone()),
        ("focalsweep.split_fingerprints".into(), json(serde_json::to_string(&manifest.split_fingerprints))?),
        ("focalsweep.spec".into(), json(serde_json::to_string(spec))?),
    ];
    // Where it did not train there is no such key.
    metadata.extend(manifest.libtorch.clone().map(|version| ("focalsweep.libtorch".into(), version)));
    Ok(metadata)
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_results_makes_another_sweep() {
        let text = "name: t\ndata: {source: d.csv, label: y}\nparameters: {loss: {value: bce}}\n";
        let old = spec::parse("t", text).unwrap();
        let mut new = old.clone();
        new.launch.devices = Devices::Word("cpu".into());
        new.rank.by = vec!["fn".into()];
        assert!(differences(&old, &new).is_empty());
        new.train.epochs += 1;
        new.seed += 1;
        assert_eq!(differences(&old, &new), ["seed", "train"]);
    }
}
