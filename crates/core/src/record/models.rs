//! `models/<job>.safetensors`: the models that a job trained, in one file.
//!
//! Tensors are named `<trial_id>-r<replicate>/hidden.0.weight` and so on. The header's metadata has an entry
//! `<trial_id>-r<replicate>` for each model, what there is to know of it as JSON, and what they share: the names of the
//! inputs and of the file that says how they are made. Version 1 had a file for each model.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::bytes::{from_le_bytes, le_bytes};
use super::checksum::{OTHER_SUM, blob_sum};
use super::error::RunDirError;
use super::model_dir::PREPROCESSING;
use super::names::{MODELS, models_name};
use super::run_files::RunFiles;
use crate::plan::{Hyperparameters, Shape, is_id};

/// Key of what is said of the whole file.
const METADATA: &str = "__metadata__";
/// A header of more bytes is none of ours.
const LONGEST_HEADER: u64 = 100_000_000;

/// What is known of a model beside its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ModelInfo {
    /// Hyperparameters of its trial, as JSON.
    pub(super) hyperparameters: Value,
    /// Threshold of the operating point.
    pub(super) threshold: Option<f64>,
    /// The logit that it was chosen by.
    pub(super) threshold_raw: Option<f64>,
    /// Checksum of its parameters, as they lie in the file.
    pub(super) sum: String,
}

/// What all models of a file share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shared {
    /// Names of the inputs.
    pub(super) features: Vec<String>,
    /// The file that says how they are made.
    pub(super) preprocessing: String,
}

/// A model of a file: what is known of it, its tensors with their dimensions, and where they lie among the file's data.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredModel {
    pub(super) info: ModelInfo,
    pub(super) tensors: Vec<(String, Vec<usize>)>,
    pub(super) data: Range<u64>,
}

/// A tensor's name and shape.
type NamedShape = (String, Vec<usize>);
/// A model's name, what is known of it, and its tensors in order.
pub(super) type ModelToWrite = (String, ModelInfo, Vec<NamedShape>);
/// Where a tensor's bytes start and end, its name and shape.
type PlacedTensor = (u64, u64, String, Vec<usize>);

/// The name of a model within its file.
pub(super) fn model_key(trial_id: &str, replicate: u32) -> String {
    format!("{trial_id}-r{replicate}")
}

/// Writes the header of a file with `models` by their names; their parameters follow in the same order.
pub(super) fn write_header(out: &mut dyn Write, shared: &Shared, models: &[ModelToWrite]) -> io::Result<()> {
    let mut metadata = BTreeMap::new();
    metadata.insert("features".to_owned(), serde_json::to_string(&shared.features)?);
    metadata.insert("preprocessing".to_owned(), shared.preprocessing.clone());
    for (key, info, _) in models {
        metadata.insert(key.clone(), serde_json::to_string(info)?);
    }
    let named = |(key, _, tensors): &'_ ModelToWrite| -> Vec<NamedShape> {
        tensors.iter().map(|(name, dims)| (format!("{key}/{name}"), dims.clone())).collect()
    };
    write_tensors_header(out, &metadata, models.iter().flat_map(named))
}

/// What a header says of a tensor.
#[derive(Serialize)]
struct Placed {
    dtype: &'static str,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// Writes the header of a safetensors file whose `tensors` lie one after the other, always in the same bytes.
fn write_tensors_header(
    out: &mut dyn Write,
    metadata: &BTreeMap<String, String>,
    tensors: impl Iterator<Item = NamedShape>,
) -> io::Result<()> {
    let mut header = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut header);
    let mut map = serializer.serialize_map(None)?;
    let mut end = 0;
    for (name, shape) in tensors {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        map.serialize_entry(&name, &Placed { dtype: "F32", shape, data_offsets: [start, end] })?;
    }
    map.serialize_entry(METADATA, metadata)?;
    map.end()?;
    header.resize(header.len().next_multiple_of(8), b' '); // so that the parameters are aligned
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(&header)
}

/// A file of models that was opened: its header, and its parameters when they are asked for.
#[derive(Debug)]
pub(super) struct ModelsFile {
    file: File,
    data_start: u64,
    pub(super) shared: Shared,
    pub(super) models: BTreeMap<String, StoredModel>,
}

