//! Parse, run, exit code.

use std::panic;
use std::process::ExitCode;

use clap::Parser;
use focalsweep::cli::{Cli, Command, LogFormat};
use focalsweep::commands;
use focalsweep::logging::Log;
use focalsweep::output::{self, ENVIRONMENT};

fn main() -> ExitCode {
    // Workers turn panics into failed trials; nobody is to see one raw.
    panic::set_hook(Box::new(|info| tracing::error!(target: "panic", "{info}")));
    let outcome = panic::catch_unwind(|| {
        let cli = Cli::parse();
        let json = matches!(&cli.command, Command::Run(args) if args.log_format == LogFormat::Json);
        let log = Log::install(json);
        commands::dispatch(cli, &log).unwrap_or_else(|failure| failure.report())
    });
    outcome.unwrap_or_else(|_| {
        output::talk(
            "focalsweep has a bug and gave up; what had ended is saved. \
             Please report it with the lines above and the run's log.txt.",
        );
        ExitCode::from(ENVIRONMENT)
    })
}
