//! Scores of one trained model over new rows, by the same passes that scored it while it trained.

use super::backend::{Backend, Parameters, Part, Scored};
use super::error::TrainError;
use super::evaluate::{Fitted, Parts};
use super::fused::Fused;
use super::stack::Stack;
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::{Preprocessing, Replicate, Rows};
use focalsweep_core::spec::{OperatingPoint, TrainSpec};

/// Logits and probabilities `[rows]` of the rows of `x` (`[rows, inputs]`, row-major) to be positive, by a model of
/// `trial`'s shape with `weights` in the layout of [`Shape`](focalsweep_core::plan::Shape). A row's score does not
/// depend on the rows beside it, so for a model trained on the CPU it equals the recorded one to the bit.
///
/// # Errors
/// `weights` or `x` do not have the size that the shape asks for.
pub fn score_rows(trial: &Hyperparameters, inputs: usize, weights: &[f32], x: Vec<f32>) -> Result<Scored, TrainError> {
    let misshapen = |what: &str| TrainError::Model(format!("{what} do not fit {inputs} inputs and {:?}", trial.hidden));
    if inputs == 0 || !x.len().is_multiple_of(inputs) {
        return Err(misshapen("the rows"));
    }
    let n = x.len() / inputs;
    // Labels are read for the loss alone, which nobody asks for here.
    let rows = Rows { x: x.into(), y: vec![0; n].into(), ..Rows::default() };
    let data = Replicate {
        index: 0,
        seed: 0,
        // Nobody asks for their names.
        features: vec![String::new(); inputs],
        preprocessing: Preprocessing { steps: Vec::new(), reading: None },
        train: Rows::default(),
        validation: Rows::default(),
        test: rows,
        calibration: Rows::default(),
        split_fingerprint: String::new(),
        notes: Vec::new(),
    };
    let stack = Stack::new(vec![trial.clone()], TrainSpec::default(), &data, 0);
    let stack =
        stack.filter(|stack| stack.shape.parameters() == weights.len()).ok_or_else(|| misshapen("the weights"))?;
    let zeros = vec![0.0; weights.len()];
    let parameters = Parameters { weights: weights.to_vec(), first: zeros.clone(), second: zeros };
    Fused::new(&stack, &data, &[0], &parameters, vec![0.0]).score(weights, &[0], Part::Test)
}

/// What the model of `trial` with `weights` is worth on the rows of `data`, as when its training ended: a model that
/// was trained on the CPU has the same scores and metrics to the bit.
///
/// # Errors
/// `weights` do not have the size that the shape asks for.
pub fn measure_again(
    trial: &Hyperparameters,
    weights: &[f32],
    data: &Replicate,
    settings: &TrainSpec,
    point: &OperatingPoint,
) -> Result<Fitted, TrainError> {
    let misshapen = || TrainError::Model(format!("the weights do not fit {:?}", trial.hidden));
    let stack = Stack::new(vec![trial.clone()], settings.clone(), data, 0);
    let stack = stack.filter(|stack| stack.shape.parameters() == weights.len()).ok_or_else(misshapen)?;
    let zeros = vec![0.0; weights.len()];
    let parameters = Parameters { weights: weights.to_vec(), first: zeros.clone(), second: zeros };
    let backend = Fused::new(&stack, data, &[0], &parameters, vec![0.0]);
    let parts = Parts::scored_by(data, true, |part| backend.score(weights, &[0], part))?;
    Ok(parts.fitted(0, weights.to_vec(), 0, point))
}
