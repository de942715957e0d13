//! A process that this one starts: in a process group of its own, watched, its words kept, and ended with all that it
//! started itself.
//!
//! What it prints, on stdout as on stderr, goes line by line to whoever asked for it; the last lines are kept for error
//! messages. A program that answers has a pipe of its own for that ([`Child::start`]), so that nothing that a library
//! prints can come between. Its stdin is open as long as this process lives: a child that reads its end knows that
//! nobody is left to work for. (The kernel's signal at a parent's death, PR_SET_PDEATHSIG, is no use here: it comes
//! when the *thread* that started the child ends.)

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// Lines that are kept for error messages.
const KEPT: usize = 20;
/// Bytes of a line that are read; what is longer comes as several lines.
const LONGEST_LINE: u64 = 16 << 10;
/// Longest that the last lines of a child that has ended may take.
const LAST_LINES: Duration = Duration::from_secs(1);
/// How often a child that is to end is looked at.
const TICK: Duration = Duration::from_millis(10);

/// A process that runs, or has ended.
#[derive(Debug)]
pub struct Child {
    process: std::process::Child,
    group: Pid,
    stdin: Option<ChildStdin>,
    words: Arc<Mutex<VecDeque<String>>>,
    reader: Option<JoinHandle<()>>,
    status: Option<ExitStatus>,
    patience: Patience,
}

/// How long a child is waited for before it is ended by force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// After the end of its stdin.
    pub to_leave: Duration,
    /// After SIGTERM; then comes SIGKILL.
    pub to_terminate: Duration,
}

impl Child {
    /// Starts `command`, whose lines go to `line` from a thread of their own. `answers` is the writing end of a pipe
    /// that the child inherits; it finds the descriptor's number as its last two arguments, `--events N`.
    ///
    /// # Errors
    /// There is no such program, or the system has no room for it.
    pub fn start(
        mut command: Command,
        answers: Option<PipeWriter>,
        patience: Patience,
        line: impl Fn(&str) + Send + 'static,
    ) -> io::Result<Self> {
        let (said, out) = io::pipe()?;
        command.stdin(Stdio::piped()).stdout(out.try_clone()?).stderr(out).process_group(0);
        if let Some(answers) = answers {
            command.args(["--events", &answers.as_raw_fd().to_string()]);
            inherit(&mut command, answers);
        }
        let mut process = command.spawn()?;
        // The command holds the child's ends of the pipes; they must not outlive the child.
        drop(command);
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&words);
        let reader = thread::Builder::new().spawn(move || read_words(said, &kept, &line))?;
        let group = Pid::from_child(&process);
        let stdin = process.stdin.take();
        Ok(Self { process, group, stdin, words, reader: Some(reader), status: None, patience })
    }

    /// Writes a line to its stdin.
    ///
    /// # Errors
    /// It has gone, or reads no more.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        stdin.write_all(format!("{line}\n").as_bytes())?;
        stdin.flush()
    }

    /// How it ended, if it does so within `limit`. What it had started ends with it.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let started = Instant::now();
        while self.status.is_none() {
            let ended =
                waitid(WaitId::Pid(self.group), WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT);
            if !matches!(ended, Ok(None)) {
                // Before it is reaped, as long as its number is nobody else's.
                let _ = kill_process_group(self.group, Signal::KILL);
                self.status = self.process.wait().ok();
                break;
            }
            if started.elapsed() >= limit {
                return None;
            }
            thread::sleep(TICK);
        }
        self.status
    }

    /// Ends it: at the end of its stdin by itself, then by SIGTERM to its group, then by SIGKILL.
    pub fn end(&mut self) -> Option<ExitStatus> {
        drop(self.stdin.take());
        let patience = self.patience;
        if self.wait(patience.to_leave).is_none() {
            let _ = kill_process_group(self.group, Signal::TERM);
        }
        if self.wait(patience.to_terminate).is_none() {
            self.kill();
        }
        // Its last lines, unless somebody that it started in another group keeps the pipe.
        let ended = Instant::now();
        while self.reader.as_ref().is_some_and(|reader| !reader.is_finished()) && ended.elapsed() < LAST_LINES {
            thread::sleep(TICK);
        }
        self.reader = None;
        self.status
    }

    /// Ends it by force, now.
    pub fn kill(&mut self) {
        if self.status.is_none() {
            let _ = kill_process_group(self.group, Signal::KILL);
            self.wait(Duration::MAX);
        }
    }

    /// The last lines that it printed, with what it died of.
    pub fn last_words(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = self.status.map_or_else(|| "still running".to_owned(), status_in_words);
        if !words.is_empty() {
            text += "; it said: ";
            text += &words.iter().map(String::as_str).collect::<Vec<_>>().join(" / ");
        }
        text
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// Lets the child keep `descriptor`: those of this program close when another takes its place.
#[expect(unsafe_code, reason = "only between fork and exec can a descriptor be opened to one child and no other")]
fn inherit(command: &mut Command, descriptor: PipeWriter) {
    // SAFETY: fcntl is safe to call between fork and exec (signal-safety(7)), and nothing is allocated.
    unsafe {
        command.pre_exec(move || Ok(fcntl_setfd(&descriptor, FdFlags::empty())?));
    }
}

/// Reads what a child prints to the end of the pipe.
fn read_words(said: PipeReader, kept: &Mutex<VecDeque<String>>, line: &dyn Fn(&str)) {
    let mut said = BufReader::new(said);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match said.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end();
        if text.is_empty() {
            continue;
        }
        line(text);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(text.to_owned());
    }
}

