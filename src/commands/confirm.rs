//! `confirm`: the second phase of a run, after the fact or with other numbers.

use std::process::ExitCode;

use super::launched::{Launched, flags, set_launch};
use crate::cli::ConfirmArgs;
use crate::logging::Log;
use crate::output::Failure;
use crate::run::{RunOptions, Sweep};
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::ConfirmSpec;
use focalsweep_report as report;

pub(super) fn confirm(args: &ConfirmArgs, log: &Log) -> Result<ExitCode, Failure> {
    let mut spec = report::run_files(&args.run_dir)?.spec()?;
    set_launch(&args.launch, &mut spec)?;
    let default = spec.confirm.unwrap_or_default();
    let asked = ConfirmSpec {
        trials: args.trials.unwrap_or(default.trials),
        replicates: args.replicates.unwrap_or(default.replicates),
        methods: args.methods || default.methods,
    };
    let options = RunOptions {
        out: Some(args.run_dir.clone()),
        resume: true,
        confirm: Some(asked),
        detach: args.launch.detach,
        ..RunOptions::default()
    };
    let sweep = Sweep::new(spec, options)?;
    let launched = Launched {
        launch: &args.launch,
        talk: &args.talk,
        log,
        again: &again(args),
        already: "are there, and nothing is left to confirm",
    };
    launched.run(sweep)
}

/// The command that goes on with this.
fn again(args: &ConfirmArgs) -> String {
    let mut command = format!("focalsweep confirm {}", quoted(&args.run_dir));
    for (name, value) in [("trials", args.trials), ("replicates", args.replicates)] {
        if let Some(value) = value {
            command += &format!(" --{name} {value}");
        }
    }
    if args.methods {
        command += " --methods";
    }
    command + &flags(&args.launch)
}
