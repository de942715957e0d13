//! `run`: from arguments to a sweep that is run, and what came of it in words.

use std::path::Path;
use std::process::ExitCode;

use super::interrupt;
use super::plan::show;
use super::spec::{closed, read};
use crate::cli::{LauncherName, LogFormat, PlanFormat, RunArgs};
use crate::launch::OnInterrupt;
use crate::launch::{Tally, stop_on_signals};
use crate::logging::Log;
use crate::output::{self, Failure, INTERRUPTED, Plain, SOME_FAILED};
use crate::progress::{DownloadBar, Progress};
use crate::run::{End, Observer, Outcome, RunOptions, Sweep, Workload};
use focalsweep_core::record::Counts;
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::{Devices, Launcher, Spec};
use focalsweep_engine::data::DownloadProgress;
use focalsweep_report::thousands;

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
    if args.dry_run {
        let cluster = args.prepare || spec.launch.launcher == Launcher::Slurm;
        let workload = Workload::preview(&spec, cluster, &mut DownloadBar::new(is_silent(args)))?;
        show(&spec, &workload, PlanFormat::Table)?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = RunOptions {
        out: args.out.clone(),
        resume: args.resume,
        retry_failed: args.retry_failed,
        prepare_only: args.prepare,
        detach: args.detach,
    };
    let mut screen = Screen::new(args, log);
    let ready = Sweep::new(spec, options)?.prepare(&mut screen)?;
    screen.download = None;
    // Until now Ctrl-C ended the process at once, and nothing was lost by that.
    let stop = stop_on_signals().map_err(|error| {
        Failure::environment(Plain { message: format!("cannot listen for Ctrl-C: {error}"), help: None })
    })?;
    let outcome = ready.run(&stop, &mut screen)?;
    output::talk(&in_words(args, &outcome));
    output::path(&outcome.root).map_err(closed)?;
    if outcome.end == End::Interrupted {
        output::talk(&format!("interrupted: go on with `{}`", resume_command(args)));
    }
    Ok(code(args, &outcome))
}

/// No bars: nobody wants them, or they would stand between lines of JSON.
fn is_silent(args: &RunArgs) -> bool {
    args.no_progress || args.log_format == LogFormat::Json
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

/// Shows a run on the terminal, and has its log written.
struct Screen<'a> {
    args: &'a RunArgs,
    log: &'a Log,
    download: Option<DownloadBar>,
    /// Since training began.
    progress: Option<Progress>,
}

impl<'a> Screen<'a> {
    fn new(args: &'a RunArgs, log: &'a Log) -> Self {
        Self { args, log, download: Some(DownloadBar::new(is_silent(args))), progress: None }
    }
}

impl Observer for Screen<'_> {
    fn say(&mut self, line: &str) {
        output::talk(line);
    }

    fn download(&mut self, bytes: u64, total: Option<u64>) {
        if let Some(bar) = &mut self.download {
            bar.advance(bytes, total);
        }
    }

    fn locked(&mut self, root: &Path) {
        self.log.to_file(&root.join("log.txt"));
    }

    fn progress(&mut self, tally: &Tally) {
        let new = || Progress::new(self.args.no_progress, self.args.log_format == LogFormat::Json);
        self.progress.get_or_insert_with(new).update(tally);
    }

    fn trained(&mut self) {
        if let Some(progress) = &mut self.progress {
            progress.clear();
        }
    }

    fn on_interrupt(&mut self) -> OnInterrupt {
        interrupt::ask(self.args.cancel_on_interrupt)
    }
}

fn in_words(args: &RunArgs, outcome: &Outcome) -> String {
    let root = outcome.root.display();
    match &outcome.end {
        End::AlreadyThere => format!("{root}: all {} rows were there already", thousands(outcome.manifest.counts.rows)),
        End::Prepared { jobs } => {
            format!("prepared {jobs} jobs: `focalsweep worker {} --job N` trains one", quoted(&outcome.root))
        }
        End::LeftRunning { slurm_jobs } => {
            let jobs: Vec<String> = slurm_jobs.iter().map(ToString::to_string).collect();
            format!(
                "Slurm job {} goes on; `focalsweep status {}` tells how far it is, `{}` waits for it and collects",
                jobs.join(", "),
                quoted(&outcome.root),
                resume_command(args)
            )
        }
        End::Finished | End::Interrupted => {
            let Counts { trials, replicates, rows, failed, .. } = outcome.manifest.counts;
            let (done, all) = (thousands(rows), thousands(trials * replicates as usize));
            let mut text = format!("{done} of {all} rows done in {:.1} s", outcome.seconds);
            if failed > 0 {
                text += &format!(", {failed} of them failed (see the error column)");
            }
            text + &format!("; results in {root}")
        }
    }
}

fn code(args: &RunArgs, outcome: &Outcome) -> ExitCode {
    match &outcome.end {
        End::Finished | End::AlreadyThere if outcome.manifest.counts.failed > 0 => ExitCode::from(SOME_FAILED),
        End::Finished | End::AlreadyThere | End::Prepared { .. } => ExitCode::SUCCESS,
        End::LeftRunning { .. } if args.detach => ExitCode::SUCCESS,
        End::LeftRunning { .. } | End::Interrupted => ExitCode::from(INTERRUPTED),
    }
}

/// The command that goes on with this run.
fn resume_command(args: &RunArgs) -> String {
    let mut command = format!("focalsweep run {} --resume", quoted(&args.spec.spec));
    if let Some(launcher) = args.launcher {
        command += match launcher {
            LauncherName::Local => " --launcher local",
            LauncherName::Slurm => " --launcher slurm",
        };
    }
    for (key, value) in &args.spec.overrides {
        command += &format!(" --set {}", quoted(format!("{key}={value}")));
    }
    if let Some(out) = &args.out {
        command += &format!(" --out {}", quoted(out));
    }
    command
}
