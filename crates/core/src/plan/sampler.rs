//! Who chooses the trials of a sweep: its grid, which is asked once, or a search that draws them wave by wave.
//!
//! ```text
//! parameters of a sweep ─> Branch (a mapping: its dimensions, a trial without them) ─> SearchSpace
//! Point ─Branch::trial─> Hyperparameters ─(trained)─> Branch::point ─> told
//! ```
//! What is asked for follows from the sweep and from what was told, in its order: a run that is gone on with tells what
//! its plan and tables have, and is asked for the same.

use std::collections::HashSet;

use thiserror::Error;

use super::space::{Trials, base_of};
use crate::search::{
    Dimension, Domain, GridSearch, Outcome, Point, RandomSearch, Search, SearchSpace, SobolSearch, SpaceFault, Told,
    TooManyDimensions, TpeSearch, default_wave,
};
use crate::spec::parameters::{Setting, Start, ValueKey, Varied, Which};
use crate::spec::{Hyperparameters, Method, Space, Spec};

/// Significant digits of numbers that are drawn: those of a table, and the same on every machine.
const DIGITS: usize = 6;

/// How often more points are asked for, each time twice as many, where they are trials that were there already.
const MOST_ASKED: u32 = 8;

/// Chooses trials.
#[derive(Debug)]
pub struct Sampler(Kind);

#[derive(Debug)]
enum Kind {
    /// All at once.
    Grid(Trials),
    /// Wave by wave.
    Drawn(Drawing),
}

