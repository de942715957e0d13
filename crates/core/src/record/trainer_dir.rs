//! What a trainer of the user's kept, on its own: trainer.json, `model/`, and where new rows can be scored with it
//! preprocessing.json and `program/`, the files of the command that does.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::checksum::{OTHER_SUM, blob_sum, unseal};
use super::manifest::FileSum;
use super::model_dir::{ModelDirError, PREPROCESSING, make_empty, write_file, write_sealed};
use crate::prepared::{ColumnRead, Preprocessing};
use crate::spec::{Inputs, Output, Scalar};

/// Version of the directory's layout.
const VERSION: u32 = 1;
const CARD: &str = "trainer.json";
/// What it kept.
const MODEL: &str = "model";
/// Where its command is run.
const PROGRAM: &str = "program";

/// trainer.json: whose model it is, what it was worth, and how rows are scored with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainerCard {
    /// Version of the directory's layout.
    format_version: u32,
    /// The program that exported it, and its version.
    pub program: String,
    /// Name of the sweep.
    pub sweep: String,
    /// Content-hash id of trainer and parameters.
    pub trial_id: String,
    /// 0-based replicate.
    pub replicate: u32,
    /// Name of the trainer.
    pub trainer: String,
    /// Fingerprint of the trainer.
    pub trainer_fingerprint: Option<String>,
    /// Parameters of the trial.
    pub parameters: BTreeMap<String, Scalar>,
    /// Threshold of the operating point: the probability of `threshold_raw`; null where scores are no probabilities.
    pub threshold: Option<f64>,
    /// Rows with a `raw` of at least this are flagged.
    pub threshold_raw: Option<f64>,
    /// Fingerprint of the training data and its preparation.
    pub data_fingerprint: String,
    /// Fingerprint of the replicate's split.
    pub split_fingerprint: String,
    /// Metrics on the validation rows by their names in results.parquet, without the prefix.
    pub validation: BTreeMap<String, Option<f64>>,
    /// The same on the test rows.
    pub test: BTreeMap<String, Option<f64>>,
    /// How new rows are scored; null where the trainer has no `predict`.
    pub predict: Option<PredictCommand>,
    /// Sizes and checksums of all other files.
    files: BTreeMap<String, FileSum>,
}

/// A command that scores rows with a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PredictCommand {
    /// Its words, with the trial's parameters in them.
    pub command: Vec<String>,
    /// Which columns it reads.
    pub inputs: Inputs,
    /// What its scores are.
    pub output: Output,
    /// Cores that it uses.
    pub cpus: u32,
    /// GPUs that it uses.
    pub gpus: u32,
    /// The columns that the model was trained on as they are in the source, in their order.
    pub columns: Vec<ColumnRead>,
}

/// What a directory is made of.
#[derive(Debug, Clone)]
pub struct TrainerParts<'a> {
    /// The folder that the command kept.
    pub model: &'a Path,
    /// What prepares rows, as JSON; where rows can be scored.
    pub preprocessing: Option<&'a [u8]>,
    /// Files of the command that scores: where each lies, and its path under `program`.
    pub program: Vec<(PathBuf, PathBuf)>,
}

impl TrainerCard {
    /// A card that says whose model it is; figures and command are to be filled in.
    pub fn new(sweep: &str, trial_id: &str, replicate: u32, trainer: &str) -> Self {
        Self {
            format_version: VERSION,
            program: concat!("focalsweep ", env!("CARGO_PKG_VERSION")).to_owned(),
            sweep: sweep.to_owned(),
            trial_id: trial_id.to_owned(),
            replicate,
            trainer: trainer.to_owned(),
            trainer_fingerprint: None,
            parameters: BTreeMap::new(),
            threshold: None,
            threshold_raw: None,
            data_fingerprint: String::new(),
            split_fingerprint: String::new(),
            validation: BTreeMap::new(),
            test: BTreeMap::new(),
            predict: None,
            files: BTreeMap::new(),
        }
    }
}

