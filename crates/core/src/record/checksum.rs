//! Checksums of what is written: a line, a blob, a finished file. XXH3 with 128 bits, as 32 hexadecimal digits.

use std::fmt;
use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// How a line's checksum begins, after the rest of its object.
const KEY: &str = ",\"sum\":\"";
/// How it ends, with the object.
const END: &str = "\"}";
/// Digits of a checksum.
const DIGITS: usize = 32;

/// A checksum as it is held where there are many: sixteen bytes. Written as its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Sum(u128);

impl Sum {
    /// That of a blob.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(xxh3_128(bytes))
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

impl From<Sum> for String {
    fn from(sum: Sum) -> Self {
        sum.to_string()
    }
}

impl TryFrom<String> for Sum {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let digits = Some(&text).filter(|text| text.len() == DIGITS && text.bytes().all(is_digit));
        let number = digits.and_then(|digits| u128::from_str_radix(digits, 16).ok());
        number.map(Self).ok_or_else(|| format!("{text:?} is no checksum: {DIGITS} hexadecimal digits are"))
    }
}

/// The checksum of a blob.
pub fn blob_sum(bytes: &[u8]) -> String {
    Sum::of(bytes).to_string()
}

/// Adds a line to `lines`: the object `json` with the field `sum` as its last, over the object without it.
pub fn push_line(lines: &mut Vec<u8>, json: &[u8]) {
    let sum = blob_sum(json);
    lines.extend_from_slice(&json[..json.len() - 1]);
    lines.extend_from_slice(KEY.as_bytes());
    lines.extend_from_slice(sum.as_bytes());
    lines.extend_from_slice(END.as_bytes());
    lines.push(b'\n');
}

/// The object of a line that [`push_line`] made, without its checksum and its newline.
///
/// # Errors
/// What is wrong with the checksum, in words.
pub fn checked_line(line: &[u8]) -> Result<Vec<u8>, String> {
    without_sum(line.strip_suffix(b"\n").unwrap_or(line), KEY, END, b"}")
}

/// How the checksum of a file of indented JSON begins, after the rest of its object.
const SEAL: &str = ",\n  \"sum\": \"";
/// How it ends, with the object.
const SEAL_END: &str = "\"\n}\n";

/// Indented JSON of an object with its checksum as the last field `sum`, over the bytes without it.
pub(super) fn seal(json: &[u8]) -> Vec<u8> {
    let sum = blob_sum(json);
    let object = json.strip_suffix(b"\n}").unwrap_or(json);
    [object, SEAL.as_bytes(), sum.as_bytes(), SEAL_END.as_bytes()].concat()
}

/// What [`seal`] was given.
///
/// # Errors
/// What is wrong with the checksum, in words.
pub(super) fn unseal(sealed: &[u8]) -> Result<Vec<u8>, String> {
    without_sum(sealed, SEAL, SEAL_END, b"\n}")
}

/// What ends in its checksum between `key` and `end`, with `close` in their place.
fn without_sum(text: &[u8], key: &str, end: &str, close: &[u8]) -> Result<Vec<u8>, String> {
    let start = text.len().checked_sub(key.len() + DIGITS + end.len());
    let parts = start.map(|start| text.split_at(start)).and_then(|(object, rest)| {
        let sum = rest.strip_prefix(key.as_bytes())?.strip_suffix(end.as_bytes())?;
        Some((object, sum))
    });
    let (object, sum) = parts.ok_or("it does not end in its checksum")?;
    let json = [object, close].concat();
    if blob_sum(&json).as_bytes() == sum { Ok(json) } else { Err(OTHER_SUM.to_owned()) }
}

/// What is said of a file with another checksum.
pub(super) const OTHER_SUM: &str = "its checksum is another than when it was written";

/// Size and checksum of what is read.
pub(super) fn sum_of_stream(mut from: impl Read) -> io::Result<(u64, String)> {
    let mut summing = Summing::new(io::sink());
    let mut buffer = vec![0; 1 << 18];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(summing.total()),
            Ok(read) => summing.write_all(&buffer[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A writer that keeps count and the checksum of what goes through it.
pub(super) struct Summing<W> {
    inner: W,
    hasher: Box<Xxh3>,
    bytes: u64,
}

impl<W: Write> Summing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hasher: Box::new(Xxh3::new()), bytes: 0 }
    }

    /// Bytes and checksum of what was written.
    pub(super) fn total(&self) -> (u64, String) {
        (self.bytes, Sum(self.hasher.digest128()).to_string())
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_and_any_changed_byte_is_found() {
        let mut lines = Vec::new();
        push_line(&mut lines, br#"{"wave":0,"phase":"search"}"#);
        assert_eq!(checked_line(&lines).unwrap(), br#"{"wave":0,"phase":"search"}"#);
        for at in 0..lines.len() - 1 {
            let mut changed = lines.clone();
            changed[at] ^= 1;
            assert!(checked_line(&changed).is_err(), "byte {at}");
        }
        assert!(checked_line(b"{}\n").unwrap_err().contains("it does not end in its checksum"));
    }

    #[test]
    fn a_sealed_file_comes_back_and_any_changed_byte_is_found() {
        let json = serde_json::to_vec_pretty(&serde_json::json!({"state": "finished", "rows": [1, 2]})).unwrap();
        let sealed = seal(&json);
        assert_eq!(unseal(&sealed).unwrap(), json);
        let value: serde_json::Value = serde_json::from_slice(&sealed).unwrap();
        assert_eq!(value["sum"], blob_sum(&json));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(unseal(&changed).is_err(), "byte {at}");
            assert!(unseal(&sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_sum_comes_back_from_its_digits_and_nothing_else_is_one() {
        let sum = Sum::of(b"rare events");
        let json = serde_json::to_string(&sum).unwrap();
        assert_eq!(json, format!("\"{}\"", blob_sum(b"rare events")));
        assert_eq!(serde_json::from_str::<Sum>(&json).unwrap(), sum);
        let digits = sum.to_string();
        let longer = format!("0{digits}");
        for text in ["", &digits[1..], &longer, &digits.to_uppercase(), &format!("+{}", &digits[1..])] {
            assert!(Sum::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_stream_has_the_checksum_of_its_bytes() {
        // The value that xxhsum -H2 prints.
        assert_eq!(blob_sum(b""), "99aa06d3014798d86001c324468d497f");
        let mut out = Summing::new(Vec::new());
        out.write_all(b"rare").unwrap();
        out.write_all(b" events").unwrap();
        assert_eq!(out.total(), (11, blob_sum(b"rare events")));
        assert_eq!(sum_of_stream(b"rare events".as_slice()).unwrap(), (11, blob_sum(b"rare events")));
    }
}
