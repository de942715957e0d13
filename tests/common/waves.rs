//! Runs that go wave by wave: started, held to one core, killed and resumed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::common::{Said, focalsweep, program};
use super::cores::first_cores;

/// A folder with `sweep.yaml` in it.
pub(crate) fn folder_with(sweep: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder for a while");
    fs::write(folder.path().join("sweep.yaml"), sweep).expect("the folder can be written to");
    folder
}

/// What the program is asked: `sweep.yaml` with `changes`, into `out`.
fn words<'a>(out: &'a str, changes: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["run", "sweep.yaml", "--devices", "cpu", "--no-progress", "--out", out];
    words.extend(changes.iter().flat_map(|change| ["--set", change]));
    words.extend(more);
    words
}

pub(crate) fn run(folder: &Path, out: &str, changes: &[&str], more: &[&str]) -> Said {
    focalsweep(folder, words(out, changes, more))
}

/// Runs it on one core into `out`; an error says that the system has nothing that holds a program to one.
pub(crate) fn run_on_one_core(folder: &Path, out: &str) -> Result<(), String> {
    let mut command = Command::new("taskset");
    command
        .args(["-c", &first_cores(1), env!("CARGO_BIN_EXE_focalsweep")])
        .args(words(out, &[], &[]))
        .current_dir(folder);
    let said =
        command.output().map_err(|why| format!("there is no `taskset` to hold the program to one core: {why}"))?;
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    Ok(())
}

/// Runs it into `whole`, undisturbed, and into `out`, killed after shares of the time that took, and to the end at last.
/// At least one kill came in time.
pub(crate) fn run_through_kills(folder: &Path, out: &str, whole: &str, changes: &[&str]) {
    let started = Instant::now();
    assert_eq!(run(folder, whole, changes, &[]).code, Some(0));
    let mut took = started.elapsed();
    let mut kills = 0;
    while kills == 0 {
        assert!(took > Duration::from_millis(1), "{out}: it always ends before it is killed");
        let _ = fs::remove_dir_all(folder.join(out));
        for share in [0.15, 0.3, 0.5, 0.5, 0.7, 0.9] {
            let mut child = program(folder);
            child.args(words(out, changes, &["--resume"])).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = child.spawn().expect("the program starts");
            std::thread::sleep(took.mul_f64(share));
            if child.try_wait().expect("it can be asked").is_none() {
                child.kill().expect("it can be killed");
                kills += 1;
            }
            child.wait().expect("it ends");
        }
        took /= 2;
    }
    let said = run(folder, out, changes, &["--resume"]);
    assert_eq!(said.code, Some(0), "{out}: {}", said.stderr);
}

/// `manifest.json` of a run.
pub(crate) fn manifest(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("manifest.json")).expect("a manifest")).expect("JSON")
}