/// Writes a directory; its trainer.json comes last, so that a directory without it is no model. Links in the model's
/// folder are left out, since what they name is elsewhere.
///
/// # Errors
/// `dir` is there and not empty, or a file cannot be read or written.
pub fn write_trainer_dir(dir: &Path, card: &TrainerCard, parts: &TrainerParts<'_>) -> Result<(), ModelDirError> {
    make_empty(dir)?;
    let mut card = TrainerCard { files: BTreeMap::new(), ..card.clone() };
    let mut copies: Vec<(PathBuf, PathBuf)> = Vec::new();
    let listed = list(parts.model, Path::new(MODEL), &mut copies);
    listed.map_err(|why| ModelDirError::Write { path: dir.join(MODEL), why })?;
    copies.extend(parts.program.iter().map(|(from, to)| (from.clone(), Path::new(PROGRAM).join(to))));
    for (from, name) in copies {
        let to = dir.join(&name);
        let copied = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::copy(&from, &to));
        copied.map_err(|why| ModelDirError::Write { path: to.clone(), why })?;
        let sum = sum_of(&to).map_err(|why| ModelDirError::Write { path: to, why })?;
        card.files.insert(name.to_string_lossy().into_owned(), sum);
    }
    if card.predict.is_some() {
        let program = dir.join(PROGRAM);
        fs::create_dir_all(&program).map_err(|why| ModelDirError::Write { path: program, why })?;
    }
    if let Some(bytes) = parts.preprocessing {
        write_file(&dir.join(PREPROCESSING), bytes)?;
        card.files.insert(PREPROCESSING.to_owned(), FileSum { bytes: bytes.len() as u64, sum: blob_sum(bytes) });
    }
    write_sealed(&dir.join(CARD), &card)
}

/// All files below `folder`, and what they are called below `name`.
fn list(folder: &Path, name: &Path, found: &mut Vec<(PathBuf, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, name.join(entry.file_name()));
        if kind.is_dir() {
            list(&entry.path(), &name, found)?;
        } else if kind.is_file() {
            found.push((entry.path(), name));
        }
    }
    Ok(())
}

fn sum_of(path: &Path) -> io::Result<FileSum> {
    let bytes = fs::read(path)?;
    Ok(FileSum { bytes: bytes.len() as u64, sum: blob_sum(&bytes) })
}

/// A model of a trainer that was read back.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainerModel {
    /// What it is.
    pub card: TrainerCard,
    /// What scores rows with it.
    pub predict: PredictCommand,
    /// How files are read, and prepared where the command wants that.
    pub preprocessing: Preprocessing,
    /// What the command kept.
    pub model: PathBuf,
    /// Where the command is run.
    pub folder: PathBuf,
}

impl TrainerModel {
    /// Whether `dir` was written by [`write_trainer_dir`].
    pub fn is_in(dir: &Path) -> bool {
        dir.join(CARD).is_file()
    }

    /// Reads what [`write_trainer_dir`] wrote.
    ///
    /// # Errors
    /// It is of a later format, nothing scores with it, or its files are not those that were written.
    pub fn read(dir: &Path) -> Result<Self, ModelDirError> {
        let broken = |name: &str, why: String| ModelDirError::Broken { path: dir.join(name), why };
        let text = fs::read(dir.join(CARD)).map_err(|e| broken(CARD, e.to_string()))?;
        let value: serde_json::Value = serde_json::from_slice(&text).map_err(|e| broken(CARD, e.to_string()))?;
        let version = value.get("format_version").and_then(serde_json::Value::as_u64).unwrap_or(0);
        if version > u64::from(VERSION) {
            return Err(ModelDirError::Format { path: dir.to_owned(), version });
        }
        unseal(&text).map_err(|why| broken(CARD, why))?;
        let card: TrainerCard = serde_json::from_value(value).map_err(|e| broken(CARD, e.to_string()))?;
        let Some(predict) = card.predict.clone().filter(|predict| !predict.command.is_empty()) else {
            return Err(ModelDirError::NoCommand { path: dir.to_owned(), trainer: card.trainer });
        };
        for (name, sum) in &card.files {
            let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            let found = if inside { sum_of(&dir.join(name)) } else { Err(io::ErrorKind::InvalidInput.into()) };
            if found.map_err(|e| broken(name, e.to_string()))? != *sum {
                return Err(broken(name, OTHER_SUM.to_owned()));
            }
        }
        let bytes = fs::read(dir.join(PREPROCESSING)).map_err(|e| broken(PREPROCESSING, e.to_string()))?;
        let preprocessing = serde_json::from_slice(&bytes).map_err(|e| broken(PREPROCESSING, e.to_string()))?;
        let absolute = |name: &str| std::path::absolute(dir.join(name)).map_err(|e| broken(name, e.to_string()));
        Ok(Self { predict, preprocessing, model: absolute(MODEL)?, folder: absolute(PROGRAM)?, card })
    }
}
