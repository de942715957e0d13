//! A model that is trained on rows of which none is left to choose an epoch: so many epochs, and its last weights.

use super::backend::{Backends, Batch};
use super::correct::Line;
use super::engine::start;
use super::error::TrainError;
use super::fused::FusedKernels;
use super::stack::Stack;
use focalsweep_core::plan::Hyperparameters;
use focalsweep_core::prepared::Replicate;
use focalsweep_core::spec::{Correction, TrainSpec};

/// The weights of `trial`, in the layout of [`Shape`](focalsweep_core::plan::Shape), after `epochs` epochs on the
/// training rows of `data`, by the kernels of the CPU: to the bit those of a trial that is trained by them in a sweep
/// on these rows, after that epoch. The other parts of `data` may be empty.
///
/// # Errors
/// The loss is no finite number after an epoch, or the trial's scores are fitted to validation rows.
pub fn fit_all(
    trial: &Hyperparameters,
    (settings, seed): (&TrainSpec, u64),
    data: &Replicate,
    epochs: u32,
) -> Result<Vec<f32>, TrainError> {
    let stack = Stack::new(vec![trial.clone()], settings.clone(), data, seed);
    let stack = stack.ok_or_else(|| TrainError::Model("there is nothing to train".to_owned()))?;
    if trial.correction == Correction::Platt {
        let why = "its scores are fitted to validation rows (`correction: platt`), and a training on all rows has none";
        return Err(TrainError::Model(why.to_owned()));
    }
    let begin = start(&stack, &[0]);
    let mut backend = FusedKernels.open(&stack, data, &[0], &begin.parameters, vec![0.0])?;
    let size = stack.batch_size();
    let mut update = 0;
    for epoch in 0..epochs {
        let order = stack.order(&data.train, epoch);
        for (step, from) in (0..order.len()).step_by(size).enumerate() {
            update += 1;
            let at = from..order.len().min(from + size);
            let step = u32::try_from(step).unwrap_or(u32::MAX);
            backend.step(&Batch { epoch, step, order: &order, at, update })?;
        }
        if backend.take_losses()?.iter().any(|loss| !loss.is_finite()) {
            let why = format!("diverged: the loss is not a finite number at epoch {}", epoch + 1);
            return Err(TrainError::Model(why));
        }
    }
    let mut weights = backend.parameters()?.weights;
    if trial.correction == Correction::Prior {
        Line::of_prior(&stack, &data.train).fold(&stack.shape, &mut weights);
    }
    Ok(weights)
}
