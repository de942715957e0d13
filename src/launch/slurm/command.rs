//! Slurm's programs, run with a time limit.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Longest that a program may take: busy controllers answer late, those that are gone after some tries.
const TIMEOUT: Duration = Duration::from_secs(60);

/// What a program said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) ok: bool,
    pub(super) stdout: String,
    /// stderr, one line.
    pub(super) words: String,
}

/// Runs a program of Slurm to its end.
///
/// # Errors
/// It is not there. A program that does not end is killed and has said so.
pub(super) fn run<S: AsRef<str>>(program: &str, args: impl IntoIterator<Item = S>) -> io::Result<Said> {
    let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
    // A group of its own: Ctrl-C is this program's to answer. And inside of another job its variables are not ours.
    let inherited = |name: &str| name.starts_with("SLURM_") && name != "SLURM_CONF" && name != "SLURM_CLUSTERS";
    let mut command = Command::new(program);
    command.args(args).process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(inherited) {
            command.env_remove(name);
        }
    }
    let mut child = command.spawn()?;
    let (stdout, stderr) = match (drain(child.stdout.take()), drain(child.stderr.take())) {
        (Ok(stdout), Ok(stderr)) => (stdout, stderr),
        (Err(error), _) | (_, Err(error)) => {
            child.kill()?;
            child.wait()?;
            return Err(error);
        }
    };
    let ended = wait(&mut child)?;
    let text = |thread: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&thread.join().unwrap_or_default()).trim_end().to_owned()
    };
    let mut words = text(stderr).split('\n').map(str::trim).collect::<Vec<_>>().join("; ");
    if ended.is_none() {
        words = format!("{program} did not answer in {} s; {words}", TIMEOUT.as_secs());
    }
    Ok(Said { ok: ended == Some(true), stdout: text(stdout), words })
}

/// Whether the child ended well; `None` if it had to be killed.
fn wait(child: &mut Child) -> io::Result<Option<bool>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if started.elapsed() > TIMEOUT {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads a pipe in a thread of its own, so that a program that says much does not wait for its reader.
fn drain(pipe: Option<impl Read + Send + 'static>) -> io::Result<thread::JoinHandle<Vec<u8>>> {
    thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is what there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}
