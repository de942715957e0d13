//! A plan that grows: what a sweep asks for now and its run has not planned yet.

use std::collections::{BTreeSet, HashMap};

use super::jobs::{Plan, Sizes};
use super::phase::Phase;
use super::space::Trials;
use super::wave::Wave;
use crate::spec::Hyperparameters;

impl Plan {
    /// The next wave of a search that has become larger since it was planned, after all of this plan: trials of `asked`
    /// on the replicates that they are not planned on, as many as there are asked for or are there already, so that all
    /// trials can be ranked together. `None` where all is planned. To be asked again with what the wave makes of the
    /// plan. What is planned and not asked for stays.
    ///
    /// New replicates are numbered on from all that there are. So a search that grows trains as it would have from the
    /// start, unless replicates that confirm have these numbers.
    pub fn growth(
        &self,
        planned: &Trials,
        (asked, replicates): (&Trials, u32),
        sizes: &Sizes,
        epochs: u32,
    ) -> Option<Wave> {
        let mut wanted = self.search_replicates();
        let first = self.replicate_numbers();
        let more = replicates.saturating_sub(u32::try_from(wanted.len()).unwrap_or(u32::MAX));
        wanted.extend(first..first + more);
        // Waves that train trials again have places of their own for them.
        let mut trained: HashMap<String, BTreeSet<u32>> = HashMap::new();
        for job in self.jobs.iter().filter(|job| job.phase == Phase::Search) {
            for index in job.first..job.first + job.count {
                trained.entry(planned.get(index).trial_id()).or_default().insert(job.replicate);
            }
        }
        // Those that were begun first; then those of the first that lack something, which lack the same.
        let lacking = |trial: &Hyperparameters| -> Vec<u32> {
            let of_trial = trained.get(&trial.trial_id());
            wanted.iter().copied().filter(|number| of_trial.is_none_or(|of| !of.contains(number))).collect()
        };
        let mut lack: Vec<(Hyperparameters, Vec<u32>)> = (0..asked.len())
            .map(|index| asked.get(index))
            .map(|trial| {
                let of = lacking(&trial);
                (trial, of)
            })
            .filter(|(_, of)| !of.is_empty())
            .collect();
        let on = lack.iter().map(|(_, of)| of).min_by_key(|of| of.len())?.clone();
        lack.retain(|(_, of)| *of == on);
        let trials = Trials::listed(lack.into_iter().map(|(trial, _)| trial).collect());
        Some(Wave::next(self, &trials, (on, Phase::Search), sizes, epochs))
    }

    /// How many trials and replicates of the search are planned that are not `asked` for.
    pub fn beyond(&self, planned: &Trials, (asked, replicates): (&Trials, u32)) -> (usize, usize) {
        let asked: BTreeSet<String> = (0..asked.len()).map(|index| asked.get(index).trial_id()).collect();
        let trials: BTreeSet<String> = (0..planned.len()).map(|index| planned.get(index).trial_id()).collect();
        (trials.difference(&asked).count(), (self.replicates as usize).saturating_sub(replicates as usize))
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

    fn grow(waves: &mut Vec<Wave>, asked: (&Trials, u32)) -> usize {
        let before = waves.len();
        loop {
            let (plan, planned) = Plan::replay(waves).unwrap();
            let Some(wave) = plan.growth(&planned, asked, &SIZES, 30) else { return waves.len() - before };
            waves.push(wave);
            assert!(waves.len() < before + 10, "it ends");
        }
    }

    fn begun(trials: &Trials, replicates: u32) -> Vec<Wave> {
        vec![Wave::first(&Plan::new(trials, replicates, &SIZES), trials, 30)]
    }

    #[test]
    fn what_is_there_is_not_trained_again() {
        let small = trials(&[1, 2], false);
        let mut waves = begun(&small, 2);
        assert_eq!(grow(&mut waves, (&small, 2)), 0);
        assert_eq!(grow(&mut waves, (&trials(&[1, 2, 3], true), 3)), 2);
        assert_eq!(waves[1].replicates, [2]);
        assert_eq!(waves[2].replicates, [0, 1, 2]);
        assert_eq!(grow(&mut waves, (&trials(&[1, 2, 3], true), 3)), 0);
    }

    #[test]
    fn what_is_not_asked_for_any_more_stays_and_can_be_asked_for_again() {
        let all = trials(&[1, 2], true);
        let mut waves = begun(&all, 1);
        // Two of the four, on one replicate more; the others lack it.
        let some = trials(&[1, 2], false);
        assert_eq!(grow(&mut waves, (&some, 2)), 1);
        let (plan, planned) = Plan::replay(&waves).unwrap();
        assert_eq!((plan.trials, plan.replicates, keys(&plan, &planned).len()), (4, 2, 6));
        assert_eq!(plan.beyond(&planned, (&some, 1)), (2, 1));
        assert_eq!(plan.beyond(&planned, (&all, 2)), (0, 0));
        // A new trial is trained on all replicates that there are, though fewer are asked for.
        assert_eq!(grow(&mut waves, (&trials(&[1, 2, 3], false), 1)), 1);
        assert_eq!(waves[2].replicates, [0, 1]);
        // And what lacked one gets it.
        assert_eq!(grow(&mut waves, (&trials(&[1, 2, 3], true), 2)), 2);
        let (plan, planned) = Plan::replay(&waves).unwrap();
        assert_eq!((plan.trials, plan.replicates, keys(&plan, &planned).len()), (6, 2, 12));
    }

    #[test]
    fn replicates_that_confirm_keep_their_numbers() {
        let small = trials(&[1, 2], false);
        let mut waves = begun(&small, 2);
        let (plan, planned) = Plan::replay(&waves).unwrap();
        let best = Trials::listed(vec![planned.get(1)]);
        waves.push(Wave::confirm(&plan, &best, 3, &SIZES, 30));
        let more = trials(&[1, 2, 3], false);
        assert_eq!(grow(&mut waves, (&more, 3)), 2);
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
                    grow(&mut waves, (&asked, replicates));
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
