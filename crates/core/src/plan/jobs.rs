//! Jobs: which trials train together, on which replicate, so that every worker has about the same to do.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::phase::Phase;
use super::space::Trials;
use crate::spec::Hyperparameters;

/// A stack on one replicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// `job-00001`, …
    pub job_id: String,
    /// 0-based replicate.
    pub replicate: u32,
    /// Index of its first trial: in a plan among all trials, in a line of plan.jsonl among those of the wave.
    pub first: usize,
    /// Number of trials.
    pub count: usize,
    /// What it trains for: that of its wave. Not written where it is the search.
    #[serde(default, skip_serializing_if = "Phase::is_search")]
    pub phase: Phase,
    /// Where trials are judged before their end: the epochs after which they go on and pause. They begin where the jobs
    /// of the rung before left them. Not written where they train from their start to their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<[u32; 2]>,
}

impl Job {
    /// Whether its trials were trained in part by jobs before it, so that it adds no rows to the results.
    pub fn goes_on(&self) -> bool {
        self.epochs.is_some_and(|[from, _]| from > 0)
    }

    /// The jobs of its trials before and from `at` on, counted from its first: `job-00007` becomes `job-00007a` and
    /// `job-00007b`. Their ids end in the letters of the cuts that made them, so that ids sort as trials do.
    pub fn cut(&self, at: usize) -> [Self; 2] {
        let part = |letter: char, first: usize, count: usize| Self {
            job_id: format!("{}{letter}", self.job_id),
            replicate: self.replicate,
            first,
            count,
            phase: self.phase,
            epochs: self.epochs,
        };
        [part('a', self.first, at), part('b', self.first + at, self.count - at)]
    }

    /// The ids of the jobs that it was cut from, the nearest first.
    pub fn ancestors(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        let mut id = self.job_id.as_str();
        while let Some(parent) = id.strip_suffix(['a', 'b']) {
            ids.push(parent);
            id = parent;
        }
        ids
    }
}

/// All jobs of a sweep, so far as they are planned (plan.jsonl), so that a resumed run does the same arithmetic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Distinct trials.
    pub trials: usize,
    /// Replicates of the search: every trial trains on each of them.
    pub replicates: u32,
    /// The jobs, wave by wave.
    pub jobs: Vec<Job>,
    /// Where the jobs of each wave begin.
    pub waves: Vec<usize>,
}

/// What bounds a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Features of the prepared matrix.
    pub features: usize,
    /// Rows of the prepared matrix.
    pub rows: usize,
    /// Jobs that run at once.
    pub workers: usize,
    /// Bytes for the stack of one worker; where workers differ, the least.
    pub memory: u64,
    /// What stacks are like there.
    pub stacking: Stacking,
}

/// What a stack is like on a kind of device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stacking {
    /// What a stack costs beside its models, in models.
    pub overhead: usize,
    /// Most trials in a stack: beyond it a model gets hardly cheaper, and results would come later.
    pub most: usize,
}

impl Stacking {
    /// A core: gathering rows, drawing dropout, one more pass over the data. Measured: docs/scaling.md.
    pub const CORE: Self = Self { overhead: 4, most: 128 };
    /// A GPU: a step starts as many kernels for one model as for hundreds. Estimated from that count, not measured.
    pub const GPU: Self = Self { overhead: 64, most: 1024 };
}

impl Plan {
    /// Cuts the trials into stacks: the number that ends soonest on `sizes.workers` workers, within memory.
    pub fn new(trials: &Trials, replicates: u32, sizes: &Sizes) -> Self {
        let groups: Vec<Group> = trials.groups().iter().map(|group| Group::new(trials, group, sizes)).collect();
        let overhead = sizes.stacking.overhead;
        let stacks = stacks_of_all(&groups, replicates as usize, sizes.workers.max(1), overhead);
        let mut jobs = Vec::new();
        for (group, stacks) in trials.groups().iter().zip(stacks) {
            for replicate in 0..replicates {
                for stack in 0..stacks {
                    let (first, end) = (group.len() * stack / stacks, group.len() * (stack + 1) / stacks);
                    let job_id = format!("job-{:05}", jobs.len() + 1);
                    let (first, count, phase) = (group.start + first, end - first, Phase::Search);
                    jobs.push(Job { job_id, replicate, first, count, phase, epochs: None });
                }
            }
        }
        Self { trials: trials.len(), replicates, jobs, waves: vec![0] }
    }

    /// The same plan, with some of its jobs only.
    #[must_use]
    pub fn with_jobs(&self, jobs: Vec<Job>) -> Self {
        Self { trials: self.trials, replicates: self.replicates, jobs, waves: vec![0] }
    }

    /// Rows of the results when all is done.
    pub fn rows(&self) -> usize {
        self.jobs.iter().filter(|job| !job.goes_on()).map(|job| job.count).sum()
    }

