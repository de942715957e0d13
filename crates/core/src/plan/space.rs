//! The trials of a sweep by index: a grid is a number in a mixed radix, so ten million trials cost no memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use super::recorded::{GridPart, GridSpace, GridTrials, ListedTrial, WaveTrials};
use crate::spec::parameters::{Setting, Start, ValueKey, Which, column_of, wider};
use crate::spec::{ColumnType, FreeColumn, Hyperparameters, Parameter, Scalar, Space, Spec};

/// The distinct trials of a sweep, ordered so that trials that can share a stack are neighbours.
#[derive(Debug, Clone, Default)]
pub struct Trials {
    grids: Vec<Grid>,
    /// Where each trial comes from, in order.
    pieces: Vec<Piece>,
    groups: Vec<Range<usize>>,
}

/// Trials in a row that are made alike.
#[derive(Debug, Clone)]
struct Piece {
    /// Index of the first one.
    start: usize,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    /// Neighbours in a grid, from its trial `first` on.
    Grid { grid: usize, first: usize },
    /// As they are.
    Listed(Vec<Hyperparameters>),
}

/// One mapping of `parameters`: the last axis varies fastest; axes that shape stacks come first.
#[derive(Debug, Clone)]
struct Grid {
    /// A trial in which nothing is swept, with what any loss reads.
    base: Hyperparameters,
    axes: Vec<Vec<Setting>>,
    len: usize,
}

impl Grid {
    fn new(space: &Space, base: &Hyperparameters) -> Option<Self> {
        let mut axes = space.axes();
        axes.sort_by_key(|axis| axis[0].which().nesting());
        Self::of_axes(base_of(space, base), axes)
    }

    /// `None` when there are more trials than can be counted.
    fn of_axes(base: Hyperparameters, axes: Vec<Vec<Setting>>) -> Option<Self> {
        let len = axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.len()))?;
        Some(Self { base, axes, len })
    }

    fn trial(&self, index: usize) -> Hyperparameters {
        let mut trial = self.base.clone();
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
        self.axes.iter().filter(|axis| !axis[0].which().shapes_stack()).map(Vec::len).product()
    }

    /// Whether two indices can be the same trial: a parameter varies that not every loss and sampling here reads.
    fn may_repeat(&self) -> bool {
        let (mut losses, mut samplings) = (Vec::new(), Vec::new());
        for setting in self.axes.iter().flatten() {
            match setting {
                Setting::loss(loss) => losses.push(*loss),
                Setting::sampling(sampling) => samplings.push(*sampling),
                _ => {}
            }
        }
        let losses = if losses.is_empty() { vec![self.base.loss] } else { losses };
        let samplings = if samplings.is_empty() { vec![self.base.sampling] } else { samplings };
        let by_all = |which: &Which| {
            losses.iter().all(|&loss| samplings.iter().all(|&sampling| which.is_read_by(loss, sampling)))
        };
        self.axes.iter().any(|axis| axis.len() > 1 && !by_all(&axis[0].which()))
    }
}

/// A trial of a mapping in which nothing is swept: of our own networks `start`.
pub(super) fn base_of(space: &Space, start: &Hyperparameters) -> Hyperparameters {
    space.command.as_ref().map_or_else(|| start.clone(), |command| Hyperparameters::of_command(&command.trainer))
}

impl Trials {
    /// The trials of `spec`, or `None` when there are more than 2^32.
    pub fn new(spec: &Spec) -> Option<Self> {
        let base = Hyperparameters::start(Start { model: &spec.model, train: &spec.train });
        let grids: Vec<Grid> =
            spec.parameters.spaces().iter().map(|space| Grid::new(space, &base)).collect::<Option<_>>()?;
        let total = grids.iter().try_fold(0usize, |sum, grid| sum.checked_add(grid.len))?;
        u32::try_from(total).ok()?;
        let mut trials = Self { grids, pieces: Vec::new(), groups: Vec::new() };
        if let [grid] = trials.grids.as_slice()
            && !grid.may_repeat()
        {
            let block = grid.block();
            trials.groups = (0..total / block).map(|group| group * block..(group + 1) * block).collect();
            trials.pieces = vec![Piece { start: 0, source: Source::Grid { grid: 0, first: 0 } }];
        } else {
            trials.settle();
        }
        Some(trials)
    }

