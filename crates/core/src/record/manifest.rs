//! manifest.json: what a run directory is, and how far it has come.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::checksum::{seal, unseal};
use super::error::RunDirError;
use super::names::{MANIFEST, PLAN};
use super::version::{DRAFT, FORMAT_VERSION};
use crate::plan::Plan;

/// The oldest version that can be reported, compared and exported.
const OLDEST: u64 = 1;

/// manifest.json. What an earlier version did not know is as in [`Manifest::default`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Manifest {
    /// Version of the directory's layout.
    pub format_version: u32,
    /// Draft of that version; 0 for a version that was released.
    pub draft: u32,
    /// `focalsweep` and its version.
    pub program: String,
    /// libtorch's version, where it trained; runs of version 1 always name one.
    pub libtorch: Option<String>,
    /// Vector instructions of the fused kernels where the run began: `avx512`, `avx2` or `portable`.
    pub simd: Option<String>,
    /// How far the run has come.
    pub state: RunState,
    /// Why no more is trained; `None` while there is something left to do.
    pub ended: Option<Ended>,
    /// Name of the sweep.
    pub name: String,
    /// Fingerprint of what of the sweep must not change while the run goes on.
    pub spec_fingerprint: String,
    /// Fingerprint of the data and its preparation.
    pub data_fingerprint: String,
    /// Fingerprint of each replicate's split.
    pub split_fingerprints: Vec<String>,
    /// Seconds that its processes trained and waited, over all resumes; of those that were killed, up to the last wave.
    #[serde(skip_serializing_if = "is_zero")]
    pub training_seconds: f64,
    /// What there is.
    pub counts: Counts,
    /// Notes of the data's preparation.
    pub notes: Vec<String>,
    /// What in the data is to be looked at before results are believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_warnings: Vec<String>,
    /// Whose scores are in scores.parquet: `all`, `best` or `none`.
    pub scores: String,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub updated_at: String,
    /// Fingerprints of the trainers of the user's that trained its trials, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trainers: BTreeMap<String, String>,
    /// The files that are written as a whole, by their names in the directory, as they were when the manifest was
    /// written.
    pub files: BTreeMap<String, FileSum>,
    /// The files that are about to take the place of those in `files`, or have just done so: see
    /// [`RunDir::commit`](super::RunDir::commit).
    pub next: BTreeMap<String, FileSum>,
}

/// Size and checksum of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// Its size.
    pub bytes: u64,
    /// Its checksum: see [`blob_sum`](super::blob_sum).
    pub sum: String,
}

impl Manifest {
    /// The manifest of a run that begins `now` (RFC 3339).
    pub fn new(
        name: &str,
        data_fingerprint: &str,
        split_fingerprints: Vec<String>,
        counts: Counts,
        notes: Vec<String>,
        now: String,
    ) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            draft: DRAFT,
            program: concat!("focalsweep ", env!("CARGO_PKG_VERSION")).to_owned(),
            name: name.to_owned(),
            data_fingerprint: data_fingerprint.to_owned(),
            split_fingerprints,
            counts,
            notes,
            scores: "all".to_owned(),
            started_at: now.clone(),
            updated_at: now,
            ..Self::default()
        }
    }

    /// The manifest of the run in `root`; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, is not ours or damaged, or is of a version or a draft that this program does not know.
    pub fn read(root: &Path) -> Result<Option<Self>, RunDirError> {
        let path = root.join(MANIFEST);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(RunDirError::io(&path, error)),
        };
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|e| RunDirError::broken(&path, &e))?;
        // Version 1 has no checksum.
        let is_sealed = value.get("sum").is_some();
        let check = || unseal(&bytes).map_err(|why| RunDirError::Broken { path: path.clone(), why });
        if is_sealed {
            check()?;
        }
        let number = |key: &str| value.get(key).and_then(serde_json::Value::as_u64);
        let version = number("format_version");
        match (version, number("draft").unwrap_or(0)) {
            (None, _) => return Err(RunDirError::NotOurs(root.to_owned())),
            (Some(version), draft) if version == u64::from(FORMAT_VERSION) => {
                if draft != u64::from(DRAFT) {
                    return Err(RunDirError::Draft { path: root.to_owned(), draft });
                }
            }
            (Some(version), _) if (OLDEST..u64::from(FORMAT_VERSION)).contains(&version) => {}
            (Some(version), _) => return Err(RunDirError::Format { path: root.to_owned(), version }),
        }
        if version == Some(u64::from(FORMAT_VERSION)) && !is_sealed {
            check()?;
        }
        serde_json::from_value(value).map(Some).map_err(|e| RunDirError::broken(&path, &e))
    }

    /// Whether the plan of the run in `root` is the one that this counts. It may have what waves added when the process
    /// that added them ended before it counted them.
    ///
    /// # Errors
    /// It has fewer trials, replicates or jobs.
    pub fn check_plan(&self, root: &Path, plan: &Plan) -> Result<(), RunDirError> {
        let (counts, path) = (&self.counts, root.join(PLAN));
        let found = [plan.trials, plan.replicates as usize, plan.jobs.len()];
        let expected = [counts.trials, counts.replicates as usize, counts.jobs];
        if found.iter().zip(expected).all(|(found, expected)| *found >= expected) {
            return Ok(());
        }
        let why = format!("{found:?} trials, replicates and jobs, expected {expected:?} as in {MANIFEST}");
        Err(RunDirError::Broken { path, why })
    }

    /// The file's bytes: JSON whose last field is its checksum.
    ///
    /// # Errors
    /// Never for a manifest of a run.
    pub(super) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        Ok(seal(&serde_json::to_vec_pretty(self)?))
    }

    /// Sizes and checksums that the file `name` may have: what it was replaced by, and what it was.
    pub(super) fn sums_of<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a FileSum> + use<'a> {
        self.next.get(name).into_iter().chain(self.files.get(name))
    }

    /// Whether this program can go on with the run in `root`, or look at it while it goes on.
    ///
    /// # Errors
    /// It is of an earlier version.
    pub fn check_current(&self, root: &Path) -> Result<(), RunDirError> {
        if self.format_version == FORMAT_VERSION {
            return Ok(());
        }
        let (path, program) = (root.to_owned(), self.program.clone());
        Err(RunDirError::Earlier { path, version: self.format_version, program })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(seconds: &f64) -> bool {
    *seconds == 0.0
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Under way, or killed: `--resume` goes on.
    #[default]
    Running,
    /// Ended by the user: `--resume` goes on.
    Interrupted,
    /// Every row is there.
    Finished,
}

/// Why a run trains no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All that was asked for is there.
    Complete,
    /// The time that it was given is used up.
    Budget,
    /// As many trials as it was given are there.
    RunCap,
    /// It found what it was to look for.
    Target,
}

/// Numbers of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Distinct trials.
    pub trials: usize,
    /// Replicates of the search.
    pub replicates: u32,
    /// Jobs.
    pub jobs: usize,
    /// Rows of results.parquet.
    pub rows: usize,
    /// Rows that failed.
    pub failed: usize,
}
