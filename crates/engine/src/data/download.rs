//! A source that is not there yet: fetched and verified, or synthesised, before anything reads it.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use ureq::http::StatusCode;
use ureq::http::header::CONTENT_RANGE;

use super::address::{Address, ask};
use super::error::DataError;
use super::fingerprint::hex;
use super::publish::{free_space, is_same_file, open_part, publish};
use super::synth::write_synthetic;
use crate::memory::in_words;
use focalsweep_core::record;
use focalsweep_core::spec::DataSpec;

/// How often a cut connection is taken up again.
const ATTEMPTS: u32 = 3;
/// Wait before the second attempt; twice that before the third.
const PAUSE: Duration = Duration::from_millis(300);
/// Bytes of the disk that a download leaves free.
const LEFT_FREE: u64 = 256 << 20;

/// What a download may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// A server that says nothing for so long is given up.
    pub(super) silence: Duration,
    /// All attempts together.
    pub(super) time: Duration,
    /// Bytes of the file; what the disk has, if less.
    pub(super) bytes: u64,
}

impl Limits {
    const USUAL: Self =
        Self { silence: Duration::from_secs(60), time: Duration::from_secs(24 * 3600), bytes: u64::MAX };
}

/// Is told how far a download is.
pub trait DownloadProgress {
    /// `bytes` of the file are here, of `total` if the server said so.
    fn advance(&mut self, bytes: u64, total: Option<u64>);
}

impl<F: FnMut(u64, Option<u64>)> DownloadProgress for F {
    fn advance(&mut self, bytes: u64, total: Option<u64>) {
        self(bytes, total);
    }
}

/// Makes `data.source` when it is not there: from `data.url`, verified by `data.sha256`, or from `data.synth`.
///
/// A download grows in `<source>.part`, beside the file that `source` links to if it is a link to one that is not
/// there, and gets its name once its checksum is right; a later call goes on where an interrupted one was. Does
/// nothing when the source is there, or when neither `url` nor `synth` is given.
///
/// # Errors
/// The server cannot be reached, answers with an error, takes too long or sends more than the disk has; the checksum is
/// wrong (nothing is kept); another process fetches the same file; a file cannot be written; the synthetic shape is
/// impossible.
pub fn fetch(spec: &DataSpec, progress: &mut dyn DownloadProgress) -> Result<(), DataError> {
    fetch_within(spec, &Limits::USUAL, progress)
}

/// As [`fetch`], within other limits.
pub(super) fn fetch_within(
    spec: &DataSpec,
    limits: &Limits,
    progress: &mut dyn DownloadProgress,
) -> Result<(), DataError> {
    if spec.source.exists() {
        return Ok(());
    }
    match (&spec.url, &spec.sha256, &spec.synth) {
        (Some(url), Some(sha256), _) => Download::start(url, sha256, &spec.source, limits)?.run(progress),
        (Some(_), None, _) => Err(DataError::NoChecksum),
        (None, _, Some(synth)) => write_synthetic(synth, &spec.source),
        (None, _, None) => Ok(()),
    }
}

struct Download<'a> {
    url: &'a str,
    sha256: &'a str,
    out: PathBuf,
    part: PathBuf,
    limits: &'a Limits,
    started: Instant,
    /// Locked; `None` when another process finished the file meanwhile.
    file: Option<File>,
}

/// Why an attempt ended without the file.
enum Cut {
    /// May go better next time.
    Again(String),
    /// Will not.
    Final(DataError),
}

