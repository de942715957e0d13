//! What a command prints: kept in a file up to a size, its last lines for errors, its epochs for history.parquet.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use focalsweep_core::record::HistoryRow;
use focalsweep_core::text::shortened;
use serde_json::Value;

/// Bytes of a log that are kept.
const MOST: u64 = 10 << 20;
/// Lines that an error has.
const LAST: usize = 8;
/// Characters of each.
const OF_A_LINE: usize = 240;
/// Epochs that are kept.
const MOST_EPOCHS: usize = 100_000;

/// What one attempt printed.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    written: u64,
    last: VecDeque<String>,
    epochs: Vec<HistoryRow>,
    /// When the epoch under way began.
    since: Instant,
}

impl Log {
    /// Into a new file at `path`.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        Ok(Self { file, written: 0, last: VecDeque::new(), epochs: Vec::new(), since: Instant::now() })
    }

    /// Takes a line in. Gives the epoch that it tells of.
    pub(super) fn line(&mut self, line: &str) -> Option<HistoryRow> {
        let bytes = line.len() as u64 + 1;
        if self.written < MOST {
            // A log that cannot be written costs the log alone.
            let _ = if self.written + bytes <= MOST {
                writeln!(self.file, "{line}")
            } else {
                writeln!(self.file, "… (no more is kept of this log than {} MB)", MOST >> 20)
            };
        }
        self.written = if self.written + bytes <= MOST { self.written + bytes } else { MOST };
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(shortened(line, OF_A_LINE).into_owned());
        let epoch = self.epoch(line)?;
        if self.epochs.len() < MOST_EPOCHS {
            self.epochs.push(epoch.clone());
        }
        Some(epoch)
    }

    /// The epoch that a line of JSON tells of, after all before.
    fn epoch(&mut self, line: &str) -> Option<HistoryRow> {
        if !line.starts_with('{') {
            return None;
        }
        let value: Value = serde_json::from_str(line).ok()?;
        let epoch = u32::try_from(value.get("epoch")?.as_u64()?).ok()?;
        let last = self.epochs.last().map_or(0, |last| last.epoch);
        if epoch <= last || i32::try_from(epoch).is_err() {
            return None;
        }
        let number = |name: &str| value.get(name).and_then(Value::as_f64);
        let seconds = self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
        Some(HistoryRow {
            epoch,
            train_loss: number("train_loss").unwrap_or(f64::NAN),
            val_loss: number("val_loss").unwrap_or(f64::NAN),
            val_auc: number("val_auc"),
            learning_rate: number("learning_rate").unwrap_or(f64::NAN),
            seconds,
        })
    }

    /// The epochs that were told of.
    pub(super) fn epochs(&self) -> &[HistoryRow] {
        &self.epochs
    }

    /// The last lines, in one.
    pub(super) fn tail(&self) -> String {
        self.last.iter().map(String::as_str).collect::<Vec<_>>().join(" / ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_those_that_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(&folder.path().join("log")).unwrap();
        for line in [
            "hello",
            r#"{"epoch": 1, "val_auc": 0.5, "train_loss": 2}"#,
            r#"{"epoch": 1, "val_auc": 0.9}"#,
            r#"{"step": 3}"#,
            r#"{"epoch": -2}"#,
            r#"{"epoch": 4, "val_auc": "high", "learning_rate": 0.1"#,
            r#"{"epoch": 4, "val_auc": "high", "learning_rate": 0.1}"#,
        ] {
            log.line(line);
        }
        let told: Vec<_> = log.epochs().iter().map(|row| (row.epoch, row.val_auc)).collect();
        assert_eq!(told, [(1, Some(0.5)), (4, None)]);
        assert_eq!((log.epochs()[0].train_loss, log.epochs()[1].learning_rate), (2.0, 0.1));
        assert!(log.epochs()[0].val_loss.is_nan());
    }

    #[test]
    fn a_log_is_capped_and_its_last_lines_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::create(&path).unwrap();
        let long = "x".repeat(10_000);
        for _ in 0..2_000 {
            log.line(&long);
        }
        log.line("the end");
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert!((MOST - 20_000..MOST + 200).contains(&bytes), "{bytes}");
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("than 10 MB)\n"));
        assert!(log.tail().ends_with(" / the end") && log.tail().len() < 3_000);
    }
}
