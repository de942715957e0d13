//! A trial: one assignment of hyperparameters, and its content-hash id.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::spec::{Activation, InitialBias, Loss, Optimizer, Sampling};

/// All hyperparameters of a trial, resolved. Those that its loss does not read are `None`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hyperparameters {
    /// Training loss.
    pub loss: Loss,
    /// Focal loss: weight of the positives.
    pub alpha: Option<f64>,
    /// Focal loss: focusing exponent.
    pub gamma: Option<f64>,
    /// weighted_bce: weight of the positives against 1; `None` is the balanced weights n / (2 n_class).
    pub pos_weight: Option<f64>,
    /// How training rows are drawn.
    pub sampling: Sampling,
    /// Step size.
    pub learning_rate: f64,
    /// L2 penalty or decoupled decay.
    pub weight_decay: f64,
    /// Dropout rate of the hidden layers.
    pub dropout: f64,
    /// Rows per step.
    pub batch_size: usize,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Activation of the hidden layers.
    pub activation: Activation,
    /// Update rule.
    pub optimizer: Optimizer,
    /// Output bias before training.
    pub initial_bias: InitialBias,
}

impl Hyperparameters {
    /// First 16 hexadecimal digits of the SHA-256 of the hyperparameters' JSON: the same values have the same id in
    /// every sweep and on every machine.
    ///
    /// # Errors
    /// A hyperparameter that JSON cannot say (not a finite number).
    pub fn trial_id(&self) -> Result<String, serde_json::Error> {
        let digest = Sha256::digest(serde_json::to_vec(self)?);
        Ok(digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Whether `other` can train in the same stack: the same batches, the same shape, the same update rule.
    pub fn stacks_with(&self, other: &Self) -> bool {
        self.batch_size == other.batch_size
            && self.sampling == other.sampling
            && self.hidden == other.hidden
            && self.activation == other.activation
            && self.optimizer == other.optimizer
    }
}
