//! When each job ran, and on what: jobs that overlap on a device lie in lanes of their own, its slots.

use std::collections::HashMap;

use super::payload::{JobBar, Short, Timeline};
use super::times::RowTime;
use crate::results::State;

/// Jobs from their rows, times in seconds since the first job began.
pub(super) fn timeline(rows: &[RowTime]) -> Timeline {
    let Some(begin) = rows.iter().map(|row| row.started_at).min() else { return Timeline::default() };
    let mut jobs: Vec<Job<'_>> = Vec::new();
    let mut at: HashMap<(&str, i64), usize> = HashMap::new();
    for row in rows {
        // A job that was resumed began twice.
        let job = *at.entry((&row.job_id, row.started_at)).or_insert_with(|| {
            jobs.push(Job { first: row, end: row.finished_at, trials: 0, failed: 0 });
            jobs.len() - 1
        });
        let job = &mut jobs[job];
        job.end = job.end.max(row.finished_at);
        job.trials += 1;
        job.failed += usize::from(row.state == State::Failed);
    }
    let place = |job: &Job<'_>| (job.first.host.clone(), job.first.device.clone());
    jobs.sort_by_cached_key(|job| (place(job), job.first.started_at, job.first.job_id.clone()));
    let hosts = jobs.iter().map(|job| job.first.host.as_str()).collect::<std::collections::HashSet<_>>().len();

    let mut lanes: Vec<((String, String), i64)> = Vec::new();
    let mut bars = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let (place, start) = (place(job), job.first.started_at);
        let free = lanes.iter().position(|(of, until)| *of == place && *until <= start);
        let lane = free.unwrap_or_else(|| {
            lanes.push((place, 0));
            lanes.len() - 1
        });
        lanes[lane].1 = job.end;
        let seconds = |time: i64| Short((time - begin) as f64 / 1e6);
        bars.push(JobBar {
            lane,
            job: job.first.job_id.clone(),
            replicate: job.first.replicate,
            trials: job.trials,
            failed: job.failed,
            start: seconds(start),
            end: seconds(job.end),
        });
    }
    let mut slots: HashMap<&(String, String), usize> = HashMap::new();
    let names = lanes.iter().map(|(place, _)| {
        let slot = slots.entry(place).or_insert(0);
        *slot += 1;
        let host = if hosts > 1 { format!("{} ", place.0) } else { String::new() };
        format!("{host}{} slot {slot}", place.1)
    });
    Timeline { lanes: names.collect(), jobs: bars }
}

/// Rows of one job.
struct Job<'a> {
    first: &'a RowTime,
    end: i64,
    trials: usize,
    failed: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(job: &str, device: &str, started_at: i64, finished_at: i64) -> RowTime {
        RowTime {
            trial_id: "t".into(),
            replicate: 0,
            state: State::Finished,
            error: None,
            job_id: job.into(),
            device: device.into(),
            host: "h".into(),
            started_at,
            finished_at,
        }
    }

    #[test]
    fn jobs_that_overlap_lie_in_lanes_of_their_own() {
        let second = 1_000_000;
        let rows = [
            row("a", "cpu", 0, 2 * second),
            row("a", "cpu", 0, 3 * second),
            row("b", "cpu", second, 2 * second),
            row("c", "cpu", 2 * second, 4 * second),
            row("d", "cuda:0", 0, second),
        ];
        let timeline = timeline(&rows);
        assert_eq!(timeline.lanes, ["cpu slot 1", "cpu slot 2", "cuda:0 slot 1"]);
        let lanes: Vec<(&str, usize, f64)> =
            timeline.jobs.iter().map(|bar| (bar.job.as_str(), bar.lane, bar.end.0)).collect();
        assert_eq!(lanes, [("a", 0, 3.0), ("b", 1, 2.0), ("c", 1, 4.0), ("d", 2, 1.0)]);
        assert_eq!(timeline.jobs[0].trials, 2);
    }
}
