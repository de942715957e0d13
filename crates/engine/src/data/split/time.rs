//! The past trains, the future tests.

use std::collections::HashSet;
use std::ops::Range;

use super::super::error::DataError;
use super::super::time::in_words;
use super::columns::{Counts, Groups, Times};
use super::random::count;
use super::{Dealt, Parts};
use focalsweep_core::spec::{KnownGroups, Span, SplitBy, SplitSpec};

/// The rows of window `window` of `windows`, each after its training rows.
///
/// The last `split.test` of the rows are cut into windows of as many rows each, in the order of time; rows of one time
/// are never parted. Rows before a window are its past: the last `split.validation` of all rows validate, what is
/// before trains. Between two parts rows are left out that are less than the gap, or just the gap, before the first row
/// of the later one, so that with times 0, 1, 2, … a gap of 3 leaves out 3 rows, as scikit-learn's `TimeSeriesSplit`
/// has it.
///
/// # Errors
/// The gap is of another kind than the column; a part is left without rows.
pub(super) fn split(
    times: &Times,
    groups: Option<&Groups>,
    spec: &SplitSpec,
    window: u32,
    windows: u32,
) -> Result<Dealt, DataError> {
    let SplitBy::Time { gap, label_delay, window: back, groups: known, .. } = &spec.by else {
        return Ok(Dealt::default());
    };
    let gap = times.length("split.gap", gap.or(*label_delay))?.unwrap_or(0.0);
    let back = times.length("split.window", *back)?;
    let order = times.order();
    let at = |place: usize| times.of_row[order[place] as usize];
    let rows = order.len();
    let is_start = |place: usize| place == 0 || place >= rows || at(place) > at(place - 1);
    // The place nearest to a wanted one at which a time begins.
    let nearest_start = |wanted: usize| {
        let after = (wanted..=rows).find(|&place| is_start(place)).unwrap_or(rows);
        let before = (0..=wanted).rev().find(|&place| is_start(place)).unwrap_or(0);
        if wanted - before < after - wanted { before } else { after }
    };
    // Rows before a place, but for those within the gap.
    let past = |start: usize| {
        let first = at(start);
        order[..start].partition_point(|&row| times.of_row[row as usize] < first - gap)
    };
    let tested = count(spec.test, rows).min(rows);
    let edge = |number: u32| nearest_start(rows - tested + tested * number as usize / windows as usize);
    let tests: Range<usize> = edge(window)..edge(window + 1);
    let empty = |part: &'static str| {
        let name =
            if windows > 1 { format!("window {} of {windows}", window + 1) } else { "the test window".to_owned() };
        Err(DataError::EmptyWindow { part, window: name, column: times.column.clone() })
    };
    if tests.is_empty() {
        return empty("test");
    }
    let known_by_test = past(tests.start);
    let validated = count(spec.validation, rows);
    if known_by_test <= validated {
        return empty("training");
    }
    let validation = nearest_start(known_by_test - validated)..known_by_test;
    if validation.is_empty() {
        return empty("validation");
    }
    let train_end = past(validation.start);
    let oldest = back.map_or(0, |back| {
        let first = at(validation.start) - gap - back;
        order[..train_end].partition_point(|&row| times.of_row[row as usize] < first)
    });
    let train = oldest..train_end;
    if train.is_empty() {
        return empty("training");
    }
    let mut notes = vec![format!(
        "split by time `{}`, {}: trains on {} to {}, chooses on {} to {}, tests on {} to {}",
        times.column,
        if windows > 1 { format!("window {} of {windows}", window + 1) } else { "one window".to_owned() },
        times.show(at(train.start)),
        times.show(at(train.end - 1)),
        times.show(at(validation.start)),
        times.show(at(validation.end - 1)),
        times.show(at(tests.start)),
        times.show(at(tests.end - 1)),
    )];
    if groups.is_none() {
        notes.push(format!(
            "rows of {} are one when figures are compared: neighbours in time may err alike",
            times.blocks(spec.test).name
        ));
    }
    let left_out = (validation.start - train.end) + (tests.start - validation.end);
    if left_out > 0 {
        notes.push(format!("left out, within `split.gap` before validation or test: {left_out} rows"));
    }
    let mut parts = Parts {
        train: order[train].to_vec(),
        validation: order[validation].to_vec(),
        test: order[tests].to_vec(),
        calibration: Vec::new(),
    };
    if let (Some(known), Some(groups)) = (known, groups) {
        notes.push(tell_known(known, groups, &mut parts));
        if parts.test.is_empty() {
            return Err(DataError::NoNewGroups { column: groups.column.clone() });
        }
    }
    Ok(Dealt { parts, notes })
}

/// Says how many test rows are of groups that trained or validated, and leaves them out where that is asked for.
fn tell_known(known: &KnownGroups, groups: &Groups, parts: &mut Parts) -> String {
    let group = |row: u32| groups.of_row[row as usize];
    let seen: HashSet<u32> = parts.train.iter().chain(&parts.validation).map(|&row| group(row)).collect();
    let is_known = |row: &u32| seen.contains(&group(*row));
    let before = parts.test.len();
    let of_known = parts.test.iter().filter(|row| is_known(row)).count();
    let new: HashSet<u32> = parts.test.iter().filter(|row| !is_known(row)).map(|&row| group(row)).collect();
    let column = &groups.column;
    let missing = groups.without_a_value();
    if known.new_only {
        parts.test.retain(|row| !is_known(row));
        format!(
            "by group `{column}`: {of_known} of {before} test rows are left out, of groups that trained or validated; \
             {} new groups test{missing}",
            new.len()
        )
    } else {
        format!(
            "by group `{column}`: {of_known} of {before} test rows are of groups that trained or validated, {} of {} \
             new \
             groups{missing}",
            before - of_known,
            new.len()
        )
    }
}

impl Times {
    /// The rows in the order of time; those of one time in that of the file.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.of_row.len() as u32).collect();
        order.sort_by(|&a, &b| self.of_row[a as usize].total_cmp(&self.of_row[b as usize]));
        order
    }

    /// A span in what the column counts in.
    fn length(&self, key: &'static str, span: Option<Span>) -> Result<Option<f64>, DataError> {
        let Some(span) = span else { return Ok(None) };
        if span.is_zero() {
            return Ok(Some(0.0));
        }
        let length = match self.counts {
            Counts::Numbers => span.plain(),
            Counts::Microseconds { .. } => span.seconds().map(|seconds| 1e6 * seconds),
        };
        let wrong = || {
            let (holds, expected) = match self.counts {
                Counts::Numbers => ("numbers", "a plain number, such as 7"),
                Counts::Microseconds { .. } => ("points in time", "a span of time, such as 7d"),
            };
            let (column, span) = (self.column.clone(), span.to_string());
            DataError::SpanOfOtherKind { key, column, span, holds, expected }
        };
        length.map(Some).ok_or_else(wrong)
    }

    fn show(&self, time: f64) -> String {
        match self.counts {
            Counts::Numbers => time.to_string(),
            Counts::Microseconds { since } => in_words(since.saturating_add(time as i64)),
        }
    }
}
