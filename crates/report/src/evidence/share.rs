//! Work that whoever calls may share out over threads.

use std::sync::OnceLock;

/// Calls a function for each of 0..n, in any order. Who calls decides on how many threads.
pub type ForEach<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// What `each` returns for 0..n, in order.
pub(super) fn gather<T: Send + Sync>(for_each: ForEach<'_>, n: usize, each: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let cells: Vec<OnceLock<T>> = (0..n).map(|_| OnceLock::new()).collect();
    for_each(n, &|at| drop(cells[at].set(each(at))));
    cells.into_iter().filter_map(OnceLock::into_inner).collect()
}
