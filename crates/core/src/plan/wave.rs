//! Waves: what is asked for at once, and the unit that a plan grows by. A line of plan.jsonl is one.
//!
//! A wave says all that its jobs need of the plan. Its trials are listed, or made from the grids that stand in it with
//! their values; it points at no place in a sweep file and at no other wave, so that neither can shift.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::ids::is_id;
use super::jobs::{Job, Plan, Sizes};
use super::phase::Phase;
use super::recorded::WaveTrials;
use super::space::Trials;
use crate::spec::Hyperparameters;

/// Trials asked for at once, the epochs that they get, and the jobs that train them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wave {
    /// 0, 1, …
    pub wave: u32,
    /// Its trials: `trials`, a list, or `grid`.
    #[serde(flatten)]
    pub trials: WaveTrials,
    /// Replicates on which each of them trains.
    pub replicates: Vec<u32>,
    /// What its trainings are for.
    pub phase: Phase,
    /// The epochs after which they begin and end.
    pub epochs: [u32; 2],
    /// Its jobs; their trials count from the first of the wave.
    pub jobs: Vec<Job>,
}

impl Wave {
    /// The wave that a whole sweep is when nothing learns: its trials, all replicates, all epochs.
    pub fn first(plan: &Plan, trials: &Trials, epochs: u32) -> Self {
        Self {
            wave: 0,
            trials: trials.as_recorded(),
            replicates: (0..plan.replicates).collect(),
            phase: Phase::Search,
            epochs: span(&plan.jobs, epochs),
            jobs: plan.jobs.clone(),
        }
    }

    /// The wave after all of `plan` that trains `trials`, which it has, afresh: on `count` replicates whose numbers go
    /// on after those that there are, so that their splits, first weights, batches and dropout are new.
    pub fn confirm(plan: &Plan, trials: &Trials, count: u32, sizes: &Sizes, epochs: u32) -> Self {
        let first = plan.replicate_numbers();
        Self::next(plan, trials, ((first..first + count).collect(), Phase::Confirm), sizes, epochs)
    }

    /// The wave after all of `plan` that trains `trials` on replicates, for a phase.
    pub fn next(
        plan: &Plan,
        trials: &Trials,
        (replicates, phase): (Vec<u32>, Phase),
        sizes: &Sizes,
        epochs: u32,
    ) -> Self {
        let count = u32::try_from(replicates.len()).unwrap_or(u32::MAX);
        let jobs = Plan::new(trials, count, sizes).jobs.into_iter().zip(plan.jobs.len() + 1..);
        let jobs = jobs.map(|(job, number)| Job {
            job_id: format!("job-{number:05}"),
            replicate: replicates[job.replicate as usize],
            phase,
            ..job
        });
        Self {
            wave: u32::try_from(plan.waves.len()).unwrap_or(u32::MAX),
            trials: trials.as_recorded(),
            jobs: jobs.collect(),
            replicates,
            phase,
            epochs: [0, epochs],
        }
    }

    /// The same, its trials judged after a part of their training: `of` says the epochs of each job by its first trial.
    ///
    /// # Errors
    /// Its jobs do not train its trials, in words.
    pub fn in_parts(mut self, of: impl Fn(&Job, &Hyperparameters) -> Option<[u32; 2]>) -> Result<Self, String> {
        let mut trials = Trials::default();
        let replicate = self.replicates.first().copied().unwrap_or(0);
        trials.extend(&self.trials, &self.stacks(replicate)?)?;
        for job in &mut self.jobs {
            job.epochs = of(job, &trials.get(job.first));
        }
        self.epochs = span(&self.jobs, self.epochs[1]);
        Ok(self)
    }

