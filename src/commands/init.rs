//! `init`: a sweep file for data at hand.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::spec::closed;
use crate::cli::InitArgs;
use crate::init::{Asked, sweep_file};
use crate::output::{self, Failure, Plain};
use crate::run::RunError;
use focalsweep_core::record::{folder_of, write_named};
use focalsweep_core::shell::quoted;
use focalsweep_engine::data::DataError;

pub(super) fn init(args: &InitArgs) -> Result<ExitCode, Failure> {
    if let Some(out) = args.out.as_deref().filter(|out| !args.force && out.exists()) {
        let help = "name another file, or replace it with --force".to_owned();
        let message = format!("{} is there already, and is left as it is", out.display());
        return Err(Failure::input(Plain { message, help: Some(help) }));
    }
    let Some(data) = args.data.to_str() else {
        let message = format!("{} is no UTF-8, and a sweep file is", args.data.display());
        return Err(Failure::input(Plain { message, help: Some("rename the file".to_owned()) }));
    };
    let name = args.name.clone().unwrap_or_else(|| name_of(&args.data));
    let source = args.out.as_deref().and_then(|out| from_folder(&args.data, folder_of(out)));
    let asked = Asked {
        data: &args.data,
        source: source.as_deref().and_then(Path::to_str).unwrap_or(data),
        label: &args.label,
        positive: args.positive.as_deref(),
        name: &name,
        command: &command(args),
    };
    let text = sweep_file(&asked).map_err(|error| failed(error, args))?;
    let Some(out) = &args.out else {
        output::data(&text).map_err(closed)?;
        return Ok(ExitCode::SUCCESS);
    };
    write(out, args.force, &text).map_err(|error| {
        let help = "its folder must be there, and yours to write in".to_owned();
        Failure::input(Plain { message: format!("cannot write {}: {error}", out.display()), help: Some(help) })
    })?;
    output::talk(&format!("wrote {0}: read it, then `focalsweep run {0}`", quoted(out)));
    Ok(ExitCode::SUCCESS)
}

/// Writes a file that is not there yet, or with `force` whatever is there.
fn write(out: &Path, force: bool, text: &str) -> io::Result<()> {
    if force {
        return write_named(out, |file| file.write_all(text.as_bytes()));
    }
    // Should somebody have made it meanwhile, theirs stays.
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(out)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// `data` from the folder of the sweep file, where it lies there or below.
fn from_folder(data: &Path, folder: &Path) -> Option<PathBuf> {
    let (data, folder) = (data.canonicalize().ok()?, folder.canonicalize().ok()?);
    Some(data.strip_prefix(folder).ok()?.to_owned())
}

/// A name for a sweep of a file: its stem, as far as a folder's name may have it.
fn name_of(data: &Path) -> String {
    let name = data.file_name().unwrap_or_default().to_string_lossy();
    let lower = name.to_lowercase();
    let end = [".csv.gz", ".csv", ".parquet"].into_iter().find(|end| lower.ends_with(end)).map_or(0, str::len);
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let stem = name.get(..name.len().saturating_sub(end)).unwrap_or_default();
    let stem: String = stem.chars().map(|c| if fits(c) { c } else { '-' }).take(40).collect();
    let stem = stem.trim_matches('-');
    if stem.is_empty() { "sweep".to_owned() } else { stem.to_owned() }
}

/// The command as it was given.
fn command(args: &InitArgs) -> String {
    let mut command = format!("focalsweep init {} --label {}", quoted(&args.data), quoted(&args.label));
    for (option, value) in [("positive", &args.positive), ("name", &args.name)] {
        if let Some(value) = value {
            command += &format!(" --{option} {}", quoted(value));
        }
    }
    command
}

/// The failure with the words of the command line where the help has those of the sweep file.
fn failed(error: RunError, args: &InitArgs) -> Failure {
    let help = match &error {
        RunError::Data(DataError::LabelManyClasses { .. } | DataError::LabelTie { .. }) => {
            "say with --positive which of them is the rare class; the others become the negatives".to_owned()
        }
        RunError::Data(DataError::LabelAbsent { .. }) => "write --positive as the value stands in the data".to_owned(),
        RunError::Data(DataError::UnknownColumn { help, .. }) => help.clone(),
        RunError::Data(DataError::Columns { .. }) => {
            "that is too much for `init` to take as missing: mend the file, or write a sweep file yourself with \
             `bad_values: missing` or `types` under `data`"
                .to_owned()
        }
        _ => return error.into(),
    };
    let message = match &error {
        RunError::Data(DataError::UnknownColumn { .. }) => {
            format!("--label names `{}`, but the data has no such column", args.label)
        }
        RunError::Data(DataError::LabelAbsent { positive, column, values }) => {
            format!("--positive is {positive}, but label `{column}` has the values {values}")
        }
        error => error.to_string(),
    };
    Failure::input(Plain { message, help: Some(help) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_the_file() {
        for (path, name) in [
            ("data/cards.csv.gz", "cards"),
            ("Über cards (2).PARQUET", "Über-cards--2"),
            (".csv", "sweep"),
            ("--.csv", "sweep"),
        ] {
            assert_eq!(name_of(Path::new(path)), name);
        }
    }
}
