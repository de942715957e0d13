//! `validate` and `schema`, and how every command reads its spec.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::SpecArgs;
use crate::output::{self, Failure, Plain};
use crate::run::trials;
use focalsweep_core::record::{folder_of, read_spec_text};
use focalsweep_core::spec::{self, DataSpec, Spec, Word};
use focalsweep_report::thousands;

/// Reads the spec of a command line.
pub(super) fn read(args: &SpecArgs) -> Result<Spec, Failure> {
    read_spec(&args.spec, &args.overrides)
}

/// Reads a spec with its overrides.
pub(super) fn read_spec(path: &Path, overrides: &[(String, String)]) -> Result<Spec, Failure> {
    let name = path.display().to_string();
    let text = read_spec_text(path).map_err(|error| {
        let help = match error.kind() {
            io::ErrorKind::NotFound => not_found(path),
            io::ErrorKind::IsADirectory => "name one sweep file, such as sweeps/focal.yaml".to_owned(),
            io::ErrorKind::FileTooLarge => "name a sweep file, such as sweeps/focal.yaml, not the data".to_owned(),
            io::ErrorKind::InvalidData => "a sweep file is YAML text in UTF-8".to_owned(),
            _ => "the file must be readable".to_owned(),
        };
        Failure::input(Plain { message: format!("cannot read {name}: {error}"), help: Some(help) })
    })?;
    let variable = |name: &str| std::env::var(name).ok();
    let mut spec = spec::parse_in(&variable, &name, &text, overrides).map_err(Failure::input)?;
    place_source(&mut spec.data, folder_of(path));
    place_trainers(&mut spec, folder_of(path));
    Ok(spec)
}

/// Finds a source that lies beside the sweep file, in `folder`, whatever the working directory is.
fn place_source(data: &mut DataSpec, folder: &Path) {
    let beside = folder.join(&data.source);
    let real = |path: &Path| path.canonicalize().ok();
    if data.source.is_absolute() || real(folder) == real(Path::new(".")) {
        return;
    }
    // Of a pattern, the folders above its first star.
    let is_plain = |part: &std::path::Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let there = |path: &Path| path.exists() || path.components().take_while(is_plain).collect::<PathBuf>().is_dir();
    let is_pattern = !data.source.components().all(|part| is_plain(&part));
    let is_beside = if is_pattern { there(&beside) } else { beside.exists() };
    if !is_beside {
        data.beside = Some(folder.to_owned());
        return;
    }
    if data.source.exists() && real(&data.source) != real(&beside) {
        output::talk(&format!(
            "note: {} lies beside the sweep file and is taken, not the one in the working directory",
            beside.display()
        ));
    }
    data.source = beside;
}

/// Has commands run in the sweep file's folder, wherever the working directory is.
fn place_trainers(spec: &mut Spec, folder: &Path) {
    let base = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    for trainer in spec.trainers.values_mut() {
        trainer.folder = Some(trainer.folder.as_ref().map_or_else(|| base.clone(), |own| base.join(own)));
    }
}

/// What to do when there is no such sweep file.
fn not_found(path: &Path) -> String {
    let folder = folder_of(path);
    let Ok(entries) = fs::read_dir(folder) else {
        return format!("there is no folder {} either; paths are relative to where the program runs", folder.display());
    };
    let wanted = path.file_name().unwrap_or_default().to_string_lossy();
    let sweeps = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let sweeps = sweeps.filter(|name| name.ends_with(".yaml") || name.ends_with(".yml"));
    let near = sweeps.map(|name| (strsim::damerau_levenshtein(&name, &wanted), name)).min();
    match near.filter(|(distance, name)| *distance <= name.len().div_ceil(3)) {
        Some((_, name)) => format!("did you mean {}?", path.with_file_name(name).display()),
        None => "a sweep file is YAML, such as sweeps/focal.yaml; look at the path".to_owned(),
    }
}

pub(super) fn validate(args: &SpecArgs) -> Result<ExitCode, Failure> {
    let spec = read(args)?;
    let (trials, by) = trials_in_words(&spec, trials(&spec)?.len());
    output::talk(&format!("{}: no faults; {trials} x {} replicates{by}", args.spec.display(), spec.replicates));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn schema() -> Result<ExitCode, Failure> {
    let text = serde_json::to_string_pretty(&spec::json_schema()).map_err(|e| closed(io::Error::other(e)))?;
    output::data(&text).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// How many trials a sweep has, of which the first wave has `first`, and how they are chosen.
pub(super) fn trials_in_words(spec: &Spec, first: usize) -> (String, String) {
    let by = || format!(", chosen by `{}` in waves of {}", spec.method.word(), thousands(first));
    match (spec.method.draws(), spec.run_cap) {
        (false, _) => (format!("{} trials", thousands(first)), String::new()),
        (true, Some(cap)) => (format!("at most {} trials", thousands(cap)), by()),
        (true, None) => ("as many trials as there is time for".to_owned(), by()),
    }
}

/// stdout that cannot be written.
pub(super) fn closed(error: io::Error) -> Failure {
    Failure::environment(Plain { message: format!("cannot write to stdout: {error}"), help: None })
}
