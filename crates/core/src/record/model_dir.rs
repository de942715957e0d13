//! A model on its own: model.safetensors, preprocessing.json and model.json in a directory that needs nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::Dtype;
use safetensors::tensor::SafeTensors;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::bytes::from_le_bytes;
use super::checksum::{OTHER_SUM, blob_sum, seal, unseal};
use super::manifest::FileSum;
use crate::plan::{Hyperparameters, Shape};
use crate::prepared::Preprocessing;

/// Version of the directory's layout that this program writes. It reads version 1 too, which has no `threshold_raw`.
const FORMAT_VERSION: u32 = 2;
/// Version of the layout of an average's directory, which has others in it.
pub(super) const NEWEST_VERSION: u32 = 3;
const WEIGHTS: &str = "model.safetensors";
pub(super) const PREPROCESSING: &str = "preprocessing.json";
pub(super) const CARD: &str = "model.json";

/// model.json: what the model is, where it comes from and what it was worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Version of the directory's layout.
    pub format_version: u32,
    /// The program that exported it, and its version.
    pub program: String,
    /// Name of the sweep.
    pub sweep: String,
    /// Content-hash id of the hyperparameters.
    pub trial_id: String,
    /// 0-based replicate.
    pub replicate: u32,
    /// What was trained.
    pub hyperparameters: Hyperparameters,
    /// Columns of the prepared matrix, in order.
    pub features: Vec<String>,
    /// Threshold of the operating point: the probability of `threshold_raw`.
    pub threshold: Option<f64>,
    /// Rows with a logit of at least this are flagged; those with a score of at least `threshold` where it is not
    /// known.
    #[serde(default)]
    pub threshold_raw: Option<f64>,
    /// Fingerprint of the training data and its preparation.
    pub data_fingerprint: String,
    /// Fingerprint of the replicate's split.
    pub split_fingerprint: String,
    /// Metrics on the validation rows by their names in results.parquet, without the prefix.
    pub validation: BTreeMap<String, Option<f64>>,
    /// The same on the test rows.
    pub test: BTreeMap<String, Option<f64>>,
    /// Of a model that was trained on all rows after its run: how, and whose figures those above are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refit: Option<Refit>,
    /// Sizes and checksums of the other files; version 1 has none.
    #[serde(default)]
    pub files: BTreeMap<String, FileSum>,
}

/// A model that was trained on all rows, which leaves none that could measure it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refit {
    /// Whose figures the card has, in words: not this model's.
    pub figures: String,
    /// The replicates of these figures, 0-based; they chose epochs and threshold too.
    pub replicates: Vec<u32>,
    /// Their best epochs, in the same order.
    pub best_epochs: Vec<u32>,
    /// The epochs that it was trained for: the median of those.
    pub epochs: u32,
    /// Rows that it was trained on.
    pub rows: u64,
    /// Those of the rare class among them.
    pub positives: u64,
    /// The share of these rows that it flags: that of their own training rows that the replicates' models flag, on
    /// average. `None` without a threshold.
    pub flagged: Option<f64>,
}

/// A model that was read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// What it is.
    pub card: ModelCard,
    /// From the columns of a file to its inputs.
    pub preprocessing: Preprocessing,
    /// Parameters in the layout of [`Shape`].
    pub weights: Vec<f32>,
}

