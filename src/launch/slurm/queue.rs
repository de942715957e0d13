//! The cluster's queue and its accounting, asked once for all tasks.

use std::io;

use super::command;
use super::record::Record;
use super::squeue::{self, Sighting};

/// What squeue says of all arrays of `record`, in one call; or why it does not.
///
/// # Errors
/// There is no squeue.
pub fn queue(record: &Record) -> io::Result<Result<Vec<Sighting>, String>> {
    let names: Vec<&str> = record.submissions.iter().map(|submission| submission.name.as_str()).collect();
    if names.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    // By name and not by id: squeue fails for an id that it has forgotten. `-r`: a line for each task.
    let name = format!("--name={}", names.join(","));
    let said = command::run("squeue", ["--noheader", "--array", "--states=all", "--me", &name, "-O", squeue::FIELDS])?;
    Ok(if said.ok { Ok(squeue::parse(&said.stdout)) } else { Err(said.words) })
}

/// What sacct says of all arrays of `record`; `None` where there is no accounting.
pub(super) fn accounting(record: &Record) -> Option<Vec<Sighting>> {
    let jobs: Vec<String> = record.jobs().map(|job| job.to_string()).collect();
    let args = ["-X", "-n", "-P", "-j", &jobs.join(","), "-o", "JobID,State,ExitCode,NodeList"];
    let said = command::run("sacct", args).ok().filter(|said| said.ok)?;
    Some(squeue::parse_sacct(&said.stdout))
}