#[derive(Deserialize)]
struct TensorInfo {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

impl ModelsFile {
    /// # Errors
    /// It cannot be read or is not what this module writes.
    pub(super) fn new(mut file: File) -> io::Result<Self> {
        let wrong = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER {
            return Err(wrong(format!("its header has {length} bytes")));
        }
        let mut header = Vec::new();
        Read::by_ref(&mut file).take(length).read_to_end(&mut header)?;
        let bytes = file.metadata()?.len().saturating_sub(8 + length);
        let mut header: BTreeMap<String, Value> = serde_json::from_slice(&header)?;
        let metadata = header.remove(METADATA).ok_or_else(|| wrong(format!("its header has no `{METADATA}`")))?;
        let mut metadata: BTreeMap<String, String> = serde_json::from_value(metadata)?;
        let mut take = |key: &str| metadata.remove(key).ok_or_else(|| wrong(format!("its metadata has no `{key}`")));
        let shared =
            Shared { features: serde_json::from_str(&take("features")?)?, preprocessing: take("preprocessing")? };
        let mut tensors: BTreeMap<String, Vec<PlacedTensor>> = BTreeMap::new();
        for (name, info) in header {
            let TensorInfo { dtype, shape, data_offsets: [start, end] } = serde_json::from_value(info)?;
            let (key, tensor) = name.split_once('/').ok_or_else(|| wrong(format!("`{name}` is of no model")))?;
            let numbers = shape.iter().try_fold(4usize, |product, &width| product.checked_mul(width));
            if dtype != "F32" || numbers.is_none_or(|bytes| end.checked_sub(start) != Some(bytes as u64)) {
                return Err(wrong(format!("`{name}` is not of 32-bit numbers as many as its shape has")));
            }
            if end > bytes {
                return Err(wrong("it is cut off".to_owned()));
            }
            tensors.entry(key.to_owned()).or_default().push((start, end, tensor.to_owned(), shape));
        }
        let mut models = BTreeMap::new();
        for (key, info) in metadata {
            let mut of_model = tensors.remove(&key).unwrap_or_default();
            of_model.sort_by_key(|tensor| tensor.0);
            let gap = of_model.windows(2).any(|pair| pair[0].1 != pair[1].0);
            let (Some(first), Some(last), false) = (of_model.first(), of_model.last(), gap) else {
                return Err(wrong(format!("the tensors of `{key}` do not lie together")));
            };
            let data = first.0..last.1;
            let info: ModelInfo = serde_json::from_str(&info)?;
            let tensors = of_model.into_iter().map(|(_, _, name, shape)| (name, shape)).collect();
            models.insert(key, StoredModel { info, tensors, data });
        }
        Ok(Self { file, data_start: 8 + length, shared, models })
    }

    /// The parameters of a model of the file.
    ///
    /// # Errors
    /// They cannot be read, or have another checksum.
    pub(super) fn parameters(&mut self, model: &StoredModel) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(self.data_start + model.data.start))?;
        let length = usize::try_from(model.data.end - model.data.start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact(&mut bytes)?;
        if blob_sum(&bytes) != model.info.sum {
            return Err(io::Error::new(io::ErrorKind::InvalidData, OTHER_SUM));
        }
        Ok(bytes)
    }
}

/// The model of a (trial, replicate) of a run as a safetensors file of its own, with what is needed to use it in the
/// metadata; `None` where there is none. `job_id` is where to look first.
///
/// # Errors
/// A file of models cannot be read or is damaged.
pub fn find_model(
    files: &RunFiles,
    job_id: Option<&str>,
    trial_id: &str,
    replicate: u32,
) -> Result<Option<Vec<u8>>, RunDirError> {
    let key = model_key(trial_id, replicate);
    if let Some(alone) = files.bytes(&format!("{MODELS}/{key}.safetensors"))? {
        return Ok(Some(alone));
    }
    let likely = job_id.filter(|job_id| is_id(job_id)).map(models_name);
    let all = files.names().into_iter().filter(|name| is_models(name)).map(str::to_owned);
    for name in likely.into_iter().chain(all) {
        let Some(file) = files.open(&name)? else { continue };
        let failed = |e| RunDirError::io(&files.path(&name), e);
        let mut file = ModelsFile::new(file).map_err(failed)?;
        if let Some(model) = file.models.get(&key).cloned() {
            let parameters = file.parameters(&model).map_err(failed)?;
            let bytes = alone_file(&model, &parameters, &file.shared, trial_id, replicate);
            return bytes.map(Some).map_err(failed);
        }
    }
    Ok(None)
}

