//! How long each device trained: unions of the jobs' intervals.

use std::collections::{BTreeMap, HashMap};

use crate::read::Row;

/// A device of a run and what its workers did.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceUse {
    /// Host name.
    pub host: String,
    /// `cpu`, `cuda:0`.
    pub device: String,
    /// One entry for each job that it could train at once, each with its jobs in the order of time.
    pub slots: Vec<Vec<Interval>>,
}

/// A job on a device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// Microseconds since 1970-01-01 UTC.
    pub start: i64,
    /// When its last trial ended, likewise.
    pub end: i64,
    /// The job. One that was resumed has several intervals.
    pub job_id: String,
}

impl DeviceUse {
    /// Seconds that each slot trained.
    pub fn busy(&self) -> Vec<f64> {
        self.slots.iter().map(|jobs| jobs.iter().map(|job| seconds(job.end - job.start)).sum()).collect()
    }
}

/// What the devices of `rows` did, by host and device. Rows without times are left out.
///
/// A job's interval goes from its start to the end of its last trial. Intervals of a device that overlap were on
/// different slots: each goes to the first slot that is free, which needs no more slots than ever worked at once.
pub(crate) fn device_use<'a>(rows: impl Iterator<Item = &'a Row>) -> Vec<DeviceUse> {
    let mut jobs: HashMap<(&str, &str, &str, i64), i64> = HashMap::new();
    for timing in rows.filter_map(|row| row.timing.as_ref()) {
        let key = (timing.host.as_str(), timing.device.as_str(), timing.job_id.as_str(), timing.started_at);
        let end = jobs.entry(key).or_insert(timing.started_at);
        *end = timing.finished_at.max(*end);
    }
    let mut devices: BTreeMap<(&str, &str), Vec<Interval>> = BTreeMap::new();
    for ((host, device, job_id, start), end) in jobs {
        devices.entry((host, device)).or_default().push(Interval { start, end, job_id: job_id.to_owned() });
    }
    let device_use = |((host, device), mut intervals): ((&str, &str), Vec<Interval>)| {
        intervals.sort();
        let mut slots: Vec<Vec<Interval>> = Vec::new();
        for interval in intervals {
            let free = |slot: &Vec<Interval>| slot.last().is_none_or(|before| before.end <= interval.start);
            match slots.iter().position(free) {
                Some(slot) => slots[slot].push(interval),
                None => slots.push(vec![interval]),
            }
        }
        DeviceUse { host: host.to_owned(), device: device.to_owned(), slots }
    };
    devices.into_iter().map(device_use).collect()
}

/// Seconds in which anything was trained anywhere. The pause between an interruption and its resumption does not count.
pub fn training_seconds(devices: &[DeviceUse]) -> f64 {
    TrainingTime::new(devices).until(i64::MAX)
}

/// When anything was trained anywhere.
pub(crate) struct TrainingTime {
    /// Start and end of times without a pause, one after the other.
    spans: Vec<(i64, i64)>,
}

impl TrainingTime {
    /// That of a run's devices.
    pub(crate) fn new(devices: &[DeviceUse]) -> Self {
        let mut all: Vec<&Interval> = devices.iter().flat_map(|device| device.slots.iter().flatten()).collect();
        all.sort();
        let mut spans: Vec<(i64, i64)> = Vec::new();
        for interval in all {
            match spans.last_mut() {
                Some((_, end)) if interval.start <= *end => *end = interval.end.max(*end),
                _ => spans.push((interval.start, interval.end)),
            }
        }
        Self { spans }
    }

    /// Seconds of it until a time.
    pub(crate) fn until(&self, time: i64) -> f64 {
        seconds(self.spans.iter().map(|&(start, end)| (end.min(time) - start).max(0)).sum())
    }
}

