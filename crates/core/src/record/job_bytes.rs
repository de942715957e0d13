//! The `.bin` files beside journals, read and compared with the checksums of the lines that name their parts.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::bytes::from_le_bytes;
use super::checksum::{OTHER_SUM, Sum, sum_of_stream};
use super::entry::{MODEL, PARTS, Spans};
use super::names::bytes_path;

/// Bytes of an entry that are read together.
const AT_ONCE: u64 = 1 << 20;

/// Reads the `.bin` files; keeps the last one open, since entries of an attempt mostly come together.
#[derive(Debug)]
pub(super) struct JobBytes {
    jobs: PathBuf,
    open: Option<(String, File)>,
    /// The bytes of an entry while they are compared: one room for all of them.
    buffer: Vec<u8>,
}

impl JobBytes {
    /// Of the folder `jobs`.
    pub(super) fn new(jobs: PathBuf) -> Self {
        Self { jobs, open: None, buffer: Vec::new() }
    }

    /// What is wrong with the parts of an entry, in words; `None` where each is as it was written.
    ///
    /// # Errors
    /// They cannot be read, which says nothing about what they are.
    pub(super) fn damage(&mut self, stem: &str, spans: &Spans) -> io::Result<Option<String>> {
        let path = bytes_path(&self.jobs, stem);
        let named = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        match self.check(stem, spans) {
            Ok(()) => Ok(None),
            Err(why) if is_damage(why.kind()) => Ok(Some(named(&why))),
            Err(why) => Err(io::Error::new(why.kind(), named(&why))),
        }
    }

    fn check(&mut self, stem: &str, spans: &Spans) -> io::Result<()> {
        let damaged = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why);
        let parts = spans.parts().ok_or_else(|| damaged("no file is as long as its journal says"))?;
        let mut file = self.open(stem)?;
        let end = parts.iter().map(|(start, length)| start + length).max().unwrap_or(0);
        if file.metadata()?.len() < end {
            return Err(damaged("it is cut off"));
        }
        file.seek(SeekFrom::Start(spans.offset))?;
        let is_sound = match end - spans.offset {
            length @ ..=AT_ONCE => {
                self.buffer.resize(length as usize, 0);
                file.read_exact(&mut self.buffer)?;
                let mut rest = self.buffer.as_slice();
                parts.iter().zip(&spans.sums).all(|((_, length), sum)| {
                    let (part, after) = rest.split_at(*length as usize);
                    rest = after;
                    Sum::of(part) == *sum
                })
            }
            _ => {
                let mut is_sound = true;
                for ((_, length), sum) in parts.iter().zip(&spans.sums) {
                    let found = sum_of_stream(Read::by_ref(&mut file).take(*length))?;
                    is_sound &= found == (*length, sum.to_string());
                }
                is_sound
            }
        };
        self.open = Some((stem.to_owned(), file));
        if is_sound { Ok(()) } else { Err(damaged(OTHER_SUM)) }
    }

    /// Logits and probabilities of the validation, of the test, then of the calibration rows, of an entry that has
    /// bytes.
    pub(super) fn scores(&mut self, stem: &str, spans: &Spans) -> io::Result<[[Vec<f32>; 2]; MODEL / 2]> {
        let mut scores: [[Vec<f32>; 2]; MODEL / 2] = Default::default();
        for (at, part) in scores.as_flattened_mut().iter_mut().enumerate() {
            *part = from_le_bytes(&self.part(stem, spans, at)?);
        }
        Ok(scores)
    }

    /// All parts of an entry that has bytes, as they were written.
    pub(super) fn all(&mut self, stem: &str, spans: &Spans) -> io::Result<[Vec<u8>; PARTS]> {
        let mut parts: [Vec<u8>; PARTS] = Default::default();
        for (at, part) in parts.iter_mut().enumerate() {
            *part = self.part(stem, spans, at)?;
        }
        Ok(parts)
    }

    /// The parameters of the model of an entry that has bytes, little-endian f32.
    pub(super) fn model(&mut self, stem: &str, spans: &Spans) -> io::Result<Vec<u8>> {
        self.part(stem, spans, MODEL)
    }

    fn part(&mut self, stem: &str, spans: &Spans, at: usize) -> io::Result<Vec<u8>> {
        let path = bytes_path(&self.jobs, stem);
        let damaged = |why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()));
        let (offset, length) = spans.parts().ok_or_else(|| damaged("no file is that long"))?[at];
        let mut file = self.open(stem)?;
        if file.metadata()?.len().checked_sub(length).is_none_or(|last| offset > last) {
            return Err(damaged("it is cut off"));
        }
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        file.read_exact(&mut bytes)?;
        self.open = Some((stem.to_owned(), file));
        if Sum::of(&bytes) == spans.sums[at] { Ok(bytes) } else { Err(damaged(OTHER_SUM)) }
    }

    fn open(&mut self, stem: &str) -> io::Result<File> {
        match self.open.take() {
            Some((open, file)) if open == stem => Ok(file),
            _ => File::open(bytes_path(&self.jobs, stem)),
        }
    }
}

/// Whether a file that cannot be read so is not what was written. All else, such as too many open files, passes.
fn is_damage(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{InvalidData, IsADirectory, NotADirectory, NotFound, UnexpectedEof};
    matches!(kind, InvalidData | IsADirectory | NotADirectory | NotFound | UnexpectedEof)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries that are read at once, and larger ones, behind each other in one file.
    #[test]
    fn any_changed_part_is_found_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = bytes_path(folder.path(), "j.1");
        let sizes = [[0, 0, 0, 0, 0, 0, 3], [8, 8, 4, 4, 12, 12, 3], [8, 8, 4, 4, 0, 0, 1 << 20]];
        let (mut bytes, mut entries) = (Vec::new(), Vec::new());
        for lengths in sizes {
            let offset = bytes.len() as u64;
            let sums = lengths.map(|length: usize| {
                let part: Vec<u8> = (bytes.len()..bytes.len() + length).map(|at| (at * 7 % 251) as u8).collect();
                bytes.extend_from_slice(&part);
                Sum::of(&part)
            });
            entries.push(Spans { offset, lengths: lengths.map(|length| length as u64), sums });
        }
        std::fs::write(&path, &bytes).unwrap();
        let mut of = JobBytes::new(folder.path().to_owned());
        for spans in entries.iter().chain(entries.iter().rev()) {
            assert_eq!(of.damage("j.1", spans).unwrap(), None);
        }
        for (spans, lengths) in entries.iter().zip(sizes) {
            let mut start = spans.offset as usize;
            for length in lengths.into_iter().filter(|&length| length > 0) {
                let mut changed = bytes.clone();
                changed[start + length / 2] ^= 1;
                std::fs::write(&path, &changed).unwrap();
                assert!(JobBytes::new(folder.path().to_owned()).damage("j.1", spans).unwrap().is_some(), "{start}");
                start += length;
            }
        }
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let why = JobBytes::new(folder.path().to_owned()).damage("j.1", &entries[2]).unwrap().unwrap();
        assert!(why.contains("it is cut off"), "{why}");
    }
}
