//! The trials of a sweep by index: a grid is a number in a mixed radix, so ten million trials cost no memory.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use super::trial::Hyperparameters;
use crate::spec::{Activation, Domain, FromNumber, InitialBias, Loss, Optimizer, Sampling, Space, Spec};

/// The distinct trials of a sweep, ordered so that trials that can share a stack are neighbours.
#[derive(Debug, Clone)]
pub struct Trials {
    base: Hyperparameters,
    spaces: Vec<Grid>,
    /// Index of each trial in the union of the grids; `None` where that is the identity.
    order: Option<Vec<u32>>,
    groups: Vec<Range<usize>>,
}

/// One value of one parameter.
#[derive(Debug, Clone, PartialEq)]
enum Setting {
    BatchSize(usize),
    Hidden(Vec<usize>),
    Activation(Activation),
    Optimizer(Optimizer),
    Sampling(Sampling),
    Loss(Loss),
    InitialBias(InitialBias),
    WeightDecay(f64),
    LearningRate(f64),
    Dropout(f64),
    PosWeight(f64),
    Alpha(f64),
    Gamma(f64),
}

impl Setting {
    fn apply(&self, to: &mut Hyperparameters) {
        match self {
            Self::BatchSize(v) => to.batch_size = *v,
            Self::Hidden(v) => to.hidden.clone_from(v),
            Self::Activation(v) => to.activation = *v,
            Self::Optimizer(v) => to.optimizer = *v,
            Self::Sampling(v) => to.sampling = *v,
            Self::Loss(v) => to.loss = *v,
            Self::InitialBias(v) => to.initial_bias = *v,
            Self::WeightDecay(v) => to.weight_decay = *v,
            Self::LearningRate(v) => to.learning_rate = *v,
            Self::Dropout(v) => to.dropout = *v,
            Self::PosWeight(v) => to.pos_weight = Some(*v),
            Self::Alpha(v) => to.alpha = Some(*v),
            Self::Gamma(v) => to.gamma = Some(*v),
        }
    }

    /// Whether trials with different values of it need different stacks.
    fn shapes_stacks(&self) -> bool {
        matches!(
            self,
            Self::BatchSize(_) | Self::Hidden(_) | Self::Activation(_) | Self::Optimizer(_) | Self::Sampling(_)
        )
    }
}

/// One mapping of `parameters`: the last axis varies fastest; axes that shape stacks come first.
#[derive(Debug, Clone)]
struct Grid {
    axes: Vec<Vec<Setting>>,
    len: usize,
}

impl Grid {
    fn new(space: &Space) -> Option<Self> {
        let mut axes = Vec::new();
        let mut add = |values: Vec<Setting>| {
            let mut axis: Vec<Setting> = Vec::with_capacity(values.len());
            for value in values {
                if !axis.contains(&value) {
                    axis.push(value);
                }
            }
            axes.extend((!axis.is_empty()).then_some(axis));
        };
        add(values(space.batch_size.as_ref(), Setting::BatchSize));
        add(values(space.hidden.as_ref(), Setting::Hidden));
        add(values(space.activation.as_ref(), Setting::Activation));
        add(values(space.optimizer.as_ref(), Setting::Optimizer));
        add(values(space.sampling.as_ref(), Setting::Sampling));
        add(values(space.loss.as_ref(), Setting::Loss));
        add(values(space.initial_bias.as_ref(), Setting::InitialBias));
        add(values(space.weight_decay.as_ref(), Setting::WeightDecay));
        add(values(space.learning_rate.as_ref(), Setting::LearningRate));
        add(values(space.dropout.as_ref(), Setting::Dropout));
        add(values(space.pos_weight.as_ref(), Setting::PosWeight));
        add(values(space.alpha.as_ref(), Setting::Alpha));
        add(values(space.gamma.as_ref(), Setting::Gamma));
        let len = axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.len()))?;
        Some(Self { axes, len })
    }

    fn trial(&self, index: usize, base: &Hyperparameters) -> Hyperparameters {
        let mut trial = base.clone();
        let mut rest = index;
        for axis in self.axes.iter().rev() {
            axis[rest % axis.len()].apply(&mut trial);
            rest /= axis.len();
        }
        // A loss has only the hyperparameters that it reads, so that equal trials are equal.
        if trial.loss == Loss::Focal {
            trial.alpha = trial.alpha.or(Some(0.25));
            trial.gamma = trial.gamma.or(Some(2.0));
        } else {
            (trial.alpha, trial.gamma) = (None, None);
        }
        if trial.loss != Loss::WeightedBce {
            trial.pos_weight = None;
        }
        trial
    }

    /// Trials in a row that share a stack's shape.
    fn block(&self) -> usize {
        self.axes.iter().filter(|axis| !axis[0].shapes_stacks()).map(Vec::len).product()
    }

    /// Whether two indices can be the same trial: a parameter varies that not every loss here reads.
    fn may_repeat(&self, base: &Hyperparameters) -> bool {
        let losses = self.axes.iter().find(|axis| matches!(axis[0], Setting::Loss(_)));
        let reads = |loss: Loss| match losses {
            Some(axis) => axis.iter().all(|v| *v == Setting::Loss(loss)),
            None => base.loss == loss,
        };
        self.axes.iter().filter(|axis| axis.len() > 1).any(|axis| match axis[0] {
            Setting::Alpha(_) | Setting::Gamma(_) => !reads(Loss::Focal),
            Setting::PosWeight(_) => !reads(Loss::WeightedBce),
            _ => false,
        })
    }
}

