//! results.parquet as the report needs it.

use focalsweep_core::plan::Phase;
use focalsweep_core::record::State;
use focalsweep_core::spec::{OperatingPoint, SplitSpec};

/// The rows of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Results {
    /// Name of the sweep.
    pub name: String,
    /// Trials that the run was to train; 0 if not known.
    pub planned_trials: usize,
    /// Replicates of the search that each trial was to have; 0 if not known.
    pub planned_replicates: u32,
    /// Names of the hyperparameters in [`Row::parameters`].
    pub parameters: Vec<String>,
    /// Names of the columns in [`Row::metrics`].
    pub metrics: Vec<String>,
    /// A row for each (trial, replicate): those of the search, and those that confirm.
    pub rows: Vec<Row>,
    /// The phase whose rows rank; the search's, unless somebody asks for the other.
    pub ranks: Phase,
    /// Where the thresholds are put; `None` where the run's sweep.yaml cannot be read.
    pub operating_point: Option<OperatingPoint>,
    /// Whether trials stop when they no longer get better; `false` where the run's sweep.yaml cannot be read.
    pub stops_early: bool,
    /// The column by which rows count, so that counts are sums of weights; `None` where each counts once.
    pub weight: Option<String>,
    /// How the rows were dealt; as by default where the run's sweep.yaml cannot be read.
    pub split: SplitSpec,
    /// What to know of these results before believing them.
    pub warnings: Vec<String>,
}

impl Results {
    /// The rows that rank.
    pub fn ranked(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.phase == self.ranks)
    }

    /// The same with the rows of another phase as those that rank; as many trials and replicates as there are count as
    /// planned.
    pub fn ranked_by(self, phase: Phase) -> Self {
        match phase {
            Phase::Search => Self { ranks: phase, ..self },
            Phase::Confirm => Self { ranks: phase, planned_trials: 0, planned_replicates: 0, ..self },
        }
    }

    /// A metric of a row, by its column.
    pub fn value(&self, row: &Row, column: &str) -> Option<f64> {
        let at = self.metrics.iter().position(|metric| metric == column)?;
        row.metrics.get(at).copied().flatten()
    }
}

/// One trained (trial, replicate).
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Content-hash id of the hyperparameters.
    pub trial_id: String,
    /// 0-based replicate.
    pub replicate: u32,
    /// What its training was for.
    pub phase: Phase,
    /// How it ended.
    pub state: State,
    /// Why it failed.
    pub error: Option<String>,
    /// The command of the user's that trained it; `None` for our own networks.
    pub trainer: Option<String>,
    /// Fingerprint of that.
    pub trainer_fingerprint: Option<String>,
    /// Fingerprint of the data and its preparation.
    pub data_fingerprint: String,
    /// Fingerprint of the replicate's split.
    pub split_fingerprint: String,
    /// By [`Results::parameters`]; `None` where the trial's loss does not read it.
    pub parameters: Vec<Option<Value>>,
    /// By [`Results::metrics`]; `None` where not defined.
    pub metrics: Vec<Option<f64>>,
    /// Where and when; `None` where the file does not say.
    pub timing: Option<Timing>,
}

impl Row {
    /// Why it failed, but for what a command printed: that stays in results.parquet, since nobody knows what it holds.
    pub(crate) fn reason(&self) -> Option<&str> {
        let error = self.error.as_deref()?;
        let own = if self.trainer.is_some() { error.split("; it said: ").next() } else { None };
        Some(own.unwrap_or(error))
    }
}

/// Where and when a row was trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Host name.
    pub host: String,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// The job that trained it.
    pub job_id: String,
    /// Start of the job, microseconds since 1970-01-01 UTC.
    pub started_at: i64,
    /// End of the trial, likewise.
    pub finished_at: i64,
}

/// Value of a hyperparameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Any number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A word, or a list as `[16, 8]`.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(v) => write!(f, "{v}"),
            Self::Integer(v) => write!(f, "{v}"),
            Self::Text(v) => f.write_str(v),
        }
    }
}

impl Value {
    /// A number of either kind.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(v) => Some(*v),
            Self::Integer(v) => Some(*v as f64),
            Self::Text(_) => None,
        }
    }

    /// As the page and figures have it: a list is its text.
    pub(crate) fn to_shown(&self) -> serde_json::Value {
        match self {
            Self::Number(v) => (*v).into(),
            Self::Integer(v) => (*v).into(),
            Self::Text(v) => v.as_str().into(),
        }
    }

    /// As JSON has it; a list and a number written as text are a list and a number.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Number(v) => (*v).into(),
            Self::Integer(v) => (*v).into(),
            Self::Text(v) => serde_json::from_str(v).unwrap_or_else(|_| v.as_str().into()),
        }
    }
}
