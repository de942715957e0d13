//! When each job ran, and on which slot of which device.

use std::collections::HashMap;

use super::payload::{JobBar, Short, Timeline};
use crate::rank::DeviceUse;
use crate::read::Row;
use focalsweep_core::record::State;

/// The slots of `devices` as lanes with their jobs as bars, in seconds since the first job began.
pub(super) fn timeline(devices: &[DeviceUse], rows: &[&Row]) -> Timeline {
    let intervals = || devices.iter().flat_map(|device| device.slots.iter().flatten());
    let Some(begin) = intervals().map(|interval| interval.start).min() else { return Timeline::default() };
    let mut rows_of: HashMap<(&str, i64), Vec<&Row>> = HashMap::new();
    for &row in rows {
        if let Some(timing) = &row.timing {
            rows_of.entry((&timing.job_id, timing.started_at)).or_default().push(row);
        }
    }
    let several = devices.iter().any(|device| device.host != devices[0].host);
    let mut timeline = Timeline::default();
    for device in devices {
        for (slot, jobs) in device.slots.iter().enumerate() {
            let host = if several { format!("{} ", device.host) } else { String::new() };
            let lane = timeline.lanes.len();
            timeline.lanes.push(format!("{host}{} slot {}", device.device, slot + 1));
            for job in jobs {
                let rows: &[&Row] = rows_of.get(&(job.job_id.as_str(), job.start)).map_or(&[], Vec::as_slice);
                let seconds = |time: i64| Short((time - begin) as f64 / 1e6);
                timeline.jobs.push(JobBar {
                    lane,
                    job: job.job_id.clone(),
                    replicate: rows.first().map_or(0, |row| row.replicate),
                    trials: rows.len(),
                    failed: rows.iter().filter(|row| row.state == State::Failed).count(),
                    start: seconds(job.start),
                    end: seconds(job.end),
                });
            }
        }
    }
    timeline
}