impl<'a> Download<'a> {
    fn start(url: &'a str, sha256: &'a str, out: &'a Path, limits: &'a Limits) -> Result<Self, DataError> {
        let out = record::linked(out).map_err(|why| DataError::file("write", out, why))?;
        let mut name = out.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = out.with_file_name(name);
        let failed = |why: std::io::Error| DataError::file("write", &part, why);
        if let Some(folder) = part.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = open_part(&part).map_err(failed)?;
        let busy = || DataError::file("write", &part, "another process is fetching it: wait for it, then try again");
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy()),
            Err(TryLockError::Error(why)) => return Err(failed(why)),
        }
        let download =
            |file| Self { url, sha256, out: out.clone(), part: part.clone(), limits, started: Instant::now(), file };
        if out.exists() {
            return Ok(download(None));
        }
        // The lock is on the file that was opened; another process may have thrown that one away since.
        if !is_same_file(&file, &part) {
            return Err(busy());
        }
        Ok(download(Some(file)))
    }

    fn run(mut self, progress: &mut dyn DownloadProgress) -> Result<(), DataError> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let mut attempt = 1;
        loop {
            match self.attempt(&mut file, progress) {
                Ok(()) => return self.finish(&file),
                Err(Cut::Final(error)) => {
                    self.forget_nothing(&file);
                    return Err(error);
                }
                Err(Cut::Again(why)) if attempt == ATTEMPTS => {
                    let got = file.metadata().map_or(0, |metadata| metadata.len());
                    let help = if got > 0 {
                        format!("{got} bytes are in {}: run again to go on from there", self.part.display())
                    } else {
                        self.forget_nothing(&file);
                        format!("check the network, or put the file at {} yourself", self.out.display())
                    };
                    return Err(DataError::Download { url: self.url.to_owned(), why, help });
                }
                Err(Cut::Again(_)) => std::thread::sleep(PAUSE * attempt),
            }
            attempt += 1;
        }
    }

    /// Removes the part when there is nothing in it to go on from.
    fn forget_nothing(&self, file: &File) {
        if file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let _ = std::fs::remove_file(&self.part);
        }
    }

    fn finish(&self, file: &File) -> Result<(), DataError> {
        file.sync_all().map_err(|why| DataError::file("write", &self.out, why))?;
        if !is_same_file(file, &self.part) {
            return Err(DataError::file("write", &self.part, "another file was put in its place"));
        }
        publish(&self.part, &self.out)
    }

    /// One connection: all that is still to come, and the check of the whole.
    fn attempt(&self, file: &mut File, progress: &mut dyn DownloadProgress) -> Result<(), Cut> {
        let disk = |why: std::io::Error| Cut::Final(DataError::file("write", &self.part, why));
        let mut hasher = Sha256::new();
        file.rewind().map_err(disk)?;
        let mut have = std::io::copy(file, &mut HashInto(&mut hasher)).map_err(disk)?;
        let resumed = have > 0;

        let mut response = self.ask(have)?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if starts_at(&response, have) => {}
            StatusCode::OK => {
                have = 0;
                hasher = Sha256::new();
                empty(file).map_err(disk)?;
            }
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                // What is here is no beginning of what is there, or is all of it: the checksum tells.
                if self.is_right(hasher) {
                    return Ok(());
                }
                empty(file).map_err(disk)?;
                return Err(Cut::Again("the server cannot go on from where it was".to_owned()));
            }
            status => return Err(self.refused(status)),
        }
        let total = response.body().content_length().map(|rest| have.saturating_add(rest));
        let most = self.most(have);
        if total.is_some_and(|total| total > most) {
            empty(file).map_err(disk)?;
            return Err(self.too_large(total, most));
        }
        progress.advance(have, total);
        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 17];
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(why) => return Err(Cut::Again(format!("the connection broke after {have} bytes ({why})"))),
            };
            if have + read as u64 > most {
                empty(file).map_err(disk)?;
                return Err(self.too_large(None, most));
            }
            file.write_all(&buffer[..read]).map_err(disk)?;
            hasher.update(&buffer[..read]);
            have += read as u64;
            if self.started.elapsed() > self.limits.time {
                return Err(self.too_slow(have));
            }
            progress.advance(have, total);
        }
        if total.is_some_and(|total| have < total) {
            return Err(Cut::Again(format!("the connection ended after {have} bytes")));
        }
        let found = hex(&hasher.finalize());
        if found.eq_ignore_ascii_case(self.sha256) {
            return Ok(());
        }
        empty(file).map_err(disk)?;
        if resumed {
            // The file may have changed at its source between the two halves: once more from the start.
            return self.attempt(file, progress);
        }
        let (url, expected) = (self.url.to_owned(), self.sha256.to_lowercase());
        Err(Cut::Final(DataError::Checksum { url, expected, found }))
    }

    fn ask(&self, have: u64) -> Result<ureq::http::Response<ureq::Body>, Cut> {
        let answer = Address::of(self.url).and_then(|address| ask(address, have, self.limits.silence));
        answer.map_err(|error| match error {
            ureq::Error::Io(_) | ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed => {
                Cut::Again(error.to_string())
            }
            ureq::Error::HostNotFound => {
                let help = "check the address and the network, or put the file";
                self.cut("the server's name is not known".to_owned(), help)
            }
            ureq::Error::RequireHttpsOnly(url) => self.cut(
                format!("{url} is not https, and what comes that way may be anybody's"),
                "write an https address in `data.url`, or put the file",
            ),
            other => self.cut(other.to_string(), "check `data.url`, or put the file"),
        })
    }

    /// The end of it, and what to do instead: `help` ends in putting the file where it belongs.
    fn cut(&self, why: String, help: &str) -> Cut {
        let help = format!("{help} at {} yourself", self.out.display());
        Cut::Final(DataError::Download { url: self.url.to_owned(), why, help })
    }

    /// Bytes that the file may have when so many of it are there.
    fn most(&self, have: u64) -> u64 {
        let free = free_space(&self.part).map_or(u64::MAX, |free| free.saturating_sub(LEFT_FREE));
        self.limits.bytes.min(have.saturating_add(free))
    }

    fn too_large(&self, total: Option<u64>, most: u64) -> Cut {
        let size = total.map_or("more than that is sent".to_owned(), |total| format!("it has {}", in_words(total)));
        let why = format!("there is room for {}, and {size}", in_words(most));
        self.cut(why, "free some space or check `data.url`, or put the file")
    }

    fn too_slow(&self, have: u64) -> Cut {
        let why = format!("{have} bytes have come in {} s, which is too slow", self.limits.time.as_secs());
        self.cut(why, "run again to go on from there, or put the file")
    }

    fn refused(&self, status: StatusCode) -> Cut {
        let why = format!("the server answers {status}");
        if status.is_server_error() {
            return Cut::Again(why);
        }
        self.cut(why, "check `data.url`, or put the file")
    }

    fn is_right(&self, hasher: Sha256) -> bool {
        hex(&hasher.finalize()).eq_ignore_ascii_case(self.sha256)
    }
}

/// Whether the answer goes on at byte `have`.
fn starts_at(response: &ureq::http::Response<ureq::Body>, have: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    range.strip_prefix("bytes ").and_then(|range| range.split('-').next()) == Some(have.to_string().as_str())
}

fn empty(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0)).map(|_| ())
}

/// Lets bytes be copied into a hash.
struct HashInto<'a>(&'a mut Sha256);

impl Write for HashInto<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
