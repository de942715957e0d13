//! Work that whoever calls may share out over threads.

use std::sync::OnceLock;

use super::error::ReportError;
use super::scores::{ScoreGroup, ScoreSource};
use focalsweep_core::spec::Split;

/// Rows of scores that are held at once for several threads to work on: 2 million take 36 MB.
const ROWS_AT_ONCE: usize = 1 << 21;

/// Calls a function for each of 0..n, in any order. Who calls decides on how many threads.
pub type ForEach<'a> = &'a (dyn Fn(usize, &(dyn Fn(usize) + Sync)) + Sync);

/// What `each` returns for 0..n, in order.
pub(crate) fn gather<T: Send + Sync>(for_each: ForEach<'_>, n: usize, each: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let cells: Vec<OnceLock<T>> = (0..n).map(|_| OnceLock::new()).collect();
    for_each(n, &|at| drop(cells[at].set(each(at))));
    cells.into_iter().filter_map(OnceLock::into_inner).collect()
}

/// Hands on the scores that are wanted, those of a trial together, in the order of the source, each with what `work`
/// made of them; `work` is done for many trials at once.
///
/// # Errors
/// The scores are there but cannot be read.
pub(crate) fn each_trial<T: Send + Sync>(
    source: &dyn ScoreSource,
    wanted: &dyn Fn(&str, u32, Split) -> bool,
    for_each: ForEach<'_>,
    work: impl Fn(&[ScoreGroup]) -> T + Sync,
    mut take: impl FnMut(Vec<ScoreGroup>, T),
) -> Result<(), ReportError> {
    let mut held: Vec<Vec<ScoreGroup>> = Vec::new();
    let mut rows = 0;
    let mut work_on = |held: &mut Vec<Vec<ScoreGroup>>| {
        let done = gather(for_each, held.len(), |at| work(&held[at]));
        held.drain(..).zip(done).for_each(|(groups, done)| take(groups, done));
    };
    source.for_each(wanted, &mut |group| {
        let goes_on = held.last().and_then(|last| last.first()).is_some_and(|first| first.trial == group.trial);
        if !goes_on && rows >= ROWS_AT_ONCE {
            work_on(&mut held);
            rows = 0;
        }
        rows += group.rows.len();
        match held.last_mut().filter(|_| goes_on) {
            Some(last) => last.push(group),
            None => held.push(vec![group]),
        }
    })?;
    work_on(&mut held);
    Ok(())
}