    /// Some trials, those of one shape made neighbours, shapes in the order in which they first appear.
    pub fn listed(trials: Vec<Hyperparameters>) -> Self {
        let mut shapes: Vec<Vec<Hyperparameters>> = Vec::new();
        for trial in trials {
            match shapes.iter_mut().find(|of| of.first().is_some_and(|first| first.stacks_with(&trial))) {
                Some(of) => of.push(trial),
                None => shapes.push(vec![trial]),
            }
        }
        let mut end = 0;
        let groups = shapes.iter().map(|of| {
            end += of.len();
            end - of.len()..end
        });
        let groups = groups.collect();
        let pieces = vec![Piece { start: 0, source: Source::Listed(shapes.concat()) }];
        Self { grids: Vec::new(), pieces, groups }
    }

    /// Drops repeated trials and makes those of one shape neighbours, shapes in the order in which they first appear.
    fn settle(&mut self) {
        let mut seen = HashSet::new();
        let mut shapes: Vec<Vec<(usize, usize)>> = Vec::new();
        let mut known: HashMap<Vec<Option<ValueKey>>, usize> = HashMap::new();
        for (number, grid) in self.grids.iter().enumerate() {
            for index in 0..grid.len {
                let trial = grid.trial(index);
                if !seen.insert(trial.key()) {
                    continue;
                }
                let shape = *known.entry(trial.stack_key()).or_insert(shapes.len());
                if shape == shapes.len() {
                    shapes.push(Vec::new());
                }
                shapes[shape].push((number, index));
            }
        }
        let mut end = 0;
        for members in &shapes {
            for run in members.chunk_by(|a, b| a.0 == b.0 && a.1 + 1 == b.1) {
                let (grid, first) = run[0];
                self.pieces.push(Piece { start: end, source: Source::Grid { grid, first } });
                end += run.len();
            }
            let start = self.groups.last().map_or(0, |group| group.end);
            self.groups.push(start..end);
        }
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
        let piece = &self.pieces[self.pieces.partition_point(|piece| piece.start <= index) - 1];
        let within = index - piece.start;
        match &piece.source {
            Source::Grid { grid, first } => self.grids[*grid].trial(first + within),
            Source::Listed(trials) => trials[within].clone(),
        }
    }

    /// Index of each trial by its id; where waves train one again, its first.
    pub fn places(&self) -> HashMap<String, usize> {
        (0..self.len()).rev().map(|index| (self.get(index).trial_id(), index)).collect()
    }

    /// The columns that the parameters of commands need in results.parquet, in the order of their names, but for those
    /// that our own hyperparameters have too.
    pub fn free_columns(&self) -> Vec<FreeColumn> {
        let mut columns: BTreeMap<String, ColumnType> = BTreeMap::new();
        let mut add = |name: &str, value: &Scalar| {
            if Parameter::named(name).is_none() {
                let column = column_of(value);
                columns.entry(name.to_owned()).and_modify(|old| *old = wider(*old, column)).or_insert(column);
            }
        };
        for setting in self.grids.iter().flat_map(|grid| grid.axes.iter().flatten()) {
            if let Setting::free(name, value) = setting {
                add(name, value);
            }
        }
        let listed = self.pieces.iter().flat_map(|piece| match &piece.source {
            Source::Listed(trials) => trials.as_slice(),
            Source::Grid { .. } => &[],
        });
        for command in listed.filter_map(|trial| trial.command.as_ref()) {
            command.parameters.iter().for_each(|(name, value)| add(name, value));
        }
        columns.into_iter().map(|(name, column)| FreeColumn { name, column }).collect()
    }