/// Why a model directory cannot be written or read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ModelDirError {
    /// Something is there already.
    #[error("{} is there already and is not an empty directory", .0.display())]
    #[diagnostic(help("`--out DIR` of another name, or remove it first"))]
    Taken(PathBuf),
    /// Not a model directory.
    #[error("{} is not an exported model: it has no model.json or trainer.json that focalsweep wrote", .0.display())]
    #[diagnostic(help("`focalsweep export RUN_DIR --out DIR` makes one of a run's trials"))]
    NotOurs(PathBuf),
    /// A later program made it.
    #[error("{} has format version {version}; this focalsweep knows versions up to {NEWEST_VERSION}", .path.display())]
    #[diagnostic(help("use the focalsweep that made it, or a later one"))]
    Format {
        /// The directory.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// It is of a trainer of the user's that only trains.
    #[error(
        "{} is a model of the trainer `{trainer}`, which has no `predict`: nothing scores rows with it",
        .path.display()
    )]
    #[diagnostic(help(
        "name the command under `trainers.{trainer}.predict` in the sweep file, `focalsweep run SPEC --resume`, and \
         export it again"
    ))]
    NoCommand {
        /// The directory.
        path: PathBuf,
        /// The trainer.
        trainer: String,
    },
    /// A file is missing, broken, or does not belong to the others.
    #[error("{}: {why}", .path.display())]
    #[diagnostic(help("export the model again"))]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {why}", .path.display())]
    #[diagnostic(help("the folder must be yours to write in and have room; `--out DIR` writes elsewhere"))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
}

impl ModelCard {
    /// The card of a model whose safetensors file is `weights`, which says what was trained.
    ///
    /// # Errors
    /// What is missing or wrong in the file's metadata.
    pub fn of(weights: &[u8], sweep: &str) -> Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(weights).map_err(|e| e.to_string())?;
        let entry = |name: &str| {
            let entry = header.metadata().as_ref().and_then(|metadata| metadata.get(name));
            entry.ok_or_else(|| format!("its metadata has no `{name}`"))
        };
        fn json<T: DeserializeOwned>(text: &str) -> Result<T, String> {
            serde_json::from_str(text).map_err(|e| e.to_string())
        }
        Ok(Self {
            format_version: FORMAT_VERSION,
            program: concat!("focalsweep ", env!("CARGO_PKG_VERSION")).to_owned(),
            sweep: sweep.to_owned(),
            trial_id: entry("trial_id")?.clone(),
            replicate: json(entry("replicate")?)?,
            hyperparameters: json(entry("hyperparameters")?)?,
            features: json(entry("features")?)?,
            threshold: json(entry("threshold")?)?,
            threshold_raw: entry("threshold_raw").map_or(Ok(None), |text| json(text))?,
            data_fingerprint: String::new(),
            split_fingerprint: String::new(),
            validation: BTreeMap::new(),
            test: BTreeMap::new(),
            refit: None,
            files: BTreeMap::new(),
        })
    }
}

/// Writes a model directory; model.json comes last, so that a directory without it is no model.
///
/// # Errors
/// `dir` is there and not empty, or a file cannot be written.
pub fn write_model_dir(
    dir: &Path,
    card: &ModelCard,
    preprocessing: &[u8],
    weights: &[u8],
) -> Result<(), ModelDirError> {
    let file_sum = |bytes: &[u8]| FileSum { bytes: bytes.len() as u64, sum: blob_sum(bytes) };
    let files = [(WEIGHTS, weights), (PREPROCESSING, preprocessing)];
    let files = files.map(|(name, bytes)| (name.to_owned(), file_sum(bytes)));
    let card = ModelCard { files: files.into_iter().collect(), ..card.clone() };
    make_empty(dir)?;
    for (name, bytes) in [(WEIGHTS, weights), (PREPROCESSING, preprocessing)] {
        write_file(&dir.join(name), bytes)?;
    }
    write_card(dir, &card)
}

/// Makes a directory, or takes one that is empty.
pub(super) fn make_empty(dir: &Path) -> Result<(), ModelDirError> {
    if dir.exists() && fs::read_dir(dir).map_or(true, |mut entries| entries.next().is_some()) {
        return Err(ModelDirError::Taken(dir.to_owned()));
    }
    fs::create_dir_all(dir).map_err(|why| ModelDirError::Write { path: dir.to_owned(), why })
}

/// Writes model.json, sealed.
pub(super) fn write_card(dir: &Path, card: &impl Serialize) -> Result<(), ModelDirError> {
    write_sealed(&dir.join(CARD), card)
}

