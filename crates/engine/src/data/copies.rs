//! Rows that stand on both sides of a split.

use super::label::Source;
use super::repeated::firsts;
use focalsweep_core::prepared::Replicate;

/// What to know of rows that choose or test, and are copies of rows that train.
pub fn copies_across(source: &Source, replicate: &Replicate) -> Option<String> {
    let firsts = firsts(&source.table, Some(&source.labels));
    let rows = |of: &[u32]| of.iter().filter_map(|&row| source.row_of(row)).collect::<Vec<usize>>();
    let mut trains = vec![false; firsts.len()];
    rows(&replicate.train.source_rows).into_iter().for_each(|row| trains[firsts[row] as usize] = true);
    let count = |of: &[u32]| rows(of).into_iter().filter(|&row| trains[firsts[row] as usize]).count();
    let (validation, test) = (count(&replicate.validation.source_rows), count(&replicate.test.source_rows));
    (validation + test > 0).then(|| {
        format!(
            "{test} of {} test rows and {validation} of {} validation rows are exact copies of training rows, so they \
             tell less than they seem to; `data.deduplicate: true` keeps the first of equal rows",
            replicate.test.len(),
            replicate.validation.len(),
        )
    })
}
