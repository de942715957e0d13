//! Files of JSON lines, each of which may end where its writer was stopped.

use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;

/// The values of the whole lines of the file at `path`, and how many bytes they are. What is torn at the very end is left
/// out: a line without its newline, or a last one that cannot be read, since a torn write can leave a hole and a newline.
///
/// # Errors
/// The file cannot be read, or a line before its last is not a `T`.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> io::Result<(Vec<T>, u64)> {
    let text = std::fs::read(path)?;
    let (mut values, mut whole) = (Vec::new(), 0);
    for (number, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if !line.ends_with(b"\n") {
            break;
        }
        match serde_json::from_slice(line) {
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