/// Writes a card with its checksum.
pub(super) fn write_sealed(path: &Path, card: &impl Serialize) -> Result<(), ModelDirError> {
    let json = serde_json::to_vec_pretty(card);
    let json = json.map_err(|why| ModelDirError::Write { path: path.to_owned(), why: why.into() })?;
    write_file(path, &seal(&json))
}

pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), ModelDirError> {
    let failed = |why: io::Error| ModelDirError::Write { path: path.to_owned(), why };
    write_atomically::<io::Error>(path, |out| out.write_all(bytes)).map_err(failed)
}

impl Model {
    /// Reads what [`write_model_dir`] wrote.
    ///
    /// # Errors
    /// `dir` is no model directory or one of a later format, or its files do not belong together.
    pub fn read(dir: &Path) -> Result<Self, ModelDirError> {
        let broken = |name: &str, why: String| ModelDirError::Broken { path: dir.join(name), why };
        let (text, value, version) = read_card(dir)?;
        if !(1..=u64::from(FORMAT_VERSION)).contains(&version) {
            return Err(ModelDirError::Format { path: dir.to_owned(), version });
        }
        // Version 1 has no checksums.
        let is_sealed = value.get("sum").is_some() || value["format_version"] == FORMAT_VERSION;
        if is_sealed {
            unseal(&text).map_err(|why| broken(CARD, why))?;
        }
        let card: ModelCard = serde_json::from_value(value).map_err(|e| broken(CARD, e.to_string()))?;
        let read = |name: &str| {
            let bytes = fs::read(dir.join(name)).map_err(|e| broken(name, e.to_string()))?;
            let found = FileSum { bytes: bytes.len() as u64, sum: blob_sum(&bytes) };
            if is_sealed && card.files.get(name) != Some(&found) {
                return Err(broken(name, OTHER_SUM.to_owned()));
            }
            Ok(bytes)
        };
        let text = read(PREPROCESSING)?;
        let preprocessing: Preprocessing =
            serde_json::from_slice(&text).map_err(|e| broken(PREPROCESSING, e.to_string()))?;
        if preprocessing.features() != card.features {
            return Err(broken(PREPROCESSING, "it makes other features than model.json names".to_owned()));
        }
        if let Some(name) = card.hyperparameters.not_allowed() {
            return Err(broken(CARD, format!("its {name} is out of bounds")));
        }
        let bytes = read(WEIGHTS)?;
        let weights = weights(&card, &bytes).map_err(|why| broken(WEIGHTS, why))?;
        Ok(Self { card, preprocessing, weights })
    }
}

/// model.json as it is written, and what it says; that it is ours is seen by its version.
pub(super) fn read_card(dir: &Path) -> Result<(Vec<u8>, serde_json::Value, u64), ModelDirError> {
    let not_ours = || ModelDirError::NotOurs(dir.to_owned());
    let text = fs::read(dir.join(CARD)).map_err(|_| not_ours())?;
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|_| not_ours())?;
    let version = value.get("format_version").and_then(serde_json::Value::as_u64).ok_or_else(not_ours)?;
    Ok((text, value, version))
}

/// The tensors one after the other, in the canonical order.
fn weights(card: &ModelCard, bytes: &[u8]) -> Result<Vec<f32>, String> {
    let Hyperparameters { hidden, activation, .. } = &card.hyperparameters;
    let shape = Shape { inputs: card.features.len(), hidden: hidden.clone(), activation: *activation };
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    if bytes.len() / size_of::<f32>() < shape.parameters() {
        return Err(format!("it is too short for {} parameters", shape.parameters()));
    }
    let mut weights = Vec::with_capacity(shape.parameters());
    for (name, dims) in shape.tensors() {
        let view = tensors.tensor(&name).map_err(|e| e.to_string())?;
        if view.shape() != dims || view.dtype() != Dtype::F32 {
            return Err(format!("{name} has shape {:?}, model.json asks for {dims:?}", view.shape()));
        }
        weights.extend(from_le_bytes(view.data()));
    }
    Ok(weights)
}