    /// Rows of the results when all that is done for `phase` is there.
    pub fn rows_of(&self, phase: Phase) -> usize {
        self.jobs.iter().filter(|job| job.phase == phase && !job.goes_on()).map(|job| job.count).sum()
    }

    /// What its jobs bring to journals: the rows of the results, and again those that go on at a rung.
    pub fn trainings(&self) -> usize {
        self.jobs.iter().map(|job| job.count).sum()
    }

    /// Where no trial goes on nothing; else by (trial, replicate) the place of the last job that trains it, which has
    /// its row.
    pub fn last_jobs(&self, trials: &Trials) -> HashMap<(String, u32), usize> {
        let mut last = HashMap::new();
        if self.jobs.iter().any(Job::goes_on) {
            for (at, job) in self.jobs.iter().enumerate() {
                let ids = (job.first..job.first + job.count).map(|index| trials.get(index).trial_id());
                last.extend(ids.map(|id| ((id, job.replicate), at)));
            }
        }
        last
    }

    /// The jobs that trained trials of `job`, which goes on with them, the last first.
    pub fn before<'a>(&'a self, job: &'a Job) -> impl Iterator<Item = &'a Job> {
        let planned = job.ancestors().last().copied().unwrap_or(&job.job_id);
        let end = self.jobs.iter().position(|of| of.job_id == planned).unwrap_or(self.jobs.len());
        let same = move |of: &&Job| of.replicate == job.replicate && of.phase == job.phase && of.epochs.is_some();
        self.jobs[..if job.goes_on() { end } else { 0 }].iter().rev().filter(same)
    }

