//! How a search went: the trials in the order in which they were asked for, and the best until then.

use std::collections::HashMap;

use super::payload::{Course, Metric, Short, Step};
use crate::rank::{Ranked, Ranking, TrainingTime};
use crate::read::{Row, column};
use focalsweep_core::spec::Split;

/// When each trial was asked for, and when it ended.
pub(super) struct Order<'a> {
    /// By trial: its number from 1, and the seconds of training until its last row ended.
    of: HashMap<&'a str, (usize, Option<f64>)>,
}

impl<'a> Order<'a> {
    /// Rows stand in the order in which their trials were asked for.
    pub(super) fn new(ranking: &Ranking, rows: &[&'a Row]) -> Self {
        let time = TrainingTime::new(&ranking.devices);
        let mut ends: HashMap<&str, (usize, Option<i64>)> = HashMap::new();
        for row in rows {
            let next = ends.len() + 1;
            let (_, last) = ends.entry(&row.trial_id).or_insert((next, None));
            *last = row.timing.as_ref().map(|timing| timing.finished_at).max(*last);
        }
        let trained = |(number, last): (usize, Option<i64>)| (number, last.map(|last| time.until(last)));
        Self { of: ends.into_iter().map(|(trial, of)| (trial, trained(of))).collect() }
    }

    /// Trials that were asked for and have rows.
    pub(super) fn asked(&self) -> usize {
        self.of.len()
    }

    /// The number of a trial, and the seconds of training until it ended.
    pub(super) fn of(&self, ranked: &Ranked) -> (usize, Option<f64>) {
        self.of.get(ranked.trial.trial_id.as_str()).copied().unwrap_or_default()
    }

    /// The best until then by each metric of the validation rows that is plotted and has a better. Whole trials count;
    /// `place` is where a trial, by its index in the ranking, stands in the page.
    pub(super) fn best_so_far(
        &self,
        ranking: &Ranking,
        metrics: &[Metric],
        place: &dyn Fn(usize) -> Option<usize>,
    ) -> Vec<Course> {
        let course = |metric: &Metric| {
            let test = ranking.place_of(&column(Split::Test, metric.name));
            let value = ranking.place_of(&metric.column);
            let step = |(trial, ranked): (usize, &Ranked)| {
                let (order, trained) = self.of(ranked);
                Some(Step {
                    trial: place(trial),
                    order,
                    trained: trained.map(Short),
                    value: Short(ranked.mean_at(value)?),
                    test: ranked.mean_at(test).map(Short),
                })
            };
            let whole = ranking.trials.iter().enumerate().filter(|(_, ranked)| ranked.trial.complete);
            let mut steps: Vec<Step> = whole.filter_map(step).collect();
            steps.sort_by_key(|step| step.order);
            let by_order = improvements(&steps, metric.goal);
            steps.retain(|step| step.trained.is_some());
            let trained = |step: &Step| step.trained.map_or(0.0, |trained| trained.0);
            steps.sort_by(|a, b| trained(a).total_cmp(&trained(b)));
            Course { column: metric.column.clone(), by_order, by_time: improvements(&steps, metric.goal) }
        };
        let of_search = |metric: &&Metric| metric.split == "val" && metric.plotted && metric.goal != 0;
        metrics.iter().filter(of_search).map(course).filter(|course| !course.by_order.is_empty()).collect()
    }
}

/// Those that are better than all before them.
fn improvements(steps: &[Step], goal: i8) -> Vec<Step> {
    let mut best: Option<f64> = None;
    let mut found = Vec::new();
    for step in steps {
        let value = step.value.0 * f64::from(goal);
        if best.is_none_or(|best| value > best) {
            best = Some(value);
            found.push(step.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Report;
    use crate::page::columns;
    use crate::read::Timing;
    use crate::tests::{ranked, results, row};
    use focalsweep_core::record::State;

    fn timed(trial: &str, replicate: u32, auc: f64, (start, end): (i64, i64)) -> Row {
        let timing = Timing {
            host: "a".into(),
            device: "cpu".into(),
            job_id: format!("{trial} {replicate}"),
            started_at: start * 1_000_000,
            finished_at: end * 1_000_000,
        };
        Row { timing: Some(timing), ..row(trial, replicate, "bce", None, auc, 1.0) }
    }

    #[test]
    fn the_best_so_far_is_that_of_whole_trials_in_their_order_without_pauses() {
        // Asked for as y, x, w, v; x ended first; between 3 s and 100 s nobody trained.
        let mut failed = timed("w", 0, 0.99, (100, 101));
        failed.state = State::Failed;
        failed.metrics.fill(None);
        let rows = vec![
            timed("y", 0, 0.8, (0, 3)),
            timed("x", 0, 0.85, (0, 2)),
            failed,
            timed("v", 0, 0.9, (100, 102)),
            timed("u", 0, 0.7, (100, 104)),
        ];
        let results = results(rows);
        let ranking = ranked(&results, &["auc"]);
        let report = Report::bare(ranking.clone());
        let rows: Vec<&Row> = results.rows.iter().collect();
        let order = Order::new(&ranking, &rows);
        let shown: Vec<&Ranked> = ranking.trials.iter().collect();
        let metrics = columns::metrics(&report, &shown);
        let courses = order.best_so_far(&ranking, &metrics, &|trial| (trial != 0).then_some(trial));
        let auc = courses.iter().find(|course| course.column == "val_auc").unwrap();
        let steps = |of: &[Step]| -> Vec<(usize, f64, f64)> {
            of.iter().map(|step| (step.order, step.trained.unwrap().0, step.value.0)).collect()
        };
        assert_eq!(steps(&auc.by_order), [(1, 3.0, 0.8), (2, 2.0, 0.85), (4, 5.0, 0.9)]);
        assert_eq!(steps(&auc.by_time), [(2, 2.0, 0.85), (4, 5.0, 0.9)]);
        assert_eq!((auc.by_time[1].trial, auc.by_time[0].trial), (None, Some(1)));
        assert!((auc.by_time[1].test.unwrap().0 - 0.89).abs() < 1e-9);
        assert_eq!(order.asked(), 5);
        // Less is better: y misses as many as all, so the first stays.
        let missed = courses.iter().find(|course| course.column == "val_fn");
        assert!(missed.is_none_or(|missed| missed.by_order.len() == 1));
    }
}
