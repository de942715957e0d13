//! Throws changed files at a reader: it may refuse them, in bounded time and memory, and never panics.
//!
//! It begins with the files of `tests/corpus/<kind>`, then changes them for `FOCALSWEEP_FUZZ_SECONDS`. What breaks a
//! reader is made smaller by proptest and kept, to be added to the corpus.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

/// Seconds where nobody asks for more.
const SECONDS: u64 = 2;
/// Processor time that a reader may take for a file of some kilobytes.
const LONGEST: Duration = Duration::from_secs(1);
/// Memory that it may take, in KiB.
const LARGEST: u64 = 256 << 10;
/// Numbers that counts, lengths and figures are replaced by.
const NUMBERS: [&str; 12] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "65536",
    "4294967296",
    "10000000000",
    "18446744073709551615",
    "1e308",
    "1e-320",
    "NaN",
];
/// One at a time, so that memory is its own.
static ALONE: Mutex<()> = Mutex::new(());

/// A change of a file.
#[derive(Debug, Clone)]
struct Edit {
    what: u8,
    at: Index,
    length: usize,
    byte: u8,
    word: Index,
}

/// A file of the corpus.
struct Seed {
    name: String,
    bytes: Vec<u8>,
}

/// Fuzzes `read`, which gets the name and the bytes of a file and says whether it took them. `words` mean something to
/// it; `mend` makes checksums fit again, so that half of the files get past them. Files of the corpus whose name begins
/// with `good` are taken.
pub(crate) fn fuzz(
    kind: &str,
    words: &[&str],
    mend: impl Fn(&str, Vec<u8>) -> Vec<u8>,
    read: impl Fn(&str, &[u8]) -> Result<(), String>,
) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seeds = seeds(kind);
    let lowest = peak_of_now();
    for seed in &seeds {
        let taken =
            bounded(lowest, || read(&seed.name, &seed.bytes)).unwrap_or_else(|why| panic!("{}: {why}", seed.name));
        assert!(taken.is_ok() || !seed.name.starts_with("good"), "{}: {taken:?}", seed.name);
    }
    let edit = (any::<u8>(), any::<Index>(), 0_usize..64, any::<u8>(), any::<Index>());
    let edit = edit.prop_map(|(what, at, length, byte, word)| Edit { what, at, length, byte, word });
    let strategy = (any::<Index>(), vec(edit, 1..6), any::<bool>());
    let file = |(seed, edits, mended): &(Index, Vec<Edit>, bool)| {
        let seed = seed.get(&seeds);
        let mut bytes = seed.bytes.clone();
        edits.iter().for_each(|edit| change(&mut bytes, edit, &seeds, words));
        if *mended {
            bytes = mend(&seed.name, bytes);
        }
        (&seed.name, bytes)
    };
    let (until, mut tried) = (Instant::now() + seconds(), 0);
    while Instant::now() < until {
        let config = Config { cases: 64, failure_persistence: None, max_shrink_time: 30_000, ..Config::default() };
        tried += config.cases;
        let outcome = TestRunner::new(config).run(&strategy, |changes| {
            let (name, bytes) = file(&changes);
            bounded(lowest, || read(name, &bytes)).map(|_| ()).map_err(TestCaseError::fail)
        });
        if let Err(TestError::Fail(why, changes)) = outcome {
            let (name, bytes) = file(&changes);
            let kept = keep(kind, name, &bytes);
            panic!("{kind}: {why}: {} is such a file: mend the reader, and add it to the corpus", kept.display());
        }
    }
    println!("{kind}: {tried} files, peak {} KiB above the start", peak().saturating_sub(lowest));
}

/// Runs something, and checks what it takes of processor time and memory.
fn bounded<T>(lowest: u64, run: impl FnOnce() -> T) -> Result<T, String> {
    let before = processor_time();
    let value = run();
    let (took, grown) = (processor_time() - before, peak().saturating_sub(lowest));
    if took > LONGEST {
        return Err(format!("it took {took:?}"));
    }
    if grown > LARGEST {
        return Err(format!("it took {grown} KiB of memory"));
    }
    Ok(value)
}

/// Changes a file.
fn change(bytes: &mut Vec<u8>, edit: &Edit, seeds: &[Seed], words: &[&str]) {
    if bytes.is_empty() {
        bytes.push(edit.byte);
    }
    let at = edit.at.index(bytes.len());
    let end = (at + edit.length.max(1)).min(bytes.len());
    match edit.what % 12 {
        0 => bytes[at] ^= 1 << (edit.byte % 8),
        1 => bytes[at] = edit.byte,
        2 => drop(bytes.drain(at..end)),
        3 => bytes.splice(end..end, bytes[at..end].to_vec()).for_each(drop),
        4 | 5 if !words.is_empty() => bytes.splice(at..at, edit.word.get(words).bytes()).for_each(drop),
        4..=7 => {
            // The next number is another.
            if let Some(start) = (at..bytes.len()).find(|&i| bytes[i].is_ascii_digit()) {
                let end = (start..bytes.len()).find(|&i| !bytes[i].is_ascii_digit()).unwrap_or(bytes.len());
                bytes.splice(start..end, edit.word.get(&NUMBERS).bytes()).for_each(drop);
            }
        }
        8 => bytes[at..end].fill(0),
        9 => bytes.truncate(at),
        10 => {
            let other = &edit.word.get(seeds).bytes;
            bytes.truncate(at);
            bytes.extend_from_slice(&other[at.min(other.len())..]);
        }
        _ => bytes.rotate_left(at),
    }
}

/// The files of a kind.
fn seeds(kind: &str) -> Vec<Seed> {
    let folder = root().join("tests/corpus").join(kind);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let seed = |path: &PathBuf| Seed {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        bytes: fs::read(path).unwrap(),
    };
    paths.iter().map(seed).collect()
}

/// The workspace.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().find(|folder| folder.join("tests/corpus").is_dir()).expect("a corpus")
}

/// Keeps a file that broke its reader.
fn keep(kind: &str, name: &str, bytes: &[u8]) -> PathBuf {
    let folder = root().join("target/fuzz");
    fs::create_dir_all(&folder).unwrap();
    let extension = name.split_once('.').map_or("", |(_, extension)| extension);
    let path = folder.join(format!("{kind}-{}.{extension}", bytes.len()));
    fs::write(&path, bytes).unwrap();
    path
}

fn seconds() -> Duration {
    let asked = std::env::var("FOCALSWEEP_FUZZ_SECONDS").ok();
    Duration::from_secs(asked.map_or(SECONDS, |text| text.parse().expect("a number of seconds")))
}

/// Processor time of this thread, which a busy machine does not make longer.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11);
    let ticks: u64 = fields.take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The same, forgotten before: what it has now.
fn peak_of_now() -> u64 {
    // Where that is not to be had, what came before counts too.
    let _ = fs::write("/proc/self/clear_refs", "5");
    peak()
}