/// `cpu: 2 slots busy 3.1 s + 2.9 s of 3.3 s`, a part for each device; hosts are named where there are several. Empty
/// without devices.
pub fn devices_in_words(devices: &[DeviceUse]) -> String {
    /// Slots that are listed one by one.
    const LISTED: usize = 8;
    let total = training_seconds(devices);
    let several = devices.iter().any(|device| device.host != devices[0].host);
    let in_words = |device: &DeviceUse| {
        let host = if several { format!("{} ", device.host) } else { String::new() };
        let busy = device.busy();
        let listed = if busy.len() <= LISTED {
            busy.iter().map(|&s| format!("{} s", short(s))).collect::<Vec<_>>().join(" + ")
        } else {
            let least = busy.iter().copied().fold(f64::INFINITY, f64::min);
            let most = busy.iter().copied().fold(0.0, f64::max);
            format!("{} s to {} s", short(least), short(most))
        };
        let slots = if busy.len() == 1 { "1 slot".to_owned() } else { format!("{} slots", busy.len()) };
        format!("{host}{}: {slots} busy {listed} of {} s", device.device, short(total))
    };
    devices.iter().map(in_words).collect::<Vec<_>>().join("; ")
}

/// One decimal below a hundred seconds, none above.
fn short(seconds: f64) -> String {
    if seconds < 99.95 { format!("{seconds:.1}") } else { format!("{seconds:.0}") }
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::Timing;

    fn row(host: &str, device: &str, job_id: &str, start: f64, end: f64) -> Row {
        let micros = |seconds: f64| (seconds * 1e6) as i64;
        let timing = Timing {
            host: host.into(),
            device: device.into(),
            job_id: job_id.into(),
            started_at: micros(start),
            finished_at: micros(end),
        };
        Row { timing: Some(timing), ..crate::tests::bare_row() }
    }

    #[test]
    fn intervals_of_a_device_lie_on_as_few_slots_as_worked_at_once() {
        let rows = [
            row("a", "cpu", "j1", 0.0, 1.5), // two trials of one job
            row("a", "cpu", "j1", 0.0, 2.0),
            row("a", "cpu", "j2", 0.1, 1.0),
            row("a", "cpu", "j3", 1.0, 3.3), // starts as j2 ends
            row("a", "cuda:0", "j4", 0.5, 0.75),
        ];
        let devices = device_use(rows.iter());
        let jobs = |slot: &[Interval]| slot.iter().map(|job| job.job_id.clone()).collect::<Vec<_>>().join(" ");
        let slots = |device: &DeviceUse| device.slots.iter().map(|slot| jobs(slot)).collect::<Vec<_>>();
        assert_eq!(slots(&devices[0]), ["j1", "j2 j3"]);
        assert_eq!(slots(&devices[1]), ["j4"]);
        assert_eq!(
            devices_in_words(&devices),
            "cpu: 2 slots busy 2.0 s + 3.2 s of 3.3 s; cuda:0: 1 slot busy 0.2 s of 3.3 s"
        );
    }

    #[test]
    fn a_pause_between_two_runs_is_not_idle_time() {
        // Interrupted after 2 s and resumed an hour later.
        let rows = [row("a", "cpu", "j1", 0.0, 2.0), row("a", "cpu", "j1", 3600.0, 3601.0)];
        let devices = device_use(rows.iter());
        assert_eq!((devices[0].busy(), training_seconds(&devices)), (vec![3.0], 3.0));
        let time = TrainingTime::new(&devices);
        let until = |seconds: f64| time.until((seconds * 1e6) as i64);
        assert_eq!([-1.0, 1.5, 2.0, 100.0, 3600.5].map(until), [0.0, 1.5, 2.0, 2.0, 2.5]);
    }

    #[test]
    fn hosts_are_named_where_there_are_several_and_many_slots_are_summed_up() {
        let rows: Vec<Row> =
            (0..40).map(|i| row(["a", "b"][i % 2], "cpu", &i.to_string(), 0.0, 1.0 + i as f64)).collect();
        assert_eq!(
            devices_in_words(&device_use(rows.iter())),
            "a cpu: 20 slots busy 1.0 s to 39.0 s of 40.0 s; b cpu: 20 slots busy 2.0 s to 40.0 s of 40.0 s"
        );
        assert_eq!(devices_in_words(&[]), "");
    }
}