    /// Whether the trial at `index` is a command's.
    pub fn is_of_command(&self, index: usize) -> bool {
        let piece = &self.pieces[self.pieces.partition_point(|piece| piece.start <= index) - 1];
        match &piece.source {
            Source::Grid { grid, .. } => self.grids[*grid].base.command.is_some(),
            Source::Listed(trials) => trials[index - piece.start].command.is_some(),
        }
    }

    /// Ids of the trials of commands.
    pub fn of_commands(&self) -> HashSet<String> {
        let commands = (0..self.len()).filter(|index| self.is_of_command(*index));
        commands.map(|index| self.get(index).trial_id()).collect()
    }

    /// How many different trials there are from `start` on that are not among those before.
    pub(super) fn distinct_from(&self, start: usize) -> usize {
        if start == 0 {
            return self.len();
        }
        let mut new: HashSet<_> = (start..self.len()).map(|index| self.get(index).key()).collect();
        for index in 0..start {
            new.remove(&self.get(index).key());
        }
        new.len()
    }

    /// Only the first `count` of them.
    #[must_use]
    pub fn first(mut self, count: usize) -> Self {
        self.pieces.retain(|piece| piece.start < count);
        self.groups.retain(|group| group.start < count);
        if let Some(last) = self.groups.last_mut() {
            last.end = last.end.min(count);
        }
        self
    }

    /// Spans of trials that can share a stack.
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }

    /// The trials as a plan records them: what makes them, or each by itself where they were listed.
    pub(super) fn as_recorded(&self) -> WaveTrials {
        if self.pieces.iter().any(|piece| matches!(piece.source, Source::Listed(_))) {
            WaveTrials::Listed(self.as_list())
        } else {
            WaveTrials::Grid(self.as_grid())
        }
    }

    /// What makes the trials, without a place in a sweep file: see [`GridTrials`].
    fn as_grid(&self) -> GridTrials {
        let spaces = self.grids.iter().map(|grid| GridSpace { base: grid.base.clone(), axes: grid.axes.clone() });
        let ends = self.pieces.iter().skip(1).map(|piece| piece.start).chain([self.len()]);
        let parts = self.pieces.iter().zip(ends).filter_map(|(piece, end)| match piece.source {
            Source::Grid { grid: space, first } => Some(GridPart { space, first, count: end - piece.start }),
            Source::Listed(_) => None,
        });
        GridTrials { spaces: spaces.collect(), parts: parts.collect() }
    }

    /// The trials one by one, as a plan records them.
    fn as_list(&self) -> Vec<ListedTrial> {
        let trials = (0..self.len()).map(|index| self.get(index));
        trials.map(|parameters| ListedTrial { id: parameters.trial_id(), parameters }).collect()
    }

    /// Adds trials that a plan recorded; `stacks` are spans of them that share a stack, counted from the first of them.
    ///
    /// # Errors
    /// What is wrong with the record, in words.
    pub(super) fn extend(&mut self, recorded: &WaveTrials, stacks: &[Range<usize>]) -> Result<(), String> {
        let start = self.len();
        let mut end = start;
        match recorded {
            WaveTrials::Listed(listed) => {
                for ListedTrial { id, parameters } in listed {
                    allowed(parameters)?;
                    let mut resolved = parameters.clone();
                    resolved.resolve();
                    if resolved != *parameters || resolved.trial_id() != *id {
                        return Err(format!("its trial {id} has other parameters than its id says"));
                    }
                }
                let trials: Vec<Hyperparameters> = listed.iter().map(|trial| trial.parameters.clone()).collect();
                end += trials.len();
                self.pieces.push(Piece { start, source: Source::Listed(trials) });
            }
            WaveTrials::Grid(grid) => {
                let before = self.grids.len();
                for space in &grid.spaces {
                    let axes = space.axes.clone();
                    if axes.iter().any(Vec::is_empty) {
                        return Err("a parameter of its grid has no values".to_owned());
                    }
                    allowed(&space.base)?;
                    if let Some(value) = axes.iter().flatten().find(|value| !value.is_allowed()) {
                        return Err(format!("its grid has a value of {} out of bounds", value.which().name()));
                    }
                    self.grids.push(Grid::of_axes(space.base.clone(), axes).ok_or("its grid is too large")?);
                }
                for part in &grid.parts {
                    let all = grid.spaces.get(part.space).map_or(0, |_| self.grids[before + part.space].len);
                    if part.first.checked_add(part.count).is_none_or(|last| last > all) {
                        let GridPart { space, first, count } = part;
                        return Err(format!("its grid {space} has {all} trials, not {first} to {first} + {count}"));
                    }
                    let source = Source::Grid { grid: before + part.space, first: part.first };
                    self.pieces.push(Piece { start: end, source });
                    end += part.count;
                    u32::try_from(end).map_err(|_| "its grid is too large")?;
                }
            }
        }
        let shift = |place: usize| start.saturating_add(place);
        self.groups.extend(stacks.iter().map(|span| shift(span.start)..shift(span.end)));
        if self.len() != end {
            return Err("its jobs do not train each of its trials".to_owned());
        }
        for stack in stacks {
            self.check_stack(start + stack.start..start + stack.end)?;
        }
        Ok(())
    }

    /// Whether the trials of a span can share a stack. In a grid those of one shape are neighbours, so that where the
    /// first and the last of its trials there do, those in between do too.
    fn check_stack(&self, span: Range<usize>) -> Result<(), String> {
        let first = self.get(span.start);
        let ends = self.pieces.iter().skip(1).map(|piece| piece.start).chain([self.len()]);
        for (piece, end) in self.pieces.iter().zip(ends) {
            let (from, to) = (piece.start.max(span.start), end.min(span.end));
            if from >= to {
                continue;
            }
            let mut looked_at = match piece.source {
                Source::Grid { .. } => vec![from, to - 1],
                Source::Listed(_) => (from..to).collect(),
            };
            if let Some(index) = looked_at.drain(..).find(|&index| !self.get(index).stacks_with(&first)) {
                return Err(format!("trials {} and {index} cannot share a stack", span.start));
            }
        }
        Ok(())
    }
}