fn values<T: Clone + FromNumber>(domain: Option<&Domain<T>>, setting: impl Fn(T) -> Setting) -> Vec<Setting> {
    domain.map(Domain::expand).unwrap_or_default().into_iter().map(setting).collect()
}

impl Trials {
    /// The trials of `spec`, or `None` when there are more than 2^32.
    pub fn new(spec: &Spec) -> Option<Self> {
        let base = Hyperparameters {
            loss: Loss::Bce,
            alpha: None,
            gamma: None,
            pos_weight: None,
            sampling: Sampling::None,
            learning_rate: spec.train.learning_rate,
            weight_decay: spec.train.weight_decay,
            dropout: spec.model.dropout,
            batch_size: spec.train.batch_size,
            hidden: spec.model.hidden.clone(),
            activation: spec.model.activation,
            optimizer: spec.train.optimizer,
            initial_bias: spec.model.initial_bias,
        };
        let spaces: Vec<Grid> = spec.parameters.spaces().iter().map(Grid::new).collect::<Option<_>>()?;
        let total = spaces.iter().try_fold(0usize, |sum, grid| sum.checked_add(grid.len))?;
        u32::try_from(total).ok()?;
        let mut trials = Self { base, spaces, order: None, groups: Vec::new() };
        if trials.spaces.len() == 1 && !trials.spaces[0].may_repeat(&trials.base) {
            let block = trials.spaces[0].block();
            trials.groups = (0..total / block).map(|group| group * block..(group + 1) * block).collect();
        } else {
            trials.settle(total);
        }
        Some(trials)
    }

    /// Drops repeated trials and makes those of one shape neighbours, shapes in the order in which they first appear.
    fn settle(&mut self, total: usize) {
        let mut seen = HashSet::new();
        let mut groups: Vec<(Hyperparameters, Vec<u32>)> = Vec::new();
        for index in 0..total {
            let trial = self.in_union(index);
            let mut hasher = DefaultHasher::new();
            trial.trial_id().ok().hash(&mut hasher);
            if !seen.insert(hasher.finish()) {
                continue;
            }
            match groups.iter_mut().find(|(first, _)| first.stacks_with(&trial)) {
                Some((_, members)) => members.push(index as u32),
                None => groups.push((trial, vec![index as u32])),
            }
        }
        let mut end = 0;
        self.groups = groups
            .iter()
            .map(|(_, members)| {
                let start = end;
                end += members.len();
                start..end
            })
            .collect();
        self.order = Some(groups.into_iter().flat_map(|(_, members)| members).collect());
    }

