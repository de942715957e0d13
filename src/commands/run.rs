//! `run`: from arguments to a sweep that is run.

use std::process::ExitCode;

use super::launched::{Launched, flags, is_silent, set_launch};
use super::plan::show;
use super::spec::{closed, read};
use crate::cli::{PlanFormat, RunArgs};
use crate::launch::slurm;
use crate::logging::Log;
use crate::output::{self, Failure, Plain};
use crate::progress::DownloadBar;
use crate::run::{Quiet, RunError, RunOptions, Sweep, Workload, asks_again};
use focalsweep_core::record::RunDirError;
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::{Launcher, Spec};
use focalsweep_report::thousands;

pub(super) fn run(args: &RunArgs, log: &Log) -> Result<ExitCode, Failure> {
    let mut spec = read(&args.spec)?;
    set_launch(&args.launch, &mut spec)?;
    if args.dry_run {
        let cluster = args.prepare || spec.launch.launcher == Launcher::Slurm;
        let workload = Workload::preview(&spec, cluster, &mut DownloadBar::new(is_silent(&args.talk)))?;
        show(&spec, &workload, PlanFormat::Table)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.launch.detach && asks_again(&spec).is_some() {
        return detach(args, &spec);
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

/// Puts a launcher on the cluster that asks for waves there, once this process has seen that it can begin.
fn detach(args: &RunArgs, spec: &Spec) -> Result<ExitCode, Failure> {
    if args.spec.spec.as_os_str() == "-" {
        return Err(Failure::input(Plain {
            message: "`--detach` of a sweep that chooses wave by wave needs a sweep file, not stdin".into(),
            help: Some("write it to a file that the nodes see".into()),
        }));
    }
    let options = RunOptions { out: args.out.clone(), resume: args.resume, ..RunOptions::default() };
    let sweep = Sweep::new(spec.clone(), options)?;
    let root = sweep.root().to_owned();
    let state = sweep.prepare(&mut Quiet)?;
    let trials = state.workload().trials.len();
    drop(state);
    let program = std::env::current_exe().map_err(|why| Failure::environment(RunDirError::io(&root, why)))?;
    let mut command = again(args).replacen("focalsweep", &quoted(&program).to_string(), 1);
    command += if args.retry_failed { " --retry-failed --no-progress" } else { " --no-progress" };
    let slurm = spec.launch.slurm.clone().unwrap_or_default();
    let job = slurm::detach(&spec.name, &slurm, &root, &command).map_err(RunError::from)?;
    let first = if trials == 1 { "1 trial".to_owned() } else { format!("{} trials", thousands(trials)) };
    output::talk(&format!(
        "Slurm job {job} looks after it, beginning with {first}: `focalsweep status {}` tells how far it is; its words \
         are in {}",
        quoted(&root),
        root.join(format!("slurm/launcher-{job}.log")).display()
    ));
    output::path(&root).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
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
