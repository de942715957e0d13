//! The `.bin` files beside journals, read and compared with the checksums of the lines that name their parts.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;

use super::bytes::from_le_bytes;
use super::checksum::{OTHER_SUM, blob_sum, sum_of_stream};
use super::entry::{MODEL, Spans};
use super::names::bytes_path;

/// Reads the `.bin` files; keeps the last one open, since entries of an attempt mostly come together.
#[derive(Debug)]
pub(super) struct JobBytes {
    jobs: PathBuf,
    open: Option<(String, File)>,
}

impl JobBytes {
    /// Of the folder `jobs`.
    pub(super) fn new(jobs: PathBuf) -> Self {
        Self { jobs, open: None }
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
        let file = self.open(stem)?;
        let end = parts.iter().map(|(start, length)| start + length).max().unwrap_or(0);
        if file.metadata()?.len() < end {
            return Err(damaged("it is cut off"));
        }
        let mut reader = BufReader::with_capacity(1 << 18, &file);
        reader.seek(SeekFrom::Start(spans.offset))?;
        for ((_, length), sum) in parts.iter().zip(&spans.sums) {
            if sum_of_stream(Read::by_ref(&mut reader).take(*length))? != (*length, sum.clone()) {
                return Err(damaged(OTHER_SUM));
            }
        }
        self.open = Some((stem.to_owned(), file));
        Ok(())
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
        if blob_sum(&bytes) == spans.sums[at] { Ok(bytes) } else { Err(damaged(OTHER_SUM)) }
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
