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

/// The values of the whole lines of the file at `path`, and how many bytes they are. What is torn at the very end is
/// left out: a line without its newline, or a last one that cannot be read, since a torn write can leave a hole and a
/// newline.
///
/// # Errors
/// The file cannot be read, or a line before its last is not a `T` or has another checksum.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<(Vec<T>, u64)> {
    let text = std::fs::read(path)?;
    let (mut values, mut whole) = (Vec::new(), 0);
    for (number, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if !line.ends_with(b"\n") {
            break;
        }
        match value(line) {
            Ok(value) => values.push(value),
            Err(_) if whole + line.len() == text.len() => break,
            Err(error) => {
                let place = format!("{}:{}: {error}", path.display(), number + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, place));
            }
        }
        whole += line.len();
    }
    Ok((values, whole as u64))
}
