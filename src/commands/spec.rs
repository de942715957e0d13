//! `validate` and `schema`, and how every command reads its spec.

use std::fs;
use std::io;
use std::process::ExitCode;

use crate::cli::SpecArgs;
use crate::output::{self, Failure, Plain};
use crate::plan::Trials;
use crate::spec::{self, Spec};

/// Reads a spec with its overrides.
pub(super) fn read(args: &SpecArgs) -> Result<Spec, Failure> {
    let name = args.spec.display().to_string();
    let text = fs::read_to_string(&args.spec).map_err(|error| {
        let help = match error.kind() {
            io::ErrorKind::NotFound => "a sweep file is YAML, such as sweeps/focal.yaml; look at the path".to_owned(),
            io::ErrorKind::InvalidData => "a sweep file is YAML text in UTF-8".to_owned(),
            _ => "the file must be readable".to_owned(),
        };
        Failure::input(Plain { message: format!("cannot read {name}: {error}"), help: Some(help) })
    })?;
    spec::parse_with(&name, &text, &args.overrides).map_err(Failure::input)
}

/// The trials of a spec.
pub(super) fn trials(spec: &Spec) -> Result<Trials, Failure> {
    Trials::new(spec).ok_or_else(|| {
        let help = Some("a grid multiplies: fewer values a parameter, or fewer parameters".to_owned());
        Failure::input(Plain { message: "parameters: more than 4,294,967,295 trials".into(), help })
    })
}

pub(super) fn validate(args: &SpecArgs) -> Result<ExitCode, Failure> {
    let spec = read(args)?;
    let trials = trials(&spec)?;
    output::talk(&format!(
        "{}: no faults; {} trials x {} replicates",
        args.spec.display(),
        trials.len(),
        spec.replicates
    ));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn schema() -> Result<ExitCode, Failure> {
    let text = serde_json::to_string_pretty(&spec::json_schema()).map_err(|e| closed(io::Error::other(e)))?;
    output::data(&text).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// stdout that cannot be written.
pub(super) fn closed(error: io::Error) -> Failure {
    Failure::environment(Plain { message: format!("cannot write to stdout: {error}"), help: None })
}
