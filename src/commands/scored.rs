//! What an exported model says of new rows: our own networks by our own passes, a trainer's model by its command.

use std::io;
use std::path::Path;

use crate::launch::child::status_in_words;
use crate::launch::command::serve;
use crate::output::{self, Failure, Plain};
use focalsweep_core::prepared::FileReading;
use focalsweep_core::record::{Exported, Model, ModelDirError, PredictCommand, TrainerModel};
use focalsweep_core::spec::Inputs;
use focalsweep_engine::data::{
    Read, ServedLabel, Table, Transform, Unfamiliar, hand_over_columns, hand_over_features, read_served,
    read_served_columns, unfamiliar,
};
use focalsweep_engine::job::read_predictions;
use focalsweep_engine::train::{self, RowScores, scores_outside};

/// What scores rows.
#[derive(Debug)]
pub(super) enum Scorer {
    /// Our own networks, one or several.
    Networks(Box<Exported>),
    /// A command of the user's.
    Command(Box<TrainerModel>),
}

/// Rows and what is said of them.
#[derive(Debug)]
pub(super) struct Scored {
    /// What ranks them.
    pub(super) raw: Vec<f32>,
    /// Their probabilities; none where the model says none.
    pub(super) scores: Vec<f32>,
    /// Whether each is flagged; `None` without a threshold.
    pub(super) flagged: Vec<Option<bool>>,
    /// The threshold as a probability.
    pub(super) threshold: Option<f64>,
    /// What rows are flagged from.
    pub(super) threshold_raw: Option<f64>,
    /// What a network makes little of.
    pub(super) unfamiliar: Vec<Unfamiliar>,
    /// The columns that were read.
    pub(super) table: Table,
    /// The label, where it is there.
    pub(super) label: ServedLabel,
}

impl Scorer {
    /// The model in `dir`.
    pub(super) fn read(dir: &Path) -> Result<Self, Failure> {
        if TrainerModel::is_in(dir) {
            return TrainerModel::read(dir).map(Box::new).map(Self::Command).map_err(Failure::input);
        }
        Exported::read(dir).map(Box::new).map(Self::Networks).map_err(Failure::input)
    }

    /// Scores the rows of the file `data`, of which the columns `keep` are read too.
    pub(super) fn score(&self, dir: &Path, data: &Path, keep: &[String]) -> Result<Scored, Failure> {
        match self {
            Self::Networks(exported) => by_networks(exported, dir, data, keep),
            Self::Command(model) => by_command(model, dir, data, keep),
        }
    }
}

fn by_networks(exported: &Exported, dir: &Path, data: &Path, keep: &[String]) -> Result<Scored, Failure> {
    let broken = |why: String| Failure::input(Plain { message: format!("{}: {why}", dir.display()), help: None });
    let preprocessing = exported.preprocessing().ok_or_else(|| broken("it averages no models".to_owned()))?;
    let (read, label) = read_served(preprocessing, data, keep).map_err(Failure::input)?;
    let mut x = preprocessing.transform_file(&read).map_err(Failure::input)?;
    let mut of_models = Vec::with_capacity(exported.models.len());
    for (left, Model { card, weights, .. }) in exported.models.iter().enumerate().rev() {
        // The last one takes the rows: a file of one model is in memory once.
        let rows = if left == 0 { std::mem::take(&mut x) } else { x.clone() };
        let scored = train::score_rows(&card.hyperparameters, card.features.len(), weights, rows);
        let train::Scored { raw, scores, .. } = scored.map_err(|error| broken(error.to_string()))?;
        of_models.push((raw, scores));
    }
    of_models.reverse();
    let (raw, scores) = exported.combined(of_models);
    let flagged = raw.iter().zip(&scores).map(|(&raw, &score)| exported.flags(raw, score)).collect();
    let unfamiliar = unfamiliar(preprocessing, &read.table);
    let (threshold, threshold_raw) = exported.threshold();
    Ok(Scored { raw, scores, flagged, threshold, threshold_raw, unfamiliar, table: read.table, label })
}

fn by_command(model: &TrainerModel, dir: &Path, data: &Path, keep: &[String]) -> Result<Scored, Failure> {
    let PredictCommand { command, inputs, output, columns, .. } = &model.predict;
    let (read, label) = match inputs {
        Inputs::Raw => {
            let reading = model.preprocessing.reading.clone().unwrap_or_default();
            read_raw(model, &reading, data, keep)?
        }
        Inputs::Prepared => read_served(&model.preprocessing, data, keep).map_err(Failure::input)?,
    };
    let place = tempfile::tempdir().map_err(|why| no_room(&std::env::temp_dir(), &why))?;
    let rows = place.path().join("data.parquet");
    let written = match inputs {
        Inputs::Raw => hand_over_columns(&rows, &read.table, columns),
        Inputs::Prepared => {
            let x = model.preprocessing.transform_file(&read).map_err(Failure::input)?;
            hand_over_features(&rows, &model.preprocessing.features(), &x)
        }
    };
    written.map_err(|why| no_room(&rows, &why))?;
    let ran = serve(model, place.path(), &rows, output::talk);
    let (status, out) = ran.map_err(|why| no_room(place.path(), &why))?;
    let trainer = &model.card.trainer;
    let wrong = |why: String| {
        let message = format!("{}: the command of `{trainer}` that scores rows: {why}", dir.display());
        let help = format!("it is `{}`, run in {}", command.join(" "), model.folder.display());
        Failure::input(Plain { message, help: Some(help) })
    };
    if !status.success() {
        return Err(wrong(status_in_words(status)));
    }
    let scores = read_predictions(&out, read.table.rows).map_err(wrong)?;
    let RowScores { raw, scores } = scores_outside(scores, *output).map_err(wrong)?;
    let threshold_raw = model.card.threshold_raw;
    let flagged = raw.iter().map(|&raw| Some(f64::from(raw) >= threshold_raw?)).collect();
    let threshold = model.card.threshold;
    // What it does with levels that it was not trained on only the command knows.
    Ok(Scored { raw, scores, flagged, threshold, threshold_raw, unfamiliar: Vec::new(), table: read.table, label })
}

fn read_raw(
    model: &TrainerModel,
    reading: &FileReading,
    data: &Path,
    keep: &[String],
) -> Result<(Read, ServedLabel), Failure> {
    read_served_columns(&model.predict.columns, reading, data, keep).map_err(Failure::input)
}

fn no_room(path: &Path, why: &io::Error) -> Failure {
    Failure::environment(ModelDirError::Write {
        path: path.to_owned(),
        why: io::Error::new(why.kind(), why.to_string()),
    })
}