/// `exit code 3`, `ended by signal 9`.
pub fn status_in_words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(9)) => "ended by signal 9 (SIGKILL), which the system sends when memory runs out".to_owned(),
        (None, Some(signal)) => format!("ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Patience = Patience { to_leave: Duration::from_millis(200), to_terminate: Duration::from_millis(200) };
    /// For a child that leaves by itself, however slow the machine is.
    const LONG: Patience = Patience { to_leave: Duration::from_secs(60), to_terminate: Duration::from_secs(60) };

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]);
        command
    }

    fn silent(_: &str) {}

    fn is_there(pid: &str) -> bool {
        // A zombie that init has not reaped is gone for everybody else.
        std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
            .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
    }

    fn gone_soon(pid: &str) -> bool {
        let started = Instant::now();
        while is_there(pid) && started.elapsed() < Duration::from_secs(10) {
            thread::sleep(TICK);
        }
        !is_there(pid)
    }

    #[test]
    fn words_are_heard_and_the_last_are_kept() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let line = Arc::clone(&heard);
        let script = "for i in $(seq 30); do echo line $i; done; echo last >&2; exit 7";
        let mut child =
            Child::start(shell(script), None, SHORT, move |text| line.lock().unwrap().push(text.to_owned())).unwrap();
        let status = child.wait(Duration::from_secs(20)).unwrap();
        child.end();
        assert_eq!(status.code(), Some(7));
        assert_eq!(heard.lock().unwrap().len(), 31);
        let words = child.last_words();
        assert!(words.starts_with("exit code 7; it said: line 12 / ") && words.ends_with(" / last"), "{words}");
    }

    #[test]
    fn answers_have_a_pipe_of_their_own_and_orders_come_by_stdin() {
        let (answers, writer) = io::pipe().unwrap();
        // `$2` is the number of the descriptor.
        let script = r#"while read order; do echo "noise"; echo "did $order" > /dev/fd/$2; done"#;
        let mut child = Child::start(shell(script), Some(writer), LONG, silent).unwrap();
        child.tell("this").unwrap();
        child.tell("that").unwrap();
        let status = child.end().unwrap();
        let mut said = String::new();
        BufReader::new(answers).read_to_string(&mut said).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(0), "did this\ndid that\n"));
        assert!(child.tell("more").is_err());
    }

    #[test]
    fn a_child_that_does_not_leave_is_ended_with_its_own_children() {
        let folder = tempfile::tempdir().unwrap();
        let pids = folder.path().join("pids");
        let script =
            format!("trap '' TERM; sleep 1000 & echo $$ $! > {}; while :; do sleep 1000; done", pids.display());
        let mut child = Child::start(shell(&script), None, SHORT, silent).unwrap();
        let started = Instant::now();
        while std::fs::read_to_string(&pids).unwrap_or_default().split_whitespace().count() < 2 {
            assert!(started.elapsed() < Duration::from_secs(10));
            thread::sleep(TICK);
        }
        let status = child.end().unwrap();
        assert_eq!(status.signal(), Some(9));
        for pid in std::fs::read_to_string(&pids).unwrap().split_whitespace() {
            assert!(gone_soon(pid), "{pid} outlives its parent");
        }
    }

    #[test]
    fn what_a_child_started_does_not_outlive_it() {
        let (answers, writer) = io::pipe().unwrap();
        let script = r#"sleep 1000 & echo $! > /dev/fd/$2; exit 0"#;
        let mut child = Child::start(shell(script), Some(writer), SHORT, silent).unwrap();
        let mut pid = String::new();
        BufReader::new(answers).read_line(&mut pid).unwrap();
        assert_eq!(child.wait(Duration::from_secs(10)).and_then(|status| status.code()), Some(0));
        assert!(gone_soon(&pid), "{pid} outlives its parent");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let error = Child::start(Command::new("/no/such/program"), None, SHORT, silent).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
