//! Where `focalsweep-torch` is, and what it says of itself.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use focalsweep_engine::job::{Greeting, LibtorchDescription};

use crate::launch::child::status_in_words;

/// The program.
const NAME: &str = "focalsweep-torch";
/// The variable that names it.
pub const VARIABLE: &str = "FOCALSWEEP_TORCH";
/// Longest that it may take to say what it has: CUDA's first start on a busy host takes its time.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Why libtorch cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum NoTorch {
    /// It is nowhere.
    #[error("there is no {NAME} here, which trains on GPUs and with `train.backend: libtorch`")]
    #[diagnostic(help(
        "`make build` adds it with the CPU's libtorch, `make build TORCH=cuda` with CUDA's; it belongs \
         beside focalsweep, on the PATH, or where {VARIABLE} says. The cores train without it: `--devices cpu --set \
         train.backend=fused`"
    ))]
    Nowhere,
    /// It is not where the environment says.
    #[error("{VARIABLE} is {}, which is no program", .0.display())]
    #[diagnostic(help("let it name the file {NAME}, or unset it to look beside focalsweep and on the PATH"))]
    NotThere(PathBuf),
    /// It does not start.
    #[error("{} does not start: {why}", .path.display())]
    #[diagnostic(help("it needs the libtorch that it was built with: `make build` again, or see LD_LIBRARY_PATH"))]
    Broken {
        /// The program.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// It belongs to another focalsweep.
    #[error("{} is of focalsweep {version}, expected {}", .path.display(), env!("CARGO_PKG_VERSION"))]
    #[diagnostic(help("`make build` builds both; {VARIABLE} names another one"))]
    OtherVersion {
        /// The program.
        path: PathBuf,
        /// Of which it is.
        version: String,
    },
}

/// The program: as the environment says, else beside this one, else on the PATH.
///
/// # Errors
/// It is not there.
pub fn find_torch() -> Result<PathBuf, NoTorch> {
    if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if path.is_file() { Ok(path) } else { Err(NoTorch::NotThere(path)) };
    }
    let beside = env::current_exe().ok().and_then(|program| Some(program.parent()?.join(NAME)));
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join(NAME));
    beside.into_iter().chain(on_path).find(|path| path.is_file()).ok_or(NoTorch::Nowhere)
}

/// Asks the program what it has.
///
/// # Errors
/// It does not start, or is of another version.
pub fn describe_libtorch(path: &Path) -> Result<LibtorchDescription, NoTorch> {
    let broken = |why: String| NoTorch::Broken { path: path.to_owned(), why };
    let mut command = Command::new(path);
    command.arg("--describe").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let process = command.spawn().map_err(|error| broken(error.to_string()))?;
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new()
        .spawn(move || drop(sender.send(process.wait_with_output())))
        .map_err(|error| broken(error.to_string()))?;
    let output = receiver.recv_timeout(TIMEOUT).map_err(|_| broken(format!("no answer in {} s", TIMEOUT.as_secs())))?;
    let output = output.map_err(|error| broken(error.to_string()))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let first = words.lines().next().unwrap_or_default();
        return Err(broken(format!("{}: {first}", status_in_words(output.status))));
    }
    let description: LibtorchDescription =
        serde_json::from_slice(&output.stdout).map_err(|_| broken("it does not say what it is".to_owned()))?;
    check_version(path, &description.greeting)?;
    Ok(description)
}

/// Whether `greeting`, which `path` gave, is of this program.
pub(super) fn check_version(path: &Path, greeting: &Greeting) -> Result<(), NoTorch> {
    if greeting.is_of_this_program() {
        return Ok(());
    }
    Err(NoTorch::OtherVersion { path: path.to_owned(), version: greeting.version.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn script(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("torch.sh");
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_program_that_is_none_of_ours_is_told_from_one_that_is() {
        let folder = tempfile::tempdir().unwrap();
        let asked = |text: &str| describe_libtorch(&script(folder.path(), text));
        assert!(
            matches!(asked("echo boom >&2; exit 9"), Err(NoTorch::Broken { why, .. }) if why == "exit code 9: boom")
        );
        assert!(matches!(asked("echo hello"), Err(NoTorch::Broken { .. })));
        let said = |version: &str| {
            let greeting = Greeting { version: version.to_owned(), ..Greeting::of_this_program() };
            let description =
                LibtorchDescription { greeting, libtorch: "2.11.0".into(), cuda_devices: 0, cuda_problem: None };
            format!("cat <<'END'\n{}\nEND", serde_json::to_string(&description).unwrap())
        };
        assert!(matches!(asked(&said("0.0.1")), Err(NoTorch::OtherVersion { version, .. }) if version == "0.0.1"));
        assert_eq!(asked(&said(env!("CARGO_PKG_VERSION"))).unwrap().libtorch, "2.11.0");
    }
}
