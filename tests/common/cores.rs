//! Holding a program to some of the cores.

/// The first cores that this process may use, as `taskset -c` takes them: `0,1`.
pub(crate) fn first_cores(most: usize) -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc(5)");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("proc(5)");
    let ranges = list.trim().split(',').map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        first.parse::<usize>().expect("a number")..=last.parse().expect("a number")
    });
    ranges.flatten().take(most).map(|core| core.to_string()).collect::<Vec<_>>().join(",")
}
