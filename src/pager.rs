//! Long text for people goes through a pager where there is a terminal, as git's does.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use terminal_size::terminal_size_of;

use crate::output;

/// What reads a long text where `PAGER` says nothing.
const PAGER: &str = "less";
/// Options of `less` where `LESS` says nothing: ends by itself if all fits, shows colours, leaves the text on the
/// screen.
const LESS: &str = "FRX";

/// Writes lines to stdout: by `$PAGER`, else `less`, where stdout is a terminal and the text has more lines than it. As
/// it is where `PAGER` is empty or `cat`, where the terminal can do nothing (`TERM=dumb`), or where no pager can be
/// started.
///
/// # Errors
/// stdout cannot be written.
pub fn show(text: &str) -> io::Result<()> {
    let pager = env::var("PAGER").unwrap_or_else(|_| PAGER.to_owned());
    let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    if !io::stdout().is_terminal() || is_dumb || matches!(pager.trim(), "" | "cat") || fits(text) {
        return output::data(text);
    }
    match paged(&pager, text) {
        // The shell has said that there is no such program.
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => output::data(text),
    }
}

/// Whether the terminal has as many lines, and one for the prompt.
fn fits(text: &str) -> bool {
    terminal_size_of(io::stdout()).is_none_or(|(_, height)| text.lines().count() < usize::from(height.0))
}

/// Has the pager, a command line of a shell, show the text; whether there is such a pager.
fn paged(pager: &str, text: &str) -> io::Result<bool> {
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    if env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who leaves the pager has read enough.
        let _ = stdin.write_all(text.as_bytes());
    }
    // 126 and 127 are the shell's: it cannot be run, there is none.
    Ok(!matches!(child.wait()?.code(), Some(126 | 127)))
}
