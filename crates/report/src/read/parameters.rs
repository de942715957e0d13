//! All that the report knows of hyperparameters by name: no other file of this crate names them in a list.

use super::rows::Value;
use focalsweep_core::spec::{Loss, PARAMETERS, Parameter, ReadBy, Sampling, Word};
use focalsweep_core::{losses, samplings};

/// What trains a trial: our own networks, or a command of the user's.
pub(crate) const TRAINER: &str = "trainer";
/// The loss of a trial.
pub(crate) const LOSS: &str = "loss";
/// How its rows are drawn.
pub(crate) const SAMPLING: &str = "sampling";
/// How likely its labels count as wrong, twice.
pub(crate) const LABEL_SMOOTHING: &str = "label_smoothing";
/// What makes probabilities of its scores.
pub(crate) const CORRECTION: &str = "correction";
/// The bias that it starts from.
pub(crate) const INITIAL_BIAS: &str = "initial_bias";
/// Focal loss: the weight of the positives.
pub(crate) const ALPHA: &str = "alpha";
/// Focal loss: the focusing exponent.
pub(crate) const GAMMA: &str = "gamma";

/// Hyperparameters whose numbers have an order, so that the best of them may lie at an end of what was swept.
pub(crate) fn ranges() -> impl Iterator<Item = &'static Parameter> {
    PARAMETERS.iter().filter(|parameter| parameter.is_number)
}

/// A setting of Lin et al. 2017, and how far from it another still counts as near.
pub(crate) struct Published {
    /// The hyperparameter.
    pub(crate) name: &'static str,
    /// Its value in the paper.
    pub(crate) value: f64,
    /// A difference as large as this in each of them counts as one step away.
    pub(crate) step: f64,
}

/// The pair that the paper recommends; maps are over these two where both were swept.
pub(crate) const PUBLISHED: [Published; 2] =
    [Published { name: ALPHA, value: 0.25, step: 0.1 }, Published { name: GAMMA, value: 2.0, step: 0.5 }];

/// `alpha 0.25 and gamma 2`.
pub(crate) fn published_in_words() -> String {
    PUBLISHED.map(|one| format!("{} {}", one.name, one.value)).join(" and ")
}

/// The hyperparameter in words.
pub(crate) fn title(name: &str) -> &str {
    Parameter::named(name).map_or(name, |parameter| parameter.title)
}

/// Whether tables keep its column however narrow they are: it tells losses apart.
pub(crate) fn stays(name: &str) -> bool {
    name == TRAINER || Parameter::named(name).is_some_and(|parameter| parameter.always_shown)
}

/// Whether the value of the loss depends on it, so that losses of trials that differ in it do not compare.
pub(crate) fn shapes_loss(name: &str) -> bool {
    let is_of_losses = |parameter: &Parameter| matches!(parameter.read_by, ReadBy::Losses(_));
    [LOSS, LABEL_SMOOTHING].contains(&name) || Parameter::named(name).is_some_and(is_of_losses)
}

/// Whether it makes a way to deal with a rare class.
pub(crate) fn makes_method(name: &str) -> bool {
    [LOSS, SAMPLING].contains(&name)
}

/// Whether a hyperparameter is shown beside one of these losses, also where all trials share it.
pub(crate) fn is_shown_with(name: &str, losses: &[Loss]) -> bool {
    let own = |parameter: &Parameter| match parameter.read_by {
        ReadBy::EveryTrial | ReadBy::Samplings(_) => false,
        ReadBy::Losses(readers) => readers.iter().any(|reader| losses.contains(reader)),
    };
    Parameter::named(name).is_some_and(|parameter| parameter.always_shown && own(parameter))
}

/// A choice by its word in results.parquet; `None` where it is another's, or not said.
pub(crate) fn choice<T: Word>(value: Option<&Value>) -> Option<T> {
    let Some(Value::Text(found)) = value else { return None };
    T::WORDS.iter().find(|(word, _)| word == found).map(|&(_, choice)| choice)
}

/// A loss in words, as the value of a hyperparameter.
pub(crate) fn loss_in_words(value: &Value) -> String {
    choice::<Loss>(Some(value)).map_or_else(|| value.to_string(), |loss| losses::definition(loss).called.to_owned())
}

/// What plain cross-entropy is called, against which the others have to stand.
pub(crate) const PLAIN: &str = losses::definition(Loss::Bce).title;

/// A way to deal with a rare class: a loss and a sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LossAndSampling {
    pub(crate) loss: Loss,
    pub(crate) sampling: Sampling,
}

impl LossAndSampling {
    /// In words: `plain cross-entropy`, `class weights, oversampling`, `focal loss`.
    pub(crate) fn in_words(self) -> String {
        let loss = losses::definition(self.loss).title;
        match samplings::definition(self.sampling).title {
            None => loss.to_owned(),
            Some(sampling) if self.loss == Loss::Bce => sampling.to_owned(),
            Some(sampling) => format!("{loss}, {sampling}"),
        }
    }

    /// That of a trial; a run that says nothing of sampling drew its rows as they are.
    pub(crate) fn read(loss: Option<&Value>, sampling: Option<&Value>) -> Option<Self> {
        let sampling = if sampling.is_none() { Some(Sampling::None) } else { choice(sampling) };
        Some(Self { loss: choice(loss)?, sampling: sampling? })
    }

    /// Cross-entropy on the rows as they are.
    pub(crate) fn plain() -> Self {
        Self { loss: Loss::Bce, sampling: Sampling::None }
    }

    /// All there are, in the order of the published tables: by family of the loss, then by sampling.
    pub(crate) fn all() -> Vec<Self> {
        let place = |loss: Loss| (loss != Loss::Bce, Loss::WORDS.iter().position(|(_, known)| *known == loss));
        let samplings = || Sampling::WORDS.iter().map(|&(_, sampling)| sampling).enumerate();
        let pairs = Loss::WORDS.iter().flat_map(|&(_, loss)| {
            samplings().map(move |(at, sampling)| {
                ((losses::definition(loss).family, at, place(loss)), Self { loss, sampling })
            })
        });
        let mut all: Vec<_> = pairs.collect();
        all.sort_by_key(|&(order, _)| order);
        all.into_iter().map(|(_, method)| method).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_methods_are_those_of_the_published_tables_and_no_two_are_called_the_same() {
        let names: Vec<String> = LossAndSampling::all().into_iter().map(LossAndSampling::in_words).collect();
        let published = [PLAIN, "class weights", "oversampling", "class weights, oversampling", "undersampling"];
        assert_eq!(names[..5], published);
        let lasting = ["focal loss", "asymmetric loss", "vector-scaling loss", "pairwise loss"];
        let place = |name: &str| names.iter().position(|known| known == name).unwrap();
        assert!(lasting.is_sorted_by_key(|name| place(name)), "{names:?}");
        assert_eq!(place("focal loss, oversampling"), place("focal loss") + 1);
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), names.len());
        assert_eq!(names.len(), Loss::WORDS.len() * Sampling::WORDS.len());
    }

    #[test]
    fn every_name_is_that_of_a_hyperparameter() {
        for name in [LOSS, SAMPLING, CORRECTION, LABEL_SMOOTHING, INITIAL_BIAS, ALPHA, GAMMA] {
            assert!(Parameter::named(name).is_some(), "{name}");
        }
        assert!(PARAMETERS.iter().any(|one| shapes_loss(one.name) && !stays(one.name)), "pos_weight");
        assert_eq!(PARAMETERS.iter().filter(|one| makes_method(one.name)).count(), 2);
    }
}