    /// Spans of trials that train together on a replicate, and so share a stack: those of its jobs, from the first
    /// trial to the last, each trial once.
    ///
    /// # Errors
    /// They are not, in words.
    fn stacks(&self, replicate: u32) -> Result<Vec<Range<usize>>, String> {
        let jobs = self.jobs.iter().filter(|job| job.replicate == replicate);
        let mut stacks: Vec<Range<usize>> = jobs.map(|job| job.first..job.first.saturating_add(job.count)).collect();
        stacks.sort_by_key(|stack| stack.start);
        let mut end = 0;
        for stack in &stacks {
            if stack.start != end || stack.is_empty() {
                return Err(format!("its jobs do not train each of its trials once on replicate {replicate}"));
            }
            end = stack.end;
        }
        Ok(stacks)
    }

    /// What is wrong with the wave by itself, in words.
    fn check(&self) -> Result<(), String> {
        if let Some(job) = self.jobs.iter().find(|job| !is_id(&job.job_id)) {
            return Err(format!("{:?} is no id of a job", job.job_id));
        }
        if let Some(job) = self.jobs.iter().find(|job| !self.replicates.contains(&job.replicate)) {
            return Err(format!("{} trains on replicate {}, which the wave does not have", job.job_id, job.replicate));
        }
        if let Some(job) = self.jobs.iter().find(|job| job.phase != self.phase) {
            return Err(format!("{} is for another phase", job.job_id));
        }
        let most = u32::try_from(i32::MAX).unwrap_or(u32::MAX);
        if let Some(replicate) = self.replicates.iter().find(|replicate| **replicate >= most) {
            return Err(format!("{replicate} is no number of a replicate"));
        }
        if let Some(job) = self.jobs.iter().find(|job| job.epochs.is_some_and(|[from, to]| from >= to)) {
            return Err(format!("{} trains no epoch", job.job_id));
        }
        if self.jobs.iter().any(|job| job.goes_on() != (self.epochs[0] > 0)) {
            return Err("some of its jobs go on, and others begin".to_owned());
        }
        Ok(())
    }
}

/// The epochs of a wave: those of its jobs from the first to the last, where they pause; else all.
fn span(jobs: &[Job], epochs: u32) -> [u32; 2] {
    let parts: Vec<[u32; 2]> = jobs.iter().filter_map(|job| job.epochs).collect();
    let from = parts.iter().map(|part| part[0]).min().unwrap_or(0);
    [from, parts.iter().map(|part| part[1]).max().unwrap_or(epochs)]
}

impl Plan {
    /// The plan and the trials that recorded waves make together. A wave that is recorded is never asked for again.
    /// One that trains trials again has places of its own for them in [`Trials`], but the plan counts them once; its
    /// replicates are new, so that each (trial, replicate) is trained once.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn replay(waves: &[Wave]) -> Result<(Self, Trials), String> {
        let mut trials = Trials::default();
        let mut plan = Self { trials: 0, replicates: 0, jobs: Vec::new(), waves: Vec::new() };
        let mut seen = HashSet::new();
        let mut replicates: BTreeSet<u32> = BTreeSet::new();
        for (expected, wave) in (0..).zip(waves) {
            if wave.wave != expected {
                return Err(format!("wave {} stands where wave {expected} is expected", wave.wave));
            }
            let named = |why: String| format!("wave {expected}: {why}");
            wave.check().map_err(named)?;
            let start = trials.len();
            let mut of_first: Option<Vec<Range<usize>>> = None;
            for &replicate in &wave.replicates {
                let stacks = wave.stacks(replicate).map_err(named)?;
                let end = |stacks: &[Range<usize>]| stacks.last().map_or(0, |stack| stack.end);
                match &of_first {
                    None => {
                        trials.extend(&wave.trials, &stacks).map_err(named)?;
                        of_first = Some(stacks);
                    }
                    Some(first) if end(&stacks) == end(first) => {}
                    Some(_) => return Err(named(format!("its jobs train other trials on replicate {replicate}"))),
                }
            }
            for job in &wave.jobs {
                if !seen.insert(job.job_id.as_str()) {
                    return Err(named(format!("{} is there twice", job.job_id)));
                }
            }
            let new = trials.distinct_from(start);
            if wave.phase == Phase::Confirm && new > 0 {
                return Err(named("it confirms a trial that no wave before it has".to_owned()));
            }
            let again: Vec<u32> =
                wave.replicates.iter().copied().filter(|number| replicates.contains(number)).collect();
            if start + new < trials.len() && !again.is_empty() {
                let new: HashSet<String> = (start..trials.len()).map(|index| trials.get(index).trial_id()).collect();
                // Those that paused may go on.
                let before = plan.jobs.iter().filter(|job| again.contains(&job.replicate));
                let before = before.filter(|job| wave.epochs[0] == 0 || job.epochs.is_none());
                let mut before =
                    before.flat_map(|job| (job.first..job.first + job.count).map(move |index| (index, job)));
                if let Some((_, job)) = before.find(|(index, _)| new.contains(&trials.get(*index).trial_id())) {
                    let replicate = job.replicate;
                    return Err(named(format!(
                        "it trains a trial again on replicate {replicate}, which is not new to it"
                    )));
                }
            }
            replicates.extend(&wave.replicates);
            plan.waves.push(plan.jobs.len());
            plan.jobs.extend(wave.jobs.iter().map(|job| Job { first: start + job.first, ..job.clone() }));
            plan.trials += new;
            plan.replicates = u32::try_from(plan.search_replicates().len()).unwrap_or(u32::MAX);
        }
        Ok((plan, trials))
    }
}

