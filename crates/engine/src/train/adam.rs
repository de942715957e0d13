//! Adam's constants, the same in every backend.

/// Decay rates as Keras has them.
pub const BETAS: (f64, f64) = (0.9, 0.999);
/// Epsilon as Keras has it.
pub const ADAM_EPSILON: f64 = 1e-7;
