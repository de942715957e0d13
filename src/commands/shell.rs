//! `completions` and `man`: what shells and `man` know of the commands, made of the same types that read them.

use std::fs;
use std::io;
use std::process::ExitCode;

use clap::CommandFactory;

use super::spec::closed;
use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::output::{self, Failure, Plain};

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, Failure> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    output::bytes(&[&script]).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    let failed = |error: io::Error| {
        let message = format!("cannot write to {}: {error}", args.out.display());
        Failure::environment(Plain { message, help: Some("`--out DIR` names a folder of yours".to_owned()) })
    };
    fs::create_dir_all(&args.out).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.out).map_err(failed)?;
    output::path(&args.out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}