/// Refuses a trial that no sweep file could ask for.
fn allowed(trial: &Hyperparameters) -> Result<(), String> {
    trial.not_allowed().map_or(Ok(()), |name| Err(format!("a trial's {name} is out of bounds")))
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
        let text = "  - {loss: {value: bce}}\n  - {loss: {values: [bce, focal]}, alpha: {values: [0.25, 0.5]}}\n\
            \x20 - {loss: {value: focal}, alpha: {value: 0.5}}\n";
        let trials = Trials::new(&spec(text)).unwrap();
        assert_eq!(pairs(&trials), [(None, None), (Some(0.25), Some(2.0)), (Some(0.5), Some(2.0))]);
        let ids: HashSet<_> = (0..3).map(|i| trials.get(i).trial_id()).collect();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn shapes_are_kept_apart() {
        let text = "  - {batch_size: {values: [64, 128]}, learning_rate: {values: [0.1, 0.2]}}\n\
            \x20 - {loss: {value: focal}, batch_size: {value: 64}}\n";
        let trials = Trials::new(&spec(text)).unwrap();
        let batches: Vec<_> = (0..trials.len()).map(|i| trials.get(i).batch_size).collect();
        assert_eq!(batches, [64, 64, 64, 128, 128]);
        assert_eq!(trials.groups(), [0..3, 3..5]);
        let trials =
            Trials::new(&spec("  {batch_size: {values: [64, 128]}, learning_rate: {values: [0.1, 0.2]}}\n")).unwrap();
        assert_eq!(trials.groups(), [0..2, 2..4]);
    }

    #[test]
    fn the_first_of_them_are_the_same_trials() {
        let text = "  - {batch_size: {values: [64, 128]}, learning_rate: {values: [0.1, 0.2]}}\n\
            \x20 - {loss: {value: focal}, batch_size: {value: 64}}\n";
        let all = Trials::new(&spec(text)).unwrap();
        for count in 0..=all.len() {
            let first = all.clone().first(count);
            assert_eq!(first.len(), count);
            assert!((0..count).all(|index| first.get(index) == all.get(index)));
        }
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
