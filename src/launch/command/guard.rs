//! The process that stands between this program and a command: it ends the command when this program is gone.
//!
//! It is this program again (`focalsweep guard WORDS`), at the head of a process group of its own, with the reading end
//! of a pipe as its stdin. The command is its child in the same group and has no stdin. When the pipe closes, since
//! somebody wants an end or since this program was killed, the group is asked to end (SIGTERM), then killed. It ends as
//! the command did, by the same code or the same signal.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpgrp, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;

/// From SIGTERM to SIGKILL.
pub(super) const TO_TERMINATE: Duration = Duration::from_secs(5);
/// The program's name.
const NAME: &str = "focalsweep";
/// Exit code of a command that cannot be run, as shells have it.
const NO_PROGRAM: u8 = 127;

/// Runs the command `words` and ends as it does; ends it when stdin does. Returns on errors alone, or with a code.
pub fn guard(words: &[OsString]) -> ExitCode {
    // So that it outlives the SIGTERM that it sends to its own group. The command has its own handlers.
    for signal in [SIGTERM, SIGINT, SIGHUP] {
        let _ = signal_hook::flag::register(signal, Arc::default());
    }
    let Some((program, arguments)) = words.split_first() else { return ExitCode::from(NO_PROGRAM) };
    let mut child = match Command::new(program).args(arguments).stdin(Stdio::null()).spawn() {
        Ok(child) => child,
        Err(why) => {
            crate::output::talk(&format!("cannot run `{}`: {why}", program.display()));
            return ExitCode::from(NO_PROGRAM);
        }
    };
    thread::spawn(|| {
        let mut rest = [0; 64];
        while matches!(io::stdin().read(&mut rest), Ok(1..)) {}
        let _ = kill_process_group(getpgrp(), Signal::TERM);
        thread::sleep(TO_TERMINATE);
        let _ = kill_process_group(getpgrp(), Signal::KILL);
    });
    let Ok(status) = child.wait() else { return ExitCode::FAILURE };
    if let Some(signal) = status.signal() {
        let _ = emulate_default_handler(signal);
    }
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Where this program is, to be run as a guard: this file, or where this is another program that uses the library, one
/// beside it or above, or on PATH.
///
/// # Errors
/// It is nowhere.
pub(super) fn program() -> io::Result<PathBuf> {
    let this = env::current_exe()?;
    if this.file_stem() == Some(OsStr::new(NAME)) {
        return Ok(this);
    }
    let beside = this.ancestors().skip(1).take(2).map(|folder| folder.join(NAME));
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join(NAME)).collect::<Vec<_>>();
    let found = beside.chain(on_path).find(|path| path.is_file());
    let nowhere = || io::Error::new(io::ErrorKind::NotFound, format!("there is no `{NAME}` beside it or on PATH"));
    found.ok_or_else(nowhere)
}