    /// Numbers of the replicates of the search, in order. Those of a search that grew after it was confirmed go on
    /// after those that confirmed it.
    pub fn search_replicates(&self) -> Vec<u32> {
        let jobs = self.jobs.iter().filter(|job| job.phase == Phase::Search);
        jobs.map(|job| job.replicate).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Above all numbers of replicates that there are: those of the search and those that confirm.
    pub fn replicate_numbers(&self) -> u32 {
        self.jobs.iter().map(|job| job.replicate + 1).max().unwrap_or(0).max(self.replicates)
    }

    /// What trainings on `replicate` are for; all of them are for the same.
    pub fn phase_of(&self, replicate: u32) -> Phase {
        self.jobs.iter().find(|job| job.replicate == replicate).map_or(Phase::Search, |job| job.phase)
    }

    /// The jobs of each wave: where they begin and end.
    pub fn spans(&self) -> Vec<Range<usize>> {
        let ends = self.waves.iter().skip(1).copied().chain([self.jobs.len()]);
        self.waves.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
    }

    /// Most trials in one stack.
    pub fn largest_stack(&self) -> usize {
        self.jobs.iter().map(|job| job.count).max().unwrap_or(0)
    }

    /// Bytes that `workers` of the largest stacks need beside the data.
    pub fn memory(&self, trials: &Trials, sizes: &Sizes) -> u64 {
        let mut needs: Vec<u64> = self.jobs.iter().map(|job| job.count as u64).collect();
        needs.sort_unstable_by(|a, b| b.cmp(a));
        let per_trial = trials.groups().iter().map(|g| bytes_per_trial(&trials.get(g.start), sizes)).max().unwrap_or(0);
        needs.iter().take(sizes.workers).sum::<u64>() * per_trial
    }
}

/// Trials of one shape.
#[derive(Debug, Clone, Copy)]
struct Group {
    trials: usize,
    /// What one of them costs, in parameters that a row passes.
    unit: f64,
    /// Fewest stacks that have room.
    fewest: usize,
}

impl Group {
    fn new(trials: &Trials, group: &Range<usize>, sizes: &Sizes) -> Self {
        let first = trials.get(group.start);
        let most = sizes.memory / bytes_per_trial(&first, sizes).max(1);
        let most = usize::try_from(most).unwrap_or(usize::MAX).clamp(1, sizes.stacking.most);
        let unit = parameters(&first, sizes).max(1) as f64;
        Self { trials: group.len(), unit, fewest: group.len().div_ceil(most) }
    }
}

/// Groups, and jobs for each worker, beyond which each group is cut by itself: so many come out even anyhow.
const MOST_TOGETHER: usize = 8;
const MOST_JOBS: usize = 16;

/// Stacks a replicate for each of some groups: as each by itself would be cut, then one more or fewer of a group as
/// long as all of them together end sooner.
fn stacks_of_all(groups: &[Group], replicates: usize, workers: usize, overhead: usize) -> Vec<usize> {
    let alone = |group: &Group| stacks(group.trials, replicates, workers, overhead).max(group.fewest);
    let mut best: Vec<usize> = groups.iter().map(alone).collect();
    let jobs = best.iter().sum::<usize>().saturating_mul(replicates);
    if !(2..=MOST_TOGETHER).contains(&groups.len()) || jobs > MOST_JOBS * workers {
        return best;
    }
    let mut least = makespan(groups, &best, replicates, workers, overhead);
    loop {
        let tries = (0..groups.len()).flat_map(|group| [1, -1].map(|by| (group, by)));
        let changed = tries.filter_map(|(group, by)| {
            let mut stacks = best.clone();
            stacks[group] = stacks[group].checked_add_signed(by)?;
            let holds = (groups[group].fewest.max(1)..=groups[group].trials).contains(&stacks[group]);
            holds.then(|| (makespan(groups, &stacks, replicates, workers, overhead), stacks))
        });
        match changed.min_by(|a, b| a.0.total_cmp(&b.0)) {
            // Not for rounding's sake.
            Some((sooner, stacks)) if sooner < 0.999 * least => (least, best) = (sooner, stacks),
            _ => return best,
        }
    }
}

/// When all stacks have ended, the largest first to whoever is free.
fn makespan(groups: &[Group], stacks: &[usize], replicates: usize, workers: usize, overhead: usize) -> f64 {
    let of = |(group, &stacks): (&Group, &usize)| {
        let count = |stack: usize| group.trials * (stack + 1) / stacks - group.trials * stack / stacks;
        let unit = group.unit;
        (0..stacks).map(move |stack| unit * (overhead + count(stack)) as f64).collect::<Vec<_>>()
    };
    let mut costs: Vec<f64> = groups.iter().zip(stacks).flat_map(of).collect();
    costs.sort_unstable_by(|a, b| b.total_cmp(a));
    let mut ends = vec![0.0_f64; workers];
    for cost in costs.iter().flat_map(|cost| std::iter::repeat_n(cost, replicates)) {
        if let Some(first) = ends.iter_mut().min_by(|a, b| a.total_cmp(b)) {
            *first += cost;
        }
    }
    ends.into_iter().fold(0.0, f64::max)
}

/// Stacks a replicate for `trials` trials: minimises rounds x (overhead + stack size).
fn stacks(trials: usize, replicates: usize, workers: usize, overhead: usize) -> usize {
    let cost = |stacks: usize| (stacks * replicates).div_ceil(workers) * (overhead + trials.div_ceil(stacks));
    (1..=trials.min(4 * workers)).min_by_key(|&stacks| cost(stacks)).unwrap_or(1)
}

/// Bytes that a model of `trial`'s shape needs: parameters, their gradient, moments, best and scratch; a batch's
/// activations forward and backward; its scores.
fn bytes_per_trial(trial: &Hyperparameters, sizes: &Sizes) -> u64 {
    let parameters = parameters(trial, sizes);
    let widths: usize = trial.hidden.iter().sum::<usize>() + 4;
    (4 * (6 * parameters + 6 * trial.batch_size.min(sizes.rows) * widths + 2 * sizes.rows)) as u64
}

/// Parameters of a model.
fn parameters(trial: &Hyperparameters, sizes: &Sizes) -> usize {
    let ends = trial.hidden.iter().copied().chain([1]);
    let starts = std::iter::once(sizes.features).chain(trial.hidden.iter().copied());
    starts.zip(ends).map(|(inputs, width)| (inputs + 1) * width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn workers_are_kept_busy() {
        // 49 pairs, 2 cores: two stacks for 1 replicate; for 3 replicates two each, so that both cores have three.
        let on_cores = |trials, replicates, workers| stacks(trials, replicates, workers, Stacking::CORE.overhead);
        assert_eq!(on_cores(49, 1, 2), 2);
        assert_eq!(on_cores(49, 3, 2), 2);
        assert_eq!(on_cores(49, 2, 2), 1);
        // 16 cores and 3 replicates: 15 stacks at once beat 18 in two rounds.
        assert_eq!(on_cores(49, 3, 16), 5);
        assert_eq!(on_cores(1, 1, 8), 1);
    }

    proptest! {
        #[test]
        fn jobs_cover_every_trial_and_replicate_once(
            count in 1u32..300, replicates in 1u32..5, workers in 1usize..20, memory in 1u64..1_000_000_000
        ) {
            let text = format!(
                "name: t\ndata: {{source: d.csv, label: y}}\n\
                 parameters: {{learning_rate: {{min: 0.001, max: 1, count: {}}}, batch_size: {{values: [64, 128]}}}}",
                count + 1
            );
            let trials = Trials::new(&crate::spec::parse("t", &text).unwrap()).unwrap();
            let sizes = Sizes { features: 10, rows: 1000, workers, memory, stacking: Stacking::CORE };
            let plan = Plan::new(&trials, replicates, &sizes);
            let mut seen = vec![0; trials.len() * replicates as usize];
            for job in &plan.jobs {
                prop_assert!(job.count > 0);
                let first = trials.get(job.first);
                prop_assert!((job.first..job.first + job.count).all(|i| trials.get(i).stacks_with(&first)));
                for trial in job.first..job.first + job.count {
                    seen[trial * replicates as usize + job.replicate as usize] += 1;
                }
            }
            prop_assert!(seen.iter().all(|&n| n == 1));
        }
    }
}
