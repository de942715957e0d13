//! `run`: from arguments to a sweep that is run.

use std::process::ExitCode;

use super::launched::{Launched, flags, is_silent, set_launch};
use super::plan::show;
use super::spec::read;
use crate::cli::{PlanFormat, RunArgs};
use crate::logging::Log;
use crate::output::Failure;
use crate::progress::DownloadBar;
use crate::run::{RunOptions, Sweep, Workload};
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::Launcher;

pub(super) fn run(args: &RunArgs, log: &Log) -> Result<ExitCode, Failure> {
    let mut spec = read(&args.spec)?;
    set_launch(&args.launch, &mut spec)?;
    if args.dry_run {
        let cluster = args.prepare || spec.launch.launcher == Launcher::Slurm;
        let workload = Workload::preview(&spec, cluster, &mut DownloadBar::new(is_silent(&args.talk)))?;
        show(&spec, &workload, PlanFormat::Table)?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = RunOptions {
        out: args.out.clone(),
        resume: args.resume,
        retry_failed: args.retry_failed,
        retrain: args.retrain.clone(),
        confirm: None,
        prepare_only: args.prepare,
        detach: args.launch.detach,
    };
    let sweep = Sweep::new(spec, options)?;
    let launched =
        Launched { launch: &args.launch, talk: &args.talk, log, again: &again(args), already: "were there already" };
    launched.run(sweep)
}

/// The command that goes on with this run.
fn again(args: &RunArgs) -> String {
    let mut command = format!("focalsweep run {} --resume{}", quoted(&args.spec.spec), flags(&args.launch));
    for (key, value) in &args.spec.overrides {
        command += &format!(" --set {}", quoted(format!("{key}={value}")));
    }
    if let Some(out) = &args.out {
        command += &format!(" --out {}", quoted(out));
    }
    command
}
