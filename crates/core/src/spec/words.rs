//! The words of each choice in a sweep file.

use super::types::{
    Activation, Backend, Goal, Launcher, Loss, Method, Monitor, Optimizer, Reduction, Sampling, Scores, Split,
};

pub(super) const METHODS: &[(&str, Method)] = &[("grid", Method::Grid)];
pub(super) const SCORES: &[(&str, Scores)] = &[("all", Scores::All), ("best", Scores::Best), ("none", Scores::None)];
pub(super) const ACTIVATIONS: &[(&str, Activation)] = &[("relu", Activation::Relu), ("tanh", Activation::Tanh)];
pub(super) const OPTIMIZERS: &[(&str, Optimizer)] =
    &[("adam", Optimizer::Adam), ("adamw", Optimizer::Adamw), ("sgd", Optimizer::Sgd)];
pub(super) const REDUCTIONS: &[(&str, Reduction)] = &[("sum", Reduction::Sum), ("mean", Reduction::Mean)];
pub(super) const BACKENDS: &[(&str, Backend)] =
    &[("auto", Backend::Auto), ("fused", Backend::Fused), ("libtorch", Backend::Libtorch)];
pub(super) const MONITORS: &[(&str, Monitor)] = &[("val_auc", Monitor::ValAuc), ("val_loss", Monitor::ValLoss)];
pub(super) const GOALS: &[(&str, Goal)] = &[("maximize", Goal::Maximize), ("minimize", Goal::Minimize)];
pub(super) const LOSSES: &[(&str, Loss)] =
    &[("focal", Loss::Focal), ("bce", Loss::Bce), ("weighted_bce", Loss::WeightedBce)];
pub(super) const SAMPLINGS: &[(&str, Sampling)] = &[("none", Sampling::None), ("oversample", Sampling::Oversample)];
pub(super) const SPLITS: &[(&str, Split)] = &[("validation", Split::Validation), ("test", Split::Test)];
pub(super) const LAUNCHERS: &[(&str, Launcher)] = &[("local", Launcher::Local), ("slurm", Launcher::Slurm)];

/// A choice that has a word in sweep files and in result columns.
pub trait Word: Copy + PartialEq + 'static {
    /// Every word with its choice.
    const WORDS: &'static [(&'static str, Self)];

    /// The word of this choice.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, choice)| *choice == self).map_or("", |(word, _)| word)
    }
}

impl Word for Loss {
    const WORDS: &'static [(&'static str, Self)] = LOSSES;
}

impl Word for Sampling {
    const WORDS: &'static [(&'static str, Self)] = SAMPLINGS;
}

impl Word for Activation {
    const WORDS: &'static [(&'static str, Self)] = ACTIVATIONS;
}

impl Word for Optimizer {
    const WORDS: &'static [(&'static str, Self)] = OPTIMIZERS;
}
