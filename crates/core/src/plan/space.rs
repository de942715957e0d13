//! The trials of a sweep by index: a grid is a number in a mixed radix, so ten million trials cost no memory.

use std::collections::HashSet;
use std::ops::Range;

use crate::spec::parameters::{Setting, Start};
use crate::spec::{Hyperparameters, Loss, Parameter, Space, Spec};

/// The distinct trials of a sweep, ordered so that trials that can share a stack are neighbours.
#[derive(Debug, Clone)]
pub struct Trials {
    base: Hyperparameters,
    spaces: Vec<Grid>,
    /// Index of each trial in the union of the grids; `None` where that is the identity.
    order: Option<Vec<u32>>,
    groups: Vec<Range<usize>>,
}

/// One mapping of `parameters`: the last axis varies fastest; axes that shape stacks come first.
#[derive(Debug, Clone)]
struct Grid {
    axes: Vec<Vec<Setting>>,
    len: usize,
}

impl Grid {
    fn new(space: &Space) -> Option<Self> {
        let mut axes = space.axes();
        axes.sort_by_key(|axis| axis[0].parameter().nesting);
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
        trial.resolve();
        trial
    }

    /// Trials in a row that share a stack's shape.
    fn block(&self) -> usize {
        self.axes.iter().filter(|axis| !axis[0].parameter().shapes_stack).map(Vec::len).product()
    }

    /// Whether two indices can be the same trial: a parameter varies that not every loss here reads.
    fn may_repeat(&self, base: &Hyperparameters) -> bool {
        let losses: Vec<Loss> = match self.axes.iter().find(|axis| matches!(axis[0], Setting::loss(_))) {
            Some(axis) => axis
                .iter()
                .filter_map(|value| if let Setting::loss(loss) = value { Some(*loss) } else { None })
                .collect(),
            None => vec![base.loss],
        };
        let by_all = |parameter: &Parameter| losses.iter().all(|&loss| parameter.is_read_by(loss));
        self.axes.iter().any(|axis| axis.len() > 1 && !by_all(axis[0].parameter()))
    }
}

impl Trials {
    /// The trials of `spec`, or `None` when there are more than 2^32.
    pub fn new(spec: &Spec) -> Option<Self> {
        let base = Hyperparameters::start(Start { model: &spec.model, train: &spec.train });
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
            if !seen.insert(trial.trial_id()) {
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
        let ids: HashSet<_> = (0..3).map(|i| trials.get(i).trial_id()).collect();
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
        assert_eq!(one.get(1).trial_id(), two.get(0).trial_id());
    }
}
