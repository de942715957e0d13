//! The cluster's limits, as `scontrol show config` prints them. Pure.

/// Limits that a submission has to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Most tasks of an array; indexes go from 0 to one less.
    pub(super) tasks: usize,
}

impl Default for Limits {
    /// Slurm's own default.
    fn default() -> Self {
        Self { tasks: 1001 }
    }
}

/// Reads `MaxArraySize` (indexes stay below it) and `SchedulerParameters=max_array_tasks`; 0 means that arrays are off.
pub(super) fn parse(text: &str) -> Limits {
    let value = |key: &str| {
        text.lines()
            .filter_map(|line| line.split_once('='))
            .find(|(k, _)| k.trim() == key)
            .map(|(_, value)| value.trim())
    };
    let size = value("MaxArraySize").and_then(|size| size.parse().ok()).unwrap_or(Limits::default().tasks);
    let most = value("SchedulerParameters")
        .and_then(|list| list.split(',').find_map(|item| item.trim().strip_prefix("max_array_tasks=")?.parse().ok()));
    Limits { tasks: most.map_or(size, |most: usize| most.min(size)) }
}
