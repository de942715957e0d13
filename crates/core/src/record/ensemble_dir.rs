//! An average of models on its own: model.json, which says how they are averaged, and `members/<trial>`, a directory of
//! each that is a model by itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::checksum::{OTHER_SUM, blob_sum, unseal};
use super::manifest::FileSum;
use super::model_dir::{
    CARD, Model, ModelCard, ModelDirError, NEWEST_VERSION, make_empty, read_card, write_card, write_model_dir,
};
use crate::metrics::{Platt, Rule, Scale, Weighed, averaged};
use crate::plan::is_id;
use crate::prepared::Preprocessing;

/// Folder of the members' directories.
const MEMBERS: &str = "members";

/// What such a model.json calls itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EnsembleKind {
    Ensemble,
}

/// model.json of an average: what it is, where it comes from and what it was worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsembleCard {
    /// Version of the directory's layout.
    format_version: u32,
    kind: EnsembleKind,
    /// The program that exported it, and its version.
    pub program: String,
    /// Name of the sweep.
    pub sweep: String,
    /// 0-based replicate that all members were trained on.
    pub replicate: u32,
    /// How it was put together.
    pub rule: Rule,
    /// Its members, the heaviest first.
    pub members: Vec<MemberCard>,
    /// Threshold of the operating point: the probability of `threshold_raw`.
    pub threshold: Option<f64>,
    /// Rows whose average is at least this are flagged.
    pub threshold_raw: Option<f64>,
    /// Fingerprint of the training data and its preparation.
    pub data_fingerprint: String,
    /// Fingerprint of the replicate's split.
    pub split_fingerprint: String,
    /// Metrics on the validation rows, which chose it, by their names in results.parquet, without the prefix.
    pub validation: BTreeMap<String, Option<f64>>,
    /// The same on the test rows.
    pub test: BTreeMap<String, Option<f64>>,
}

/// A member of an average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberCard {
    /// Content-hash id of its trial, and its directory under `members`.
    pub trial_id: String,
    /// Its share of the average.
    pub weight: f64,
    /// What makes a calibrated logit of its logit: -(a · logit + b).
    pub platt: Platt,
    /// Its own model.json.
    card: FileSum,
}

/// A member that is to be written: its share, its map, and what its directory holds.
#[derive(Debug, Clone)]
pub struct MemberToWrite {
    /// Its share of the average.
    pub weight: f64,
    /// Its map.
    pub platt: Platt,
    /// Its card.
    pub card: ModelCard,
    /// Its preprocessing.json.
    pub preprocessing: Vec<u8>,
    /// Its model.safetensors.
    pub weights: Vec<u8>,
}

impl EnsembleCard {
    /// The card of an average without members; figures are to be filled in.
    pub fn new(sweep: &str, replicate: u32, rule: Rule) -> Self {
        Self {
            format_version: NEWEST_VERSION,
            kind: EnsembleKind::Ensemble,
            program: concat!("focalsweep ", env!("CARGO_PKG_VERSION")).to_owned(),
            sweep: sweep.to_owned(),
            replicate,
            rule,
            members: Vec::new(),
            threshold: None,
            threshold_raw: None,
            data_fingerprint: String::new(),
            split_fingerprint: String::new(),
            validation: BTreeMap::new(),
            test: BTreeMap::new(),
        }
    }
}

/// Writes an average's directory; its model.json comes last, so that a directory without it is no model.
///
/// # Errors
/// `dir` is there and not empty, or a file cannot be written.
pub fn write_ensemble_dir(dir: &Path, card: &EnsembleCard, members: &[MemberToWrite]) -> Result<(), ModelDirError> {
    make_empty(dir)?;
    let mut card = EnsembleCard { members: Vec::new(), ..card.clone() };
    for MemberToWrite { weight, platt, card: own, preprocessing, weights } in members {
        let own_dir = dir.join(MEMBERS).join(&own.trial_id);
        write_model_dir(&own_dir, own, preprocessing, weights)?;
        let path = own_dir.join(CARD);
        let bytes = fs::read(&path).map_err(|why| ModelDirError::Write { path, why })?;
        card.members.push(MemberCard {
            trial_id: own.trial_id.clone(),
            weight: *weight,
            platt: *platt,
            card: FileSum { bytes: bytes.len() as u64, sum: blob_sum(&bytes) },
        });
    }
    write_card(dir, &card)
}

