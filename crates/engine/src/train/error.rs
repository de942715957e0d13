//! What can break in training.

/// Why a stack could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A backend refused an operation.
    #[error("{message}")]
    Backend {
        /// What it said.
        message: String,
        /// Whose trouble it is.
        trouble: Trouble,
    },
    /// The observer could not keep a result.
    #[error("could not save a result: {0}")]
    Save(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The checkpoint does not fit the stack.
    #[error("the checkpoint does not fit its job: {0}")]
    Checkpoint(String),
    /// A model's weights or its rows are not of its shape.
    #[error("{0}")]
    Model(String),
}

/// Whose trouble an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The stack is too large for the device; half of it may not be.
    OutOfMemory,
    /// The device's: lost, broken, or in a state that only a new process leaves.
    Device,
    /// The stack's own; it would fail anywhere.
    Job,
}

impl TrainError {
    /// Whose trouble it is.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Backend { trouble, .. } => *trouble,
            Self::Save(_) | Self::Checkpoint(_) | Self::Model(_) => Trouble::Job,
        }
    }
}
