//! How much memory may be taken, asked before much of it is: an estimate that does not fit is an error with a way out,
//! where the system would end the process without a word.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is left to the rest of the process and to the system: a tenth.
const LEFT_ALONE: u64 = 10;

/// Stack of a thread, with what the system puts beside it.
const STACK: u64 = (2 << 20) + (64 << 10);
/// Room that threads need to begin with anything.
const BESIDE_STACKS: u64 = 16 << 20;

/// Memory that a task may take, and what of it is taken.
#[derive(Debug)]
pub struct Budget {
    most: u64,
    taken: AtomicU64,
}

/// An estimate that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Short {
    /// Bytes that would be needed in all.
    pub need: u64,
    /// Bytes that may be taken.
    pub most: u64,
}

impl Budget {
    /// What may be taken now; where the system does not say, as much as anybody wants.
    pub fn now() -> Self {
        Self::of(free().map_or(u64::MAX, |free| free - free / LEFT_ALONE))
    }

    /// So many bytes.
    pub fn of(most: u64) -> Self {
        Self { most, taken: AtomicU64::new(0) }
    }

    /// How many bytes may be taken in all.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// Whether so many bytes could be taken at the beginning.
    ///
    /// # Errors
    /// They are not there.
    pub fn holds(&self, need: u64) -> Result<(), Short> {
        if need > self.most { Err(Short { need, most: self.most }) } else { Ok(()) }
    }

    /// Takes so many bytes more.
    ///
    /// # Errors
    /// They are not there.
    pub fn take(&self, bytes: u64) -> Result<(), Short> {
        self.holds(self.taken.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes))
    }
}

/// `1.5 GiB`
pub fn in_words(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1000.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", units[unit])
}

/// Whether so many threads more find room for their stacks, and then have as much again. A thread that finds none when
/// it starts ends the process; where no limit is set there always is, since a stack that is not used takes no memory.
///
/// # Errors
/// They do not.
pub fn holds_threads(threads: usize) -> Result<(), Short> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let left = own_limits(&read("/proc/self/limits"), &read("/proc/self/status"));
    Budget::of(left.unwrap_or(u64::MAX)).holds((threads as u64).saturating_mul(2 * STACK).saturating_add(BESIDE_STACKS))
}

/// Bytes that this process can still get: of the system, of its control groups, of its own limits (`ulimit -v`, `-d`),
/// whichever is least. `None` where none of them says.
pub fn free() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let status = read("/proc/self/status");
    let system = kib(&read("/proc/meminfo"), "MemAvailable:");
    let own = own_limits(&read("/proc/self/limits"), &status);
    let groups = of_groups(Path::new("/sys/fs/cgroup"), &read("/proc/self/cgroup"));
    [system, own, groups].into_iter().flatten().min()
}

/// The number after `key` in a file of lines `key   123 kB` (proc(5)), in bytes.
fn kib(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// What the limits of /proc/self/limits leave, by the sizes in /proc/self/status.
fn own_limits(limits: &str, status: &str) -> Option<u64> {
    let left = |limit: &str, used: &str| {
        let rest = limits.lines().find_map(|line| line.strip_prefix(limit))?;
        let most = rest.split_whitespace().next()?.parse::<u64>().ok()?;
        Some(most.saturating_sub(kib(status, used).unwrap_or(0)))
    };
    [left("Max address space", "VmSize:"), left("Max data size", "VmData:")].into_iter().flatten().min()
}

/// What the control groups of the process, and those that they are in, leave; of both versions.
fn of_groups(root: &Path, own: &str) -> Option<u64> {
    let groups = own.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        match controllers {
            "" => Some((root.to_path_buf(), path, ["memory.max", "memory.current", "inactive_file"])),
            _ if controllers.split(',').any(|name| name == "memory") => {
                let names = ["memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"];
                Some((root.join("memory"), path, names))
            }
            _ => None,
        }
    });
    let left = |folder: &Path, [most, used, cache]: [&str; 3]| {
        let text = |name: &str| fs::read_to_string(folder.join(name)).ok();
        let number = |name: &str| text(name)?.trim().parse::<u64>().ok();
        // Pages of files that nobody uses count as used, and are given back when somebody asks.
        let cache = text("memory.stat").and_then(|stat| {
            let line = stat.lines().find_map(|line| line.strip_prefix(cache)?.strip_prefix(' ').map(str::to_owned));
            line?.parse::<u64>().ok()
        });
        let used = number(used).unwrap_or(0).saturating_sub(cache.unwrap_or(0));
        Some(number(most)?.saturating_sub(used))
    };
    let of_group = |(root, path, names): (std::path::PathBuf, &str, [&str; 3])| {
        let folder = root.join(path.trim_start_matches('/'));
        folder.ancestors().take_while(|at| at.starts_with(&root)).filter_map(|at| left(at, names)).min()
    };
    groups.filter_map(of_group).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_process_leave_what_it_does_not_use() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
                      Max data size             unlimited            unlimited            bytes\n\
                      Max address space         2097152000           unlimited            bytes\n";
        let status = "VmSize:\t  102400 kB\nVmData:\t 1024 kB\n";
        assert_eq!(own_limits(limits, status), Some(2_097_152_000 - 102_400 * 1024));
        assert_eq!(own_limits(&limits.replace("2097152000", "unlimited"), status), None);
        assert_eq!(own_limits("", ""), None);
        assert_eq!(kib("MemFree: 1 kB\nMemAvailable:   5000 kB\n", "MemAvailable:"), Some(5_120_000));
    }

    #[test]
    fn the_narrowest_control_group_counts_without_its_cache() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("user/job/memory.max", "max\n");
        put("user/memory.max", "1000\n");
        put("user/memory.current", "700\n");
        put("user/memory.stat", "anon 1\ninactive_file 200\n");
        assert_eq!(of_groups(root.path(), "0::/user/job\n"), Some(500));
        assert_eq!(of_groups(root.path(), "0::/elsewhere\n"), None);
        put("memory/slurm/memory.limit_in_bytes", "900\n");
        put("memory/slurm/memory.usage_in_bytes", "850\n");
        assert_eq!(of_groups(root.path(), "3:cpu,memory:/slurm\n0::/user/job\n"), Some(50));
    }

    #[test]
    fn what_is_taken_is_gone() {
        let budget = Budget::of(100);
        assert_eq!(budget.take(60), Ok(()));
        assert_eq!(budget.take(41), Err(Short { need: 101, most: 100 }));
        assert!(free().is_none_or(|free| free > 1 << 20));
        assert_eq!(holds_threads(1), Ok(()));
        assert_eq!(
            [1_500, 3 << 30, u64::MAX].map(in_words),
            ["1.5 KiB".to_owned(), "3.0 GiB".to_owned(), "16.0 EiB".to_owned()]
        );
    }
}