#[cfg(test)]
mod tests {
    use super::super::recorded::ListedTrial;
    use super::*;
    use crate::plan::{Sizes, Stacking};

    fn planned(parameters: &str, replicates: u32) -> (Plan, Trials) {
        let text = format!("name: t\ndata: {{source: d.csv, label: y}}\nparameters:\n{parameters}");
        let trials = Trials::new(&crate::spec::parse("t.yaml", &text).unwrap()).unwrap();
        let sizes = Sizes { features: 5, rows: 100, workers: 3, memory: 1 << 30, stacking: Stacking::CORE };
        (Plan::new(&trials, replicates, &sizes), trials)
    }

    fn all(trials: &Trials) -> Vec<Hyperparameters> {
        (0..trials.len()).map(|index| trials.get(index)).collect()
    }

    #[test]
    fn a_wave_that_is_written_and_read_makes_the_same_plan_and_trials() {
        for parameters in [
            "  {loss: {value: focal}, alpha: {min: 0.05, max: 0.95, count: 7}, hidden: {values: [[8], [4, 2]]}}",
            "  - {loss: {values: [bce, focal]}, alpha: {values: [0.1, 0.3]}, batch_size: {values: [64, 32]}}\n  \
             - {loss: {value: weighted_bce}, pos_weight: {values: [2, 5]}, initial_bias: {values: [prior, -1.5]}}\n  \
             - {loss: {value: bce}, sampling: {value: oversample}}",
        ] {
            let (plan, trials) = planned(parameters, 2);
            let wave = Wave::first(&plan, &trials, 30);
            let text = serde_json::to_string(&wave).unwrap();
            let read: Wave = serde_json::from_str(&text).unwrap();
            assert_eq!(read, wave);
            let (replayed, again) = Plan::replay(&[read]).unwrap();
            assert_eq!(replayed, plan, "{text}");
            assert_eq!(all(&again), all(&trials));
            assert!(again.groups().iter().all(|group| again.get(group.start).stacks_with(&again.get(group.end - 1))));
        }
    }