/// What `export` wrote, read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The models in it: one, or the members of the average.
    pub models: Vec<Model>,
    /// How they are averaged; `None` of one model.
    average: Option<EnsembleCard>,
}

impl Exported {
    /// Reads a directory that [`write_model_dir`] or [`write_ensemble_dir`] wrote.
    ///
    /// # Errors
    /// `dir` is no such directory or one of a later format, or its files do not belong together.
    pub fn read(dir: &Path) -> Result<Self, ModelDirError> {
        let (text, value, version) = read_card(dir)?;
        if version != u64::from(NEWEST_VERSION) {
            return Ok(Self { models: vec![Model::read(dir)?], average: None });
        }
        let broken = |name: &str, why: String| ModelDirError::Broken { path: dir.join(name), why };
        unseal(&text).map_err(|why| broken(CARD, why))?;
        let card: EnsembleCard = serde_json::from_value(value).map_err(|e| broken(CARD, e.to_string()))?;
        let weights: f64 = card.members.iter().map(|member| member.weight).sum();
        let of_numbers = |member: &MemberCard| {
            member.weight > 0.0 && member.platt.a.is_finite() && member.platt.b.is_finite() && is_id(&member.trial_id)
        };
        if (weights - 1.0).abs() > 1e-9 || !card.members.iter().all(of_numbers) {
            return Err(broken(CARD, "its members have no ids, weights that sum to 1 and maps".to_owned()));
        }
        let mut models: Vec<Model> = Vec::with_capacity(card.members.len());
        for member in &card.members {
            let name = format!("{MEMBERS}/{}", member.trial_id);
            let path = format!("{name}/{CARD}");
            let bytes = fs::read(dir.join(&path)).map_err(|e| broken(&path, e.to_string()))?;
            if (FileSum { bytes: bytes.len() as u64, sum: blob_sum(&bytes) }) != member.card {
                return Err(broken(&path, OTHER_SUM.to_owned()));
            }
            let model = Model::read(&dir.join(&name))?;
            if models.first().is_some_and(|first| first.preprocessing != model.preprocessing) {
                return Err(broken(&name, "it prepares rows otherwise than the other members".to_owned()));
            }
            models.push(model);
        }
        Ok(Self { models, average: Some(card) })
    }

    /// From the columns of a file to the inputs, the same for all members; `None` of an average without any, which
    /// is not read.
    pub fn preprocessing(&self) -> Option<&Preprocessing> {
        self.models.first().map(|model| &model.preprocessing)
    }

    /// Each model's weight and map in the average; `None` of one model.
    pub(crate) fn shares(&self) -> Option<Vec<(f64, Platt)>> {
        let card = self.average.as_ref()?;
        Some(card.members.iter().map(|member| (member.weight, member.platt)).collect())
    }

    /// Logits and probabilities of rows from those of the models, in their order.
    pub fn combined(&self, mut of_models: Vec<(Vec<f32>, Vec<f32>)>) -> (Vec<f32>, Vec<f32>) {
        let Some(card) = &self.average else { return of_models.pop().unwrap_or_default() };
        let scales: Vec<Scale> = card.members.iter().map(|member| Scale::Platt(member.platt)).collect();
        let members = card.members.iter().zip(&scales).zip(&of_models);
        let members: Vec<Weighed<'_>> =
            members.map(|((member, scale), (raw, _))| Weighed { weight: member.weight, scale, raw }).collect();
        let raw = averaged(&members);
        let scores = raw.iter().filter_map(|&raw| scales.first()?.probability(raw)).collect();
        (raw, scores)
    }

    /// Where rows are flagged from: the probability, and the logit where that is known.
    pub fn threshold(&self) -> (Option<f64>, Option<f64>) {
        match (&self.average, &self.models[..]) {
            (Some(card), _) => (card.threshold, card.threshold_raw),
            (None, [model, ..]) => (model.card.threshold, model.card.threshold_raw),
            (None, []) => (None, None),
        }
    }

    /// Whether a row with this logit and this probability is flagged; `None` without a threshold.
    pub fn flags(&self, raw: f32, score: f32) -> Option<bool> {
        match self.threshold() {
            (_, Some(threshold)) => Some(f64::from(raw) >= threshold),
            (threshold, None) => threshold.map(|threshold| f64::from(score) >= threshold),
        }
    }
}
