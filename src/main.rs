//! Parse, run, exit code.

use std::panic;
use std::process::ExitCode;
use std::sync::Arc;

use focalsweep::allocate::OrExit;
use focalsweep::cli::{Command, LogFormat};
use focalsweep::commands;
use focalsweep::line::parsed;
use focalsweep::logging::Log;
use focalsweep::output::{self, ENVIRONMENT};
use focalsweep_core::guard::is_guarded;
use signal_hook::consts::SIGXFSZ;

#[global_allocator]
static MEMORY: OrExit = OrExit;

fn main() -> ExitCode {
    // A file that may not grow (`ulimit -f`) is an error of the write, not the end of the process: a signal that
    // somebody handles does nothing else. If it cannot be handled the process ends by it, as it would have.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
    // Workers turn panics into failed trials; nobody is to see one raw.
    panic::set_hook(Box::new(|info| {
        if !is_guarded() {
            tracing::error!(target: "panic", "{info}");
        }
    }));
    let outcome = panic::catch_unwind(|| {
        let cli = parsed();
        let json = match &cli.command {
            Command::Run(args) => args.talk.log_format == LogFormat::Json,
            Command::Confirm(args) => args.talk.log_format == LogFormat::Json,
            _ => false,
        };
        if cli.said.quiet {
            output::be_quiet();
        }
        let log = Log::install(json, cli.said);
        commands::dispatch(cli, &log).unwrap_or_else(|failure| failure.report())
    });
    outcome.unwrap_or_else(|_| {
        output::insist(
            "focalsweep has a bug and gave up; what had ended is saved. \
             Please report it with the lines above and the run's log.txt.",
        );
        ExitCode::from(ENVIRONMENT)
    })
}