    #[test]
    fn a_hundred_thousand_trials_are_a_short_line() {
        let range = "{min: 0.0, max: 1.0, count: 100}";
        let (plan, trials) = planned(
            &format!(
                "  {{loss: {{value: focal}}, gamma: {range}, dropout: {{min: 0.0, max: 0.9, count: 100}}, \
                      weight_decay: {{min: 0, max: 1, count: 10}}}}"
            ),
            1,
        );
        assert_eq!(trials.len(), 100_000);
        let wave = Wave { jobs: Vec::new(), ..Wave::first(&plan, &trials, 30) };
        let text = serde_json::to_string(&wave).unwrap();
        assert!(text.len() < 6_000, "{} bytes", text.len());
        assert!(!text.contains('\n'));
    }

    #[test]
    fn a_plan_grows_by_a_wave_and_nothing_before_it_shifts() {
        let (plan, trials) = planned("  {loss: {value: focal}, alpha: {values: [0.1, 0.2, 0.3]}}", 2);
        let first = Wave::first(&plan, &trials, 30);
        let more = [0.7, 0.8].map(|alpha| Hyperparameters { alpha: Some(alpha), ..trials.get(0) });
        let phase = Phase::Search;
        let job = |number: usize, replicate| Job {
            job_id: format!("job-{number:05}"),
            replicate,
            first: 0,
            count: 2,
            phase,
            epochs: None,
        };
        let second = Wave {
            wave: 1,
            trials: WaveTrials::Listed(
                more.iter().map(|trial| ListedTrial { id: trial.trial_id(), parameters: trial.clone() }).collect(),
            ),
            replicates: vec![0, 1, 2],
            phase,
            epochs: [0, 30],
            jobs: (0..3).map(|replicate| job(plan.jobs.len() + 1 + replicate as usize, replicate)).collect(),
        };
        let (grown, all_trials) = Plan::replay(&[first.clone(), second.clone()]).unwrap();
        assert_eq!(grown.jobs[..plan.jobs.len()], plan.jobs[..]);
        assert_eq!((grown.trials, grown.replicates), (5, 3));
        assert_eq!(all(&all_trials)[..3], all(&trials)[..]);
        assert_eq!(all(&all_trials)[3..], more);
        assert!(grown.jobs[plan.jobs.len()..].iter().all(|job| (job.first, job.count) == (3, 2)));

        let refused = |waves: &[Wave]| Plan::replay(waves).unwrap_err();
        assert_eq!(refused(std::slice::from_ref(&second)), "wave 1 stands where wave 0 is expected");
        let mut short = second.clone();
        short.jobs.iter_mut().for_each(|job| job.count = 1);
        assert_eq!(refused(&[first.clone(), short]), "wave 1: its jobs do not train each of its trials");
        for (change, why) in [
            ((|wave| wave.jobs[1].count = 3) as fn(&mut Wave), "its jobs train other trials on replicate 1"),
            (|wave| wave.jobs[1].count = 10_000_000_000, "its jobs train other trials on replicate 1"),
            (|wave| wave.jobs[0].count = usize::MAX, "its jobs do not train each of its trials"),
            (|wave| wave.jobs[1].first = 1, "its jobs do not train each of its trials once on replicate 1"),
            (|wave| wave.jobs[1].replicate = 9, "job-00004 trains on replicate 9, which the wave does not have"),
            (|wave| wave.replicates.push(u32::MAX), "4294967295 is no number of a replicate"),
            (|wave| wave.phase = Phase::Confirm, "job-00003 is for another phase"),
            (|wave| wave.jobs[2].job_id = "job-00001".into(), "job-00001 is there twice"),
            (|wave| wave.jobs[2].job_id = "../../x".into(), "\"../../x\" is no id of a job"),
        ] {
            let mut wave = second.clone();
            change(&mut wave);
            assert_eq!(refused(&[first.clone(), wave]), format!("wave 1: {why}"));
        }
        let WaveTrials::Listed(listed) = &second.trials else { panic!("a list") };
        for (change, why) in [
            ((|trial| trial.parameters.alpha = Some(0.5)) as fn(&mut ListedTrial), "has other parameters than its id"),
            (|trial| trial.parameters.alpha = Some(1.5), "a trial's alpha is out of bounds"),
            (|trial| trial.parameters.hidden = vec![1 << 40], "a trial's hidden is out of bounds"),
            (|trial| trial.parameters.batch_size = 0, "a trial's batch_size is out of bounds"),
        ] {
            let mut listed = listed.clone();
            change(&mut listed[0]);
            let told = refused(&[first.clone(), Wave { trials: WaveTrials::Listed(listed), ..second.clone() }]);
            assert!(told.contains(why), "{told}");
        }
        let mut wide = listed.clone();
        wide[1].parameters.hidden = vec![7];
        wide[1].id = wide[1].parameters.trial_id();
        let told = refused(&[first, Wave { trials: WaveTrials::Listed(wide), ..second.clone() }]);
        assert_eq!(told, "wave 1: trials 3 and 4 cannot share a stack");
    }