/// Why a sweep has no sampler.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SamplerFault {
    /// There are more trials than can be counted.
    #[error("more than 4,294,967,295 trials")]
    TooManyTrials,
    /// Too many things are varied for a Sobol sequence.
    #[error(transparent)]
    TooManyDimensions(#[from] TooManyDimensions),
    /// A parameter cannot be drawn so.
    #[error(transparent)]
    Space(#[from] SpaceFault),
}

/// A search over the spaces of a sweep.
#[derive(Debug)]
struct Drawing {
    search: Box<dyn Search>,
    branches: Vec<Branch>,
    wave: usize,
    /// How many trials there are to be in all.
    cap: usize,
    /// What the trials that were told have in common.
    seen: HashSet<Vec<Option<ValueKey>>>,
}

/// A mapping of `parameters`.
#[derive(Debug)]
struct Branch {
    /// A trial in which nothing is swept.
    base: Hyperparameters,
    varied: Vec<Varied>,
}

impl Sampler {
    /// The one that a sweep asks for.
    ///
    /// # Errors
    /// Its trials cannot be counted, or its space cannot be drawn from.
    pub fn new(spec: &Spec) -> Result<Self, SamplerFault> {
        if !spec.method.draws() {
            let all = Trials::new(spec).ok_or(SamplerFault::TooManyTrials)?;
            if spec.run_cap.is_none_or(|cap| cap as usize >= all.len()) {
                return Ok(Self(Kind::Grid(all)));
            }
        }
        let base = Hyperparameters::start(Start { model: &spec.model, train: &spec.train });
        let branches: Vec<Branch> =
            spec.parameters.spaces().iter().map(|space| Branch::new(space, base.clone())).collect();
        let space = SearchSpace::new(branches.iter().map(Branch::dimensions).collect())?;
        let cap = spec.run_cap.map(|cap| cap as usize);
        let wave = match (cap, spec.wave) {
            (Some(cap), _) if !spec.method.draws() => cap,
            (_, Some(wave)) => wave as usize,
            (_, None) => default_wave(&space, cap),
        };
        let search: Box<dyn Search> = match spec.method {
            // Some of a grid, spread over it.
            Method::Grid => Box::new(GridSearch::new(space).map_err(|_| SamplerFault::TooManyTrials)?),
            Method::Random => Box::new(RandomSearch::new(space, spec.seed)),
            Method::Sobol => Box::new(SobolSearch::new(space, spec.seed)?),
            Method::Tpe => Box::new(TpeSearch::new(space, spec.seed)),
        };
        let cap = cap.unwrap_or(u32::MAX as usize);
        Ok(Self(Kind::Drawn(Drawing { search, branches, wave, cap, seen: HashSet::new() })))
    }

    /// The trials of the next wave; none when there are no more. Of a grid all, whatever was told.
    pub fn ask(&self) -> Trials {
        match &self.0 {
            Kind::Grid(trials) => trials.clone(),
            Kind::Drawn(drawing) => drawing.ask(),
        }
    }

    /// What came of trials, in the order in which they were asked for. Of those that the sweep could not have asked for
    /// nothing is learnt.
    pub fn tell(&mut self, told: &[(Hyperparameters, Outcome)]) {
        if let Kind::Drawn(drawing) = &mut self.0 {
            let places = |trial: &Hyperparameters| {
                drawing.branches.iter().enumerate().find_map(|(at, branch)| branch.point(at, trial))
            };
            let points =
                told.iter().filter_map(|(trial, outcome)| Some(Told { point: places(trial)?, outcome: *outcome }));
            let points: Vec<Told> = points.collect();
            drawing.search.tell(&points);
            drawing.seen.extend(told.iter().map(|(trial, _)| trial.key()));
        }
    }
}

impl Drawing {
    fn ask(&self) -> Trials {
        let count = self.wave.min(self.cap.saturating_sub(self.seen.len()));
        let mut trials = Vec::new();
        // Points may be the same trial: mappings overlap, a loss does not read what is varied, and numbers are rounded.
        // Then more are asked for.
        for more in (0..MOST_ASKED).map(|power| count << power) {
            let points = self.search.ask(more);
            let is_all = points.len() < more;
            let mut seen = self.seen.clone();
            trials = points.iter().filter_map(|point| self.branches.get(point.branch)?.trial(point)).collect();
            trials.retain(|trial: &Hyperparameters| seen.insert(trial.key()));
            if is_all || trials.len() >= count {
                break;
            }
        }
        trials.truncate(count);
        Trials::listed(trials)
    }
}

impl Branch {
    fn new(space: &Space, base: Hyperparameters) -> Self {
        Self { base: base_of(space, &base), varied: space.varied() }
    }

    fn dimensions(&self) -> Vec<Dimension> {
        let dimension = |varied: &Varied| {
            let which = varied.which();
            let domain = match varied {
                Varied::Drawn(which, drawn) => drawn.domain(which.takes_whole_numbers()),
                Varied::Listed(settings, probabilities) => {
                    let numbers: Option<Vec<f64>> = settings.iter().map(Setting::number).collect();
                    let probabilities = probabilities.clone();
                    match numbers {
                        Some(numbers) => Domain::Ordered { numbers, probabilities },
                        None => Domain::Choices { count: settings.len(), probabilities },
                    }
                }
            };
            Dimension { name: which.name().to_owned(), domain, shapes_stack: which.spares_shapes() }
        };
        self.varied.iter().map(dimension).collect()
    }

    fn trial(&self, point: &Point) -> Option<Hyperparameters> {
        let mut trial = self.base.clone();
        for (varied, &value) in self.varied.iter().zip(&point.values) {
            match varied {
                Varied::Listed(settings, _) => settings.get(value as usize)?.apply(&mut trial),
                Varied::Drawn(which, drawn) => {
                    let domain = drawn.domain(which.takes_whole_numbers());
                    let value =
                        if matches!(domain, Domain::Real(_)) { shortened(value, drawn.ends(), which) } else { value };
                    which.of_number(value)?.apply(&mut trial);
                }
            }
        }
        trial.resolve();
        Some(trial)
    }

    /// Where a trial lies in this mapping, which is number `branch`; `None` where it does not. What its loss does not
    /// read is anywhere: the first value, or the middle.
    fn point(&self, branch: usize, trial: &Hyperparameters) -> Option<Point> {
        let mut values = Vec::with_capacity(self.varied.len());
        let mut again = self.base.clone();
        for varied in &self.varied {
            let found = varied.which().value_in(trial);
            let value = match varied {
                Varied::Listed(settings, _) => {
                    let at = match found {
                        Some(found) => {
                            // One that is not there may be what another made of it; what comes of it is compared below.
                            let key = found.key();
                            settings.iter().position(|setting| setting.key() == key).unwrap_or(0)
                        }
                        None => 0,
                    };
                    settings[at].apply(&mut again);
                    at as f64
                }
                Varied::Drawn(which, drawn) => {
                    let value = match found {
                        Some(found) => found.number()?,
                        None => drawn.middle(which.takes_whole_numbers()),
                    };
                    which.of_number(value)?.apply(&mut again);
                    value
                }
            };
            values.push(value);
        }
        again.resolve();
        (again == *trial).then_some(Point { branch, values })
    }
}

/// The number with as many digits as people read, where it stays between the ends and the parameter's bounds hold it.
fn shortened(value: f64, (low, high): (f64, f64), which: &Which) -> f64 {
    let digits = DIGITS - 1;
    let short = format!("{value:.digits$e}").parse().unwrap_or(value);
    if (low..=high).contains(&short) && which.holds(short) { short } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(rest: &str) -> Spec {
        let text = format!("name: t\ndata: {{source: d.csv, label: y}}\n{rest}");
        crate::spec::parse("t", &text).unwrap()
    }

    const SPACE: &str = "parameters:\n  - {loss: {values: [focal, bce]}, alpha: {min: 0.05, max: 0.95}, \
         hidden: {values: [[8], [16], [8, 4], []]}, \
         batch_size: {min: 16, max: 64, distribution: log_uniform_values}}\n  \
         - {loss: {value: weighted_bce}, pos_weight: {min: 1, max: 100, distribution: log_uniform_values}, \
            learning_rate: {min: 1e-4, max: 1e-1, distribution: log_uniform_values}, sampling: {values: [none]}}\n";

    fn outcome(trial: &Hyperparameters) -> Outcome {
        Outcome::One(trial.alpha.map_or(1.0, |alpha| (alpha - 0.4).abs()))
    }

    /// Sizes of the waves until there are no more, and all trials.
    fn searched(spec: &Spec) -> (Vec<usize>, Vec<Hyperparameters>) {
        let mut sampler = Sampler::new(spec).unwrap();
        let (mut waves, mut all) = (Vec::new(), Vec::new());
        loop {
            let trials = sampler.ask();
            let told: Vec<(Hyperparameters, Outcome)> =
                (0..trials.len()).map(|at| trials.get(at)).map(|trial| (trial.clone(), outcome(&trial))).collect();
            if told.is_empty() {
                return (waves, all);
            }
            sampler.tell(&told);
            waves.push(trials.len());
            all.extend(told.into_iter().map(|(trial, _)| trial));
            // One that goes on from what is there asks for the same.
            let mut again = Sampler::new(spec).unwrap();
            let before: Vec<_> = all.iter().map(|trial| (trial.clone(), outcome(trial))).collect();
            again.tell(&before);
            let ids = |trials: Trials| (0..trials.len()).map(|at| trials.get(at).trial_id()).collect::<Vec<_>>();
            assert_eq!(ids(again.ask()), ids(sampler.ask()));
        }
    }

    #[test]
    fn a_search_ends_at_its_cap_with_trials_that_differ_and_are_allowed() {
        for method in ["random", "sobol", "tpe"] {
            let spec = spec(&format!("method: {method}\nrun_cap: 50\nwave: 16\n{SPACE}"));
            let (waves, all) = searched(&spec);
            assert_eq!(all.len(), 50, "{method} {waves:?}");
            let ids: HashSet<String> = all.iter().map(Hyperparameters::trial_id).collect();
            assert_eq!(ids.len(), 50, "{method}");
            assert!(all.iter().all(|trial| trial.not_allowed().is_none()));
            assert!(all.iter().all(|trial| (16..=64).contains(&trial.batch_size) || trial.pos_weight.is_some()));
            // Numbers that people can read.
            let short = |x: f64| format!("{x:.5e}").parse() == Ok(x);
            assert!(all.iter().all(|trial| short(trial.learning_rate) && trial.alpha.is_none_or(short)), "{method}");
            let first = Sampler::new(&spec).unwrap().ask();
            assert!(first.groups().len() <= 2, "{method}: trials of a wave stack: {:?}", first.groups());
        }
    }

    #[test]
    fn a_space_with_an_end_is_searched_to_it() {
        let space = "parameters: {batch_size: {min: 16, max: 20}, dropout: {values: [0, 0.5]}}\n";
        for method in ["random", "sobol", "tpe"] {
            let (_, all) = searched(&spec(&format!("method: {method}\nwave: 3\n{space}")));
            assert_eq!(all.len(), 10, "{method}");
        }
    }

    #[test]
    fn every_trial_has_a_place_again() {
        let spec = spec(&format!("method: random\nrun_cap: 64\n{SPACE}"));
        let base = Hyperparameters::start(Start { model: &spec.model, train: &spec.train });
        let branches: Vec<Branch> =
            spec.parameters.spaces().iter().map(|space| Branch::new(space, base.clone())).collect();
        let space = SearchSpace::new(branches.iter().map(Branch::dimensions).collect()).unwrap();
        for point in RandomSearch::new(space.clone(), 1).ask(64) {
            let trial = branches[point.branch].trial(&point).unwrap();
            let again = branches.iter().enumerate().find_map(|(at, branch)| branch.point(at, &trial)).unwrap();
            assert!(space.holds(&again), "{again:?}");
            assert_eq!(branches[again.branch].trial(&again), Some(trial));
        }
        // What a sweep never asked for has none.
        let stranger = Hyperparameters { dropout: 0.123, ..branches[0].base.clone() };
        assert_eq!(branches[0].point(0, &stranger), None);
    }

    #[test]
    fn a_grid_is_asked_for_at_once() {
        let grid = spec("parameters: {learning_rate: {values: [0.1, 0.2]}}");
        assert_eq!(Sampler::new(&grid).unwrap().ask().len(), 2);
    }

    #[test]
    fn some_of_a_grid_are_spread_over_it_and_are_some_of_more() {
        let of = |cap: usize| {
            let grid = "alpha: {min: 0.1, max: 0.9, count: 9}, gamma: {min: 0, max: 4, count: 9}, \
                        loss: {value: focal}, hidden: {values: [[8], [4]]}";
            let trials = Sampler::new(&spec(&format!("run_cap: {cap}\nparameters: {{{grid}}}"))).unwrap().ask();
            (0..trials.len()).map(|at| trials.get(at)).collect::<Vec<_>>()
        };
        let ids = |cap| of(cap).iter().map(Hyperparameters::trial_id).collect::<HashSet<_>>();
        assert_eq!((of(16).len(), of(500).len()), (16, 162));
        assert!(ids(16).is_subset(&ids(40)) && ids(40).is_subset(&ids(162)));
        for half in [|trial: &Hyperparameters| trial.alpha < Some(0.5), |trial: &Hyperparameters| trial.hidden == [8]] {
            let share = of(16).iter().filter(|trial| half(trial)).count();
            assert!((5..=11).contains(&share), "{share} of 16");
        }
    }
}
