//! A plan that grows: what a sweep asks for now and its run has not planned yet.

use std::collections::{BTreeSet, HashSet};

use thiserror::Error;

use super::jobs::{Plan, Sizes};
use super::phase::Phase;
use super::space::Trials;
use super::wave::Wave;
use crate::spec::Hyperparameters;

/// Ids of trials that are told one by one.
const MOST_TOLD: usize = 3;

/// Why a run cannot become what is asked for: what it has trained would be left over.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CannotGrow {
    /// Trials of the run are none of the sweep any more.
    #[error("the sweep lacks {count} of the run's trials ({})", .first.join(", "))]
    Trials {
        /// How many.
        count: usize,
        /// Ids of the first.
        first: Vec<String>,
    },
    /// The run has more replicates.
    #[error("the sweep asks for {asked} replicates, and the run has {there}")]
    Replicates {
        /// Replicates of the run's search.
        there: u32,
        /// Those that are asked for.
        asked: u32,
    },
}

impl Plan {
    /// The next wave of a search that has become larger since it was planned, after all of this plan: the trials that
    /// there are (`planned`) on replicates that are new, else those of `asked` that are new on all replicates. `None`
    /// where all is planned. To be asked again with what the wave makes of the plan.
    ///
    /// New replicates are numbered on from all that there are. So a search that grows trains as it would have from the
    /// start, unless replicates that confirm have these numbers.
    ///
    /// # Errors
    /// What is planned is not all asked for.
    pub fn growth(
        &self,
        planned: &Trials,
        asked: (&Trials, u32),
        sizes: &Sizes,
        epochs: u32,
    ) -> Result<Option<Wave>, CannotGrow> {
        let (trials, replicates) = asked;
        let there = self.search_replicates();
        let count = u32::try_from(there.len()).unwrap_or(u32::MAX);
        if replicates < count {
            return Err(CannotGrow::Replicates { there: count, asked: replicates });
        }
        let searched: BTreeSet<usize> = self
            .jobs
            .iter()
            .filter(|job| job.phase == Phase::Search)
            .flat_map(|job| job.first..job.first + job.count)
            .collect();
        // Waves that train trials again have places of their own for them.
        let mut known = HashSet::new();
        let searched: Vec<_> = searched
            .into_iter()
            .map(|index| planned.get(index))
            .filter(|trial| known.insert(trial.trial_id()))
            .collect();
        let wanted: Vec<_> = (0..trials.len()).map(|index| trials.get(index)).collect();
        let wanted_ids: HashSet<String> = wanted.iter().map(Hyperparameters::trial_id).collect();
        let mut lost = searched.iter().map(Hyperparameters::trial_id).filter(|id| !wanted_ids.contains(id)).peekable();
        if lost.peek().is_some() {
            let first: Vec<String> = lost.by_ref().take(MOST_TOLD).collect();
            return Err(CannotGrow::Trials { count: first.len() + lost.count(), first });
        }
        let (trials, on) = if replicates > count {
            let first = self.replicate_numbers();
            (searched, (first..first + (replicates - count)).collect())
        } else {
            (wanted.into_iter().filter(|trial| !known.contains(&trial.trial_id())).collect(), there)
        };
        if trials.is_empty() {
            return Ok(None);
        }
        Ok(Some(Wave::next(self, &Trials::listed(trials), (on, Phase::Search), sizes, epochs)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Stacking;
    use proptest::prelude::*;

    const SIZES: Sizes = Sizes { features: 5, rows: 100, workers: 3, memory: 1 << 30, stacking: Stacking::CORE };

    fn trials(alphas: &[u32], wide: bool) -> Trials {
        let values = alphas.iter().map(|alpha| format!("0.{alpha}")).collect::<Vec<_>>().join(", ");
        let hidden = if wide { "[[8], [4]]" } else { "[[8]]" };
        let text = format!(
            "name: t\ndata: {{source: d.csv, label: y}}\nparameters: \
             {{loss: {{value: focal}}, alpha: {{values: [{values}]}}, hidden: {{values: {hidden}}}}}"
        );
        Trials::new(&crate::spec::parse("t", &text).unwrap()).unwrap()
    }

    /// Every (trial, replicate) of the search, each once.
    fn keys(plan: &Plan, trials: &Trials) -> BTreeSet<(String, u32)> {
        let mut keys = BTreeSet::new();
        for job in plan.jobs.iter().filter(|job| job.phase == Phase::Search) {
            let first = trials.get(job.first);
            for trial in (job.first..job.first + job.count).map(|index| trials.get(index)) {
                assert!(trial.stacks_with(&first));
                assert!(keys.insert((trial.trial_id(), job.replicate)), "trained once");
            }
        }
        keys
    }

    fn grow(waves: &mut Vec<Wave>, asked: (&Trials, u32)) -> Result<usize, CannotGrow> {
        let before = waves.len();
        loop {
            let (plan, planned) = Plan::replay(waves).unwrap();
            let Some(wave) = plan.growth(&planned, asked, &SIZES, 30)? else { return Ok(waves.len() - before) };
            waves.push(wave);
            assert!(waves.len() < before + 3, "it ends");
        }
    }

    fn begun(trials: &Trials, replicates: u32) -> Vec<Wave> {
        vec![Wave::first(&Plan::new(trials, replicates, &SIZES), trials, 30)]
    }

    #[test]
    fn what_is_there_is_not_trained_again() {
        let small = trials(&[1, 2], false);
        let mut waves = begun(&small, 2);
        assert_eq!(grow(&mut waves, (&small, 2)), Ok(0));
        assert_eq!(grow(&mut waves, (&trials(&[1, 2, 3], true), 3)), Ok(2));
        assert_eq!(waves[1].replicates, [2]);
        assert_eq!(waves[2].replicates, [0, 1, 2]);
        assert_eq!(grow(&mut waves, (&trials(&[1, 2, 3], true), 3)), Ok(0));
    }

    #[test]
    fn what_is_there_has_to_be_asked_for() {
        let mut waves = begun(&trials(&[1, 2], true), 2);
        let why = grow(&mut waves, (&trials(&[1, 3], true), 2)).unwrap_err();
        assert!(matches!(&why, CannotGrow::Trials { count: 2, first } if first.len() == 2), "{why}");
        assert_eq!(grow(&mut waves, (&trials(&[1, 2], true), 1)), Err(CannotGrow::Replicates { there: 2, asked: 1 }));
        assert_eq!(waves.len(), 1);
    }

    #[test]
    fn replicates_that_confirm_keep_their_numbers() {
        let small = trials(&[1, 2], false);
        let mut waves = begun(&small, 2);
        let (plan, planned) = Plan::replay(&waves).unwrap();
        let best = Trials::listed(vec![planned.get(1)]);
        waves.push(Wave::confirm(&plan, &best, 3, &SIZES, 30));
        let more = trials(&[1, 2, 3], false);
        assert_eq!(grow(&mut waves, (&more, 3)), Ok(2));
        let (plan, planned) = Plan::replay(&waves).unwrap();
        assert_eq!((plan.replicates, plan.search_replicates()), (3, vec![0, 1, 5]));
        assert_eq!((plan.trials, keys(&plan, &planned).len(), plan.rows_of(Phase::Confirm)), (3, 9, 3));
        assert_eq!(plan.phase_of(5), Phase::Search);
        // And it confirms on from there.
        let best: Vec<Hyperparameters> = vec![planned.get(0)];
        assert_eq!(Wave::confirm(&plan, &Trials::listed(best), 1, &SIZES, 30).replicates, [6]);
    }

    proptest! {
        #[test]
        fn a_search_that_grows_becomes_the_search_that_is_asked_for(
            steps in prop::collection::vec((1u32..9, 1u32..5, any::<bool>()), 1..5)
        ) {
            let (mut count, mut replicates, mut wide) = (0, 0, false);
            let mut waves = Vec::new();
            for (step, more, shapes) in steps {
                (count, replicates, wide) = (count.max(step), replicates.max(more), wide || shapes);
                let asked = trials(&(1..=count).collect::<Vec<_>>(), wide);
                if waves.is_empty() {
                    waves = begun(&asked, replicates);
                } else {
                    grow(&mut waves, (&asked, replicates)).unwrap();
                }
                let (plan, planned) = Plan::replay(&waves).unwrap();
                let expected = (0..asked.len())
                    .flat_map(|index| (0..replicates).map(move |replicate| (index, replicate)))
                    .map(|(index, replicate)| (asked.get(index).trial_id(), replicate));
                prop_assert_eq!(keys(&plan, &planned), expected.collect());
                prop_assert_eq!((plan.trials, plan.replicates), (asked.len(), replicates));
            }
        }
    }
}