    #[test]
    fn a_wave_that_confirms_trains_the_same_trials_on_replicates_numbered_onward() {
        let (plan, trials) =
            planned("  {loss: {value: focal}, alpha: {values: [0.1, 0.2, 0.3]}, hidden: {values: [[8], [4]]}}", 2);
        let sizes = Sizes { features: 5, rows: 100, workers: 3, memory: 1 << 30, stacking: Stacking::CORE };
        let finalists = Trials::listed([5, 0, 4].map(|index| trials.get(index)).to_vec());
        let waves = [Wave::first(&plan, &trials, 30), Wave::confirm(&plan, &finalists, 4, &sizes, 30)];
        let text = serde_json::to_string(&waves[1]).unwrap();
        assert_eq!(serde_json::from_str::<Wave>(&text).unwrap(), waves[1]);
        let (grown, all_trials) = Plan::replay(&waves).unwrap();
        assert_eq!((grown.trials, grown.replicates, grown.replicate_numbers()), (6, 2, 6));
        assert_eq!((grown.rows(), grown.rows_of(Phase::Search), grown.rows_of(Phase::Confirm)), (24, 12, 12));
        assert_eq!(grown.spans(), [0..plan.jobs.len(), plan.jobs.len()..grown.jobs.len()]);
        let phases = (0..6).map(|replicate| grown.phase_of(replicate)).collect::<Vec<_>>();
        assert_eq!(phases, [vec![Phase::Search; 2], vec![Phase::Confirm; 4]].concat());
        // Each (trial, replicate) once, and a trial keeps its first place.
        let mut keys = HashSet::new();
        for job in &grown.jobs {
            for index in job.first..job.first + job.count {
                assert!(keys.insert((all_trials.get(index).trial_id(), job.replicate)));
            }
        }
        assert_eq!(keys.len(), 24);
        let places = all_trials.places();
        assert!((0..6).all(|index| places[&trials.get(index).trial_id()] == index) && places.len() == 6);

        let third = Wave::confirm(&grown, &finalists, 2, &sizes, 30);
        assert_eq!((third.wave, &third.replicates), (2, &vec![6, 7]));
        let (more, _) = Plan::replay(&[waves.to_vec(), vec![third.clone()]].concat()).unwrap();
        assert_eq!((more.trials, more.replicates, more.rows()), (6, 2, 30));

        let refused = |wave: Wave| Plan::replay(&[waves[0].clone(), wave]).unwrap_err();
        let stranger = Hyperparameters { alpha: Some(0.7), ..trials.get(0) };
        let strange = Wave::confirm(&plan, &Trials::listed(vec![stranger]), 2, &sizes, 30);
        assert_eq!(refused(strange), "wave 1: it confirms a trial that no wave before it has");
        let mut old = waves[1].clone();
        old.replicates[0] = 1;
        old.jobs.iter_mut().filter(|job| job.replicate == 2).for_each(|job| job.replicate = 1);
        assert_eq!(refused(old), "wave 1: it trains a trial again on replicate 1, which is not new to it");
    }
}
