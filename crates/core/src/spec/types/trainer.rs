//! `trainers`: commands of the user's that train trials.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use super::Span;
use crate::spec::words::words;

/// The trainer that is built in.
pub const STACK: &str = "stack";

/// A trainer of the user's: a command that is run once for each trial and replicate.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainerSpec {
    /// The program and its arguments. `${name}` stands for a parameter, the word `${args}` for all of them as
    /// `--name=value`.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// The folder in which it is run, and which relative paths are of; absent: the sweep file's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Longest that one training may take, such as `10m`; absent: as long as it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::schema::budget")]
    pub timeout: Option<Span>,
    /// Cores that it uses; as many of its threads run.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 4096))]
    pub cpus: u32,
    /// GPUs that it uses, alone; 0: none, and it sees none.
    #[serde(default)]
    #[schemars(range(min = 0, max = 64))]
    pub gpus: u32,
    /// Which columns its files have.
    #[serde(default)]
    pub inputs: Inputs,
    /// Files that it is made of beside those that its command names: changing one makes it another trainer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PathBuf>,
    /// What its scores are.
    #[serde(default)]
    pub output: Output,
    /// The program and its arguments that score new rows with the model that it kept; `${name}` and `${args}` as in
    /// `command`. Absent: `predict` cannot use its models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub predict: Option<Vec<String>>,
    /// Whether it trains to the epoch that it is told and goes on from there: then `early_terminate` may end its
    /// trials.
    #[serde(default, skip_serializing_if = "is_false")]
    pub resumable: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

fn one() -> u32 {
    1
}

impl TrainerSpec {
    /// Where it is run: its folder, else where this program runs.
    pub fn folder(&self) -> &Path {
        self.folder.as_deref().unwrap_or(Path::new("."))
    }
}

words! {
    /// `inputs`: which columns the files of a trainer have.
    #[derive(Default)]
    pub enum Inputs {
        /// The source's, as they were read.
        #[default]
        Raw = "raw",
        /// The features that our own networks are trained on.
        Prepared = "prepared",
    }
}

words! {
    /// `output`: what the scores of a trainer are.
    #[derive(Default)]
    pub enum Output {
        /// Probabilities that a row is positive, from 0 to 1.
        #[default]
        Probability = "probability",
        /// Any numbers; higher is more positive.
        Score = "score",
    }
}