    fn in_union(&self, index: usize) -> Hyperparameters {
        let mut rest = index;
        for grid in &self.spaces {
            if rest < grid.len {
                return grid.trial(rest, &self.base);
            }
            rest -= grid.len;
        }
        self.base.clone()
    }

    /// Number of distinct trials.
    pub fn len(&self) -> usize {
        self.groups.last().map_or(0, |group| group.end)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The trial at `index`, below [`Trials::len`].
    pub fn get(&self, index: usize) -> Hyperparameters {
        self.in_union(self.order.as_ref().map_or(index, |order| order[index] as usize))
    }

    /// Spans of trials that can share a stack.
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(parameters: &str) -> Spec {
        let text = format!("name: t\ndata: {{source: d.csv, label: y}}\nparameters:\n{parameters}");
        crate::spec::parse("t.yaml", &text).unwrap()
    }

    fn pairs(trials: &Trials) -> Vec<(Option<f64>, Option<f64>)> {
        (0..trials.len()).map(|i| trials.get(i)).map(|t| (t.alpha, t.gamma)).collect()
    }

    #[test]
    fn a_grid_is_every_combination_the_last_parameter_fastest() {
        let trials = Trials::new(&spec(
            "  loss: {value: focal}\n  gamma: {values: [1, 2]}\n  alpha: {min: 0.1, max: 0.3, count: 3}\n",
        ))
        .unwrap();
        let expected: Vec<_> = [0.1, 0.2, 0.3].iter().flat_map(|&a| [1.0, 2.0].map(|g| (Some(a), Some(g)))).collect();
        assert_eq!(pairs(&trials), expected);
        assert_eq!(trials.groups(), std::slice::from_ref(&(0..6)));
    }

    #[test]
    fn a_list_is_the_union_and_repeats_count_once() {
        let text = "  - {loss: {value: bce}}\n  - {loss: {values: [bce, focal]}, alpha: {values: [0.25, 0.5]}}\n  - {loss: {value: focal}, alpha: {value: 0.5}}\n";
        let trials = Trials::new(&spec(text)).unwrap();
        assert_eq!(pairs(&trials), [(None, None), (Some(0.25), Some(2.0)), (Some(0.5), Some(2.0))]);
        let ids: HashSet<_> = (0..3).map(|i| trials.get(i).trial_id().unwrap()).collect();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn shapes_are_kept_apart() {
        let text = "  - {batch_size: {values: [64, 128]}, learning_rate: {values: [0.1, 0.2]}}\n  - {loss: {value: focal}, batch_size: {value: 64}}\n";
        let trials = Trials::new(&spec(text)).unwrap();
        let batches: Vec<_> = (0..trials.len()).map(|i| trials.get(i).batch_size).collect();
        assert_eq!(batches, [64, 64, 64, 128, 128]);
        assert_eq!(trials.groups(), [0..3, 3..5]);
        let trials =
            Trials::new(&spec("  {batch_size: {values: [64, 128]}, learning_rate: {values: [0.1, 0.2]}}\n")).unwrap();
        assert_eq!(trials.groups(), [0..2, 2..4]);
    }

    #[test]
    fn a_range_of_whole_numbers_is_swept() {
        let trials = Trials::new(&spec("  batch_size: {min: 64, max: 192, count: 3}\n")).unwrap();
        assert_eq!((0..trials.len()).map(|i| trials.get(i).batch_size).collect::<Vec<_>>(), [64, 128, 192]);
        let trials = Trials::new(&spec("  initial_bias: {min: -1, max: 0, count: 2}\n")).unwrap();
        assert_eq!(trials.len(), 2);
    }

    #[test]
    fn ids_name_values_not_places() {
        let one = Trials::new(&spec("  {loss: {value: focal}, alpha: {values: [0.25, 0.5]}}\n")).unwrap();
        let two = Trials::new(&spec("  {loss: {value: focal}, alpha: {values: [0.5]}, gamma: {value: 2}}\n")).unwrap();
        assert_eq!(one.get(1).trial_id().unwrap(), two.get(0).trial_id().unwrap());
    }
}
