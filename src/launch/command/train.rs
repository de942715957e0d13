//! A (trial, replicate) of a command: attempts until one ends well, what it wrote, what is kept of it.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use focalsweep_core::record::HistoryRow;
use focalsweep_core::spec::OperatingPoint;
use focalsweep_engine::job::{Stop, read_scores};
use focalsweep_engine::train::{Measured, measure_outside};

use super::attempt::{Attempt, Ending, Told, attempt};
use crate::launch::child::status_in_words;
use focalsweep_core::prepared::Replicate;

/// Attempts in all: a command is tried again twice.
const ATTEMPTS: usize = 3;
/// The exit code by which a command asks for another try: EX_TEMPFAIL of sysexits.h.
const TRY_AGAIN: i32 = 75;

/// How it went.
#[derive(Debug)]
pub(super) struct Trained {
    /// What the scores are worth, or why it failed.
    pub(super) outcome: Result<Measured, String>,
    /// The epochs of the last attempt.
    pub(super) epochs: Vec<HistoryRow>,
    /// Seconds of the last attempt.
    pub(super) seconds: f64,
}

/// Trains in the folder of a trial; what it wrote stays there. `None` when somebody asked to stop.
///
/// # Errors
/// The folder cannot be written, or there is no guard.
pub(super) fn train(
    folder: &Path,
    told: &Told<'_>,
    (data, point): (&Replicate, &OperatingPoint),
    stop: &Stop,
    epoch: impl Fn(&HistoryRow) + Clone + Send + 'static,
) -> io::Result<Option<Trained>> {
    let mut tries = 0;
    loop {
        tries += 1;
        let Attempt { ending, epochs, tail, seconds } = attempt(folder, told, stop, epoch.clone())?;
        let failed = |why: String| {
            let said = if tail.is_empty() { "it said nothing".to_owned() } else { format!("it said: {tail}") };
            Ok(Some(Trained { outcome: Err(format!("{why}; {said}")), epochs: epochs.clone(), seconds }))
        };
        let status = match ending {
            Ending::Stopped => {
                fs::remove_dir_all(&told.order.out)?;
                return Ok(None);
            }
            Ending::TimedOut => {
                let limit = told.trainer.timeout.map(|timeout| timeout.to_string()).unwrap_or_default();
                return failed(format!("ended after its timeout of {limit}"));
            }
            Ending::Ended(status) => status,
        };
        if status.success() {
            let scores = read_scores(&told.order.out, data);
            let outcome = scores.and_then(|scores| measure_outside(&scores, told.trainer.output, data, point));
            return match outcome {
                Ok(measured) => Ok(Some(Trained { outcome: Ok(measured), epochs, seconds })),
                Err(why) => failed(why),
            };
        }
        let asks_again = status.code() == Some(TRY_AGAIN) || status.signal().is_some();
        if !asks_again {
            return failed(status_in_words(status));
        }
        if tries == ATTEMPTS {
            return failed(format!("{}, the third time", status_in_words(status)));
        }
        tracing::warn!(trial = told.order.trial_id, status = status_in_words(status), "a command is run again");
    }
}
