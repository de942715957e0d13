//! Files of JSON lines, each with its checksum, each of which may end where its writer was stopped.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::checksum::{checked_line, push_line};

/// Adds `value` to `lines`.
///
/// # Errors
/// JSON has no word for it.
pub(super) fn push<T: Serialize>(lines: &mut Vec<u8>, value: &T) -> io::Result<()> {
    push_line(lines, &serde_json::to_vec(value)?);
    Ok(())
}

/// The value of a line that [`push`] made.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn value<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    serde_json::from_slice(&checked_line(line)?).map_err(|e| e.to_string())
}

/// The lines of a file: those that are as they were written, and where others are.
pub(super) struct Lines<T> {
    /// In their order.
    pub(super) values: Vec<T>,
    /// Bytes of all whole lines. What is torn at the very end is not among them: a line without its newline, or a last
    /// one that cannot be read, since a torn write can leave a hole and a newline.
    pub(super) whole: u64,
    /// Lines before the last that were changed or damaged: place and reason, in words.
    pub(super) damaged: Vec<String>,
}

/// Reads the file at `path`, and skips what is damaged.
///
/// # Errors
/// The file cannot be read.
pub(super) fn read_sound<T: DeserializeOwned>(path: &Path) -> io::Result<Lines<T>> {
    let text = std::fs::read(path)?;
    let mut lines = Lines { values: Vec::new(), whole: 0, damaged: Vec::new() };
    let mut end = 0;
    for (number, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        end += line.len();
        match value(line) {
            Ok(value) if line.ends_with(b"\n") => lines.values.push(value),
            _ if end == text.len() => break,
            Ok(_) => {} // only the last line can be without its newline
            Err(error) => lines.damaged.push(format!("{}:{}: {error}", path.display(), number + 1)),
        }
        lines.whole = end as u64;
    }
    Ok(lines)
}

/// The values of the whole lines of the file at `path`, and how many bytes they are.
///
/// # Errors
/// The file cannot be read, or a line before its last is not a `T` or has another checksum.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<(Vec<T>, u64)> {
    let lines = read_sound(path)?;
    match lines.damaged.first() {
        None => Ok((lines.values, lines.whole)),
        Some(place) => Err(io::Error::new(io::ErrorKind::InvalidData, place.clone())),
    }
}
