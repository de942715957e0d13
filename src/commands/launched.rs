//! A sweep that is run before the eyes of people, and what came of it in words: what `run` and `confirm` share.

use std::path::Path;
use std::process::ExitCode;

use super::interrupt;
use super::spec::closed;
use crate::cli::{LaunchArgs, LauncherName, LogFormat, TalkArgs};
use crate::launch::OnInterrupt;
use crate::launch::{Tally, stop_on_signals};
use crate::logging::Log;
use crate::output::{self, Failure, INTERRUPTED, Plain, SOME_FAILED};
use crate::progress::{DownloadBar, Progress};
use crate::run::{End, Observer, Outcome, REPORTS, Stage, Sweep};
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::{Devices, Launcher, Spec};
use focalsweep_engine::data::DownloadProgress;
use focalsweep_report::thousands;

/// How a sweep is run and told of.
pub(super) struct Launched<'a> {
    pub(super) launch: &'a LaunchArgs,
    pub(super) talk: &'a TalkArgs,
    pub(super) log: &'a Log,
    /// The command that goes on with it.
    pub(super) again: &'a str,
    /// What is said where there is nothing to do.
    pub(super) already: &'a str,
}

/// Puts into `spec` what the command line says of where it runs.
pub(super) fn set_launch(args: &LaunchArgs, spec: &mut Spec) -> Result<(), Failure> {
    if let Some(devices) = &args.devices {
        spec.launch.devices = Devices::Word(devices.clone());
    }
    if let Some(launcher) = args.launcher {
        spec.launch.launcher = match launcher {
            LauncherName::Local => Launcher::Local,
            LauncherName::Slurm => Launcher::Slurm,
        };
    }
    // Flags that mean something with a cluster only.
    let flags = [("--detach", args.detach), ("--cancel-on-interrupt", args.cancel_on_interrupt)];
    match flags.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) if spec.launch.launcher != Launcher::Slurm => Err(Failure::input(Plain {
            message: format!("{flag} is for `--launcher slurm`, expected that too"),
            help: Some("`launch.launcher: slurm` in the sweep file does it as well".into()),
        })),
        _ => Ok(()),
    }
}

/// The flags that a command that goes on needs too.
pub(super) fn flags(args: &LaunchArgs) -> String {
    match args.launcher {
        Some(LauncherName::Local) => " --launcher local".to_owned(),
        Some(LauncherName::Slurm) => " --launcher slurm".to_owned(),
        None => String::new(),
    }
}

/// No bars: nobody wants them, or they would stand between lines of JSON.
pub(super) fn is_silent(args: &TalkArgs) -> bool {
    args.no_progress || args.log_format == LogFormat::Json
}

impl Launched<'_> {
    /// Runs `sweep` and says how it ended.
    pub(super) fn run(&self, sweep: Sweep) -> Result<ExitCode, Failure> {
        let mut screen = Screen {
            of: self,
            download: Some(DownloadBar::new(is_silent(self.talk))),
            progress: None,
            stage: Stage::default(),
        };
        let ready = sweep.prepare(&mut screen)?;
        screen.download = None;
        // Until now Ctrl-C ended the process at once, and nothing was lost by that.
        let stop = stop_on_signals().map_err(|error| {
            Failure::environment(Plain { message: format!("cannot listen for Ctrl-C: {error}"), help: None })
        })?;
        let outcome = ready.run(&stop, &mut screen)?;
        output::talk(&self.in_words(&outcome));
        outcome.answer.iter().for_each(|line| output::talk(line));
        for (name, what) in REPORTS.into_iter().zip(["the report as text", "and as a page"]) {
            if outcome.manifest.files.contains_key(name) {
                output::talk(&format!("{what}: {}", outcome.root.join(name).display()));
            }
        }
        output::path(&outcome.root).map_err(closed)?;
        match outcome.end {
            End::Interrupted => output::talk(&format!("interrupted: go on with `{}`", self.again)),
            End::Budget => output::talk(&format!(
                "the budget is spent: a larger `budget` in the sweep file goes on, with `{}`",
                self.again
            )),
            _ => {}
        }
        Ok(self.code(&outcome))
    }

    fn in_words(&self, outcome: &Outcome) -> String {
        let root = outcome.root.display();
        let (rows, failed) = (outcome.manifest.counts.rows, outcome.manifest.counts.failed);
        match &outcome.end {
            End::AlreadyThere => format!("{root}: all {} rows {}", thousands(rows), self.already),
            End::Prepared { jobs } => {
                format!("prepared {jobs} jobs: `focalsweep worker {} --job N` trains one", quoted(&outcome.root))
            }
            End::LeftRunning { slurm_jobs } => {
                let jobs: Vec<String> = slurm_jobs.iter().map(ToString::to_string).collect();
                format!(
                    "Slurm job {} goes on; `focalsweep status {}` tells how far it is, `{}` waits for it and collects",
                    jobs.join(", "),
                    quoted(&outcome.root),
                    self.again
                )
            }
            End::Finished | End::Interrupted | End::Budget => {
                let (done, all) = (thousands(rows), thousands(outcome.rows));
                let mut text = format!("{done} of {all} rows of results done in {:.1} s", outcome.seconds);
                if failed > 0 {
                    text += &format!(", {failed} of them failed (see the error column)");
                }
                text + &format!("; results in {root}")
            }
        }
    }

    fn code(&self, outcome: &Outcome) -> ExitCode {
        match &outcome.end {
            End::Finished | End::Budget | End::AlreadyThere if outcome.manifest.counts.failed > 0 => {
                ExitCode::from(SOME_FAILED)
            }
            End::Finished | End::Budget | End::AlreadyThere | End::Prepared { .. } => ExitCode::SUCCESS,
            End::LeftRunning { .. } if self.launch.detach => ExitCode::SUCCESS,
            End::LeftRunning { .. } | End::Interrupted => ExitCode::from(INTERRUPTED),
        }
    }
}

/// Shows a run on the terminal, and has its log written.
struct Screen<'a> {
    of: &'a Launched<'a>,
    download: Option<DownloadBar>,
    /// Since training began.
    progress: Option<Progress>,
    stage: Stage,
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
        self.of.log.to_file(&root.join("log.txt"));
    }

    fn stage(&mut self, stage: &Stage) {
        self.stage = stage.clone();
    }

    fn progress(&mut self, tally: &Tally) {
        let json = self.of.talk.log_format == LogFormat::Json;
        let new = || Progress::new(self.of.talk.no_progress, json, self.stage.clone());
        self.progress.get_or_insert_with(new).update(tally);
    }

    fn trained(&mut self) {
        // What is trained after this has a progress of its own.
        if let Some(mut progress) = self.progress.take() {
            progress.clear();
        }
    }

    fn on_interrupt(&mut self) -> OnInterrupt {
        interrupt::ask(self.of.launch.cancel_on_interrupt)
    }
}