/// Whether a file of the run has models.
pub(super) fn is_models(name: &str) -> bool {
    name.starts_with(MODELS) && name.ends_with(".safetensors")
}

/// The models of a run, found once.
#[derive(Debug)]
pub struct Models {
    files: Vec<Mutex<ModelsFile>>,
    /// By its name, the file that a model is in.
    places: HashMap<String, usize>,
}

impl Models {
    /// Looks at the files of models of a run.
    ///
    /// # Errors
    /// One of them is damaged or cannot be read.
    pub fn read(files: &RunFiles) -> Result<Self, RunDirError> {
        let mut found = Self { files: Vec::new(), places: HashMap::new() };
        for name in files.names().into_iter().filter(|name| is_models(name)) {
            let Some(file) = files.open(name)? else { continue };
            let file = ModelsFile::new(file).map_err(|e| RunDirError::io(&files.path(name), e))?;
            found.places.extend(file.models.keys().map(|key| (key.clone(), found.files.len())));
            found.files.push(Mutex::new(file));
        }
        Ok(found)
    }

    /// Whether there is a model of a (trial, replicate).
    pub fn has(&self, trial_id: &str, replicate: u32) -> bool {
        self.places.contains_key(&model_key(trial_id, replicate))
    }

    /// The parameters of a model in the layout of [`Shape`]; `None` where there is none.
    ///
    /// # Errors
    /// They cannot be read, or have another checksum.
    pub fn weights(&self, trial_id: &str, replicate: u32) -> io::Result<Option<Vec<f32>>> {
        let key = model_key(trial_id, replicate);
        let Some(&at) = self.places.get(&key) else { return Ok(None) };
        let mut file = self.files[at].lock().unwrap_or_else(PoisonError::into_inner);
        let Some(model) = file.models.get(&key).cloned() else { return Ok(None) };
        file.parameters(&model).map(|bytes| Some(from_le_bytes(&bytes)))
    }
}

/// A model of `trial` with `weights` (in the layout of [`Shape`]) as a safetensors file of its own, as [`find_model`]
/// gives one of a run. `threshold` are the probability and the logit of its operating point.
///
/// # Errors
/// The hyperparameters have no text.
pub fn model_file(
    trial: &Hyperparameters,
    replicate: u32,
    features: &[String],
    threshold: Option<[f64; 2]>,
    weights: &[f32],
) -> io::Result<Vec<u8>> {
    let shape = Shape { inputs: features.len(), hidden: trial.hidden.clone(), activation: trial.activation };
    let parameters = le_bytes(weights);
    let [threshold, threshold_raw] = threshold.map_or([None; 2], |both| both.map(Some));
    let hyperparameters = serde_json::to_value(trial)?;
    let info = ModelInfo { hyperparameters, threshold, threshold_raw, sum: blob_sum(&parameters) };
    let model = StoredModel { info, tensors: shape.tensors(), data: 0..parameters.len() as u64 };
    let shared = Shared { features: features.to_vec(), preprocessing: PREPROCESSING.to_owned() };
    alone_file(&model, &parameters, &shared, &trial.trial_id(), replicate)
}

/// A model as a safetensors file of its own.
fn alone_file(
    model: &StoredModel,
    parameters: &[u8],
    shared: &Shared,
    trial_id: &str,
    replicate: u32,
) -> io::Result<Vec<u8>> {
    let ModelInfo { hyperparameters, threshold, threshold_raw, .. } = &model.info;
    let metadata = [
        ("trial_id", trial_id.to_owned()),
        ("replicate", replicate.to_string()),
        ("hyperparameters", serde_json::to_string(hyperparameters)?),
        ("features", serde_json::to_string(&shared.features)?),
        ("threshold", serde_json::to_string(threshold)?),
        ("threshold_raw", serde_json::to_string(threshold_raw)?),
        ("preprocessing", shared.preprocessing.clone()),
    ];
    let metadata = metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let mut file = Vec::with_capacity(parameters.len() + 4096);
    write_tensors_header(&mut file, &metadata, model.tensors.iter().cloned())?;
    file.extend_from_slice(parameters);
    Ok(file)
}
