//! The subcommands, one a file, thin: they read settings, call the parts, and say what came of it.

mod check;
mod compare;
mod confirm;
mod data;
mod devices;
mod export;
mod export_card;
mod export_ensemble;
mod export_folder;
mod export_kept;
mod export_onnx;
mod export_refit;
mod exported;
mod index;
mod init;
mod interrupt;
mod launched;
mod open;
mod plan;
mod predict;
mod predicted;
mod report;
mod run;
mod scored;
mod seen;
mod shell;
mod spec;
mod status;
mod trial;
mod watch;
mod worker;

use std::error::Error;
use std::process::ExitCode;
use std::thread::available_parallelism;

use crate::cli::{Cli, Command};
use crate::launch::command::guard;
use crate::logging::Log;
use crate::output::{Failure, Plain};
use focalsweep_engine::memory;
use focalsweep_engine::train::use_instructions;

/// The environment variable that names the vector instructions to use.
const SIMD: &str = "FOCALSWEEP_SIMD";

/// Does what the command line says.
///
/// # Errors
/// What could not be done, with its exit code.
pub fn dispatch(cli: Cli, log: &Log) -> Result<ExitCode, Failure> {
    if let Command::Guard(args) = &cli.command {
        return Ok(guard(&args.words));
    }
    settle_instructions()?;
    if needs_threads(&cli.command) {
        start_threads()?;
    }
    match cli.command {
        Command::Run(args) => run::run(&args, log),
        Command::Confirm(args) => confirm::confirm(&args, log),
        Command::Plan(args) => plan::plan(&args),
        Command::Report(args) => report::report(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Export(args) => export::export(&args),
        Command::Predict(args) => predict::predict(&args),
        Command::Init(args) => init::init(&args),
        Command::Validate(args) => spec::validate(&args),
        Command::Schema => spec::schema(),
        Command::Status(args) => status::status(&args),
        Command::Watch(args) => watch::watch(&args),
        Command::Index(args) => index::index(&args),
        Command::Trial(args) => trial::trial(&args),
        Command::Worker(args) => worker::worker(&args),
        Command::Devices(args) => devices::devices(&args),
        Command::Data(args) => data::data(&args),
        Command::Open(args) => open::open(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
        Command::Guard(args) => Ok(guard(&args.words)),
    }
}

/// Whether a command works on data or results.
fn needs_threads(command: &Command) -> bool {
    !matches!(
        command,
        Command::Validate(_)
            | Command::Schema
            | Command::Status(_)
            | Command::Open(_)
            | Command::Completions(_)
            | Command::Man(_)
    )
}

/// Holds the kernels to the vector instructions that `FOCALSWEEP_SIMD` names, where it does.
fn settle_instructions() -> Result<(), Failure> {
    let Some(word) = std::env::var_os(SIMD).filter(|word| !word.is_empty()) else { return Ok(()) };
    use_instructions(&word.to_string_lossy()).map_err(|error| {
        let message = format!("{SIMD}: {error}");
        Failure::input(Plain { message, help: Some(format!("unset {SIMD} to use the fastest that there are")) })
    })
}

/// Starts the threads that share the work on data and results: where the first use starts them it cannot say that they
/// do not start.
fn start_threads() -> Result<(), Failure> {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|asked| asked.parse().ok()).filter(|asked| *asked > 0);
    let threads = asked.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    let failed = |why: String| {
        let message = format!("cannot start {threads} threads that share the work: {why}");
        let help = "allow more processes (`ulimit -u`) or more memory (`ulimit -v`), or ask for fewer threads: \
                    RAYON_NUM_THREADS=1";
        Failure::environment(Plain { message, help: Some(help.to_owned()) })
    };
    memory::holds_threads(threads).map_err(|short| {
        let words = [short.need, short.most].map(memory::in_words);
        failed(format!("they need {} of address space, and {} may be taken", words[0], words[1]))
    })?;
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build_global() {
        // Without a cause they are there already.
        Err(error) if error.source().is_some() => Err(failed(error.to_string())),
        _ => Ok(()),
    }
}
