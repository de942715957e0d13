//! Fits a [`Preprocessing`] to the training rows, and to them alone.

use rayon::prelude::*;

use super::error::DataError;
use super::place::Place;
use super::table::{Column, Levels, Table, Values};
use super::time;
use focalsweep_core::prepared::{FileReading, Preprocessing, Step};
use focalsweep_core::spec::{DataSpec, DatePart};

/// Most features that the levels of one column may make, and those of all columns together.
const MOST_LEVELS: usize = 10_000;
const MOST_LEVELS_IN_ALL: usize = 50_000;

/// What became of a column, for the summary.
#[derive(Debug, Default)]
struct Fitted {
    steps: Vec<Step>,
    /// Did not vary on the training rows.
    constant: bool,
    /// Training rows without a value.
    missing: usize,
    /// Rows without a value, though every training row has one.
    missing_elsewhere: usize,
    /// Levels pooled into `<other>`.
    pooled: usize,
    /// Levels that no training row has.
    unseen: usize,
}

/// The preprocessing that `train` (0-based rows of `table`) and the settings of `spec` make, and notes on it; `place`
/// names a row in errors.
pub(super) fn fit(
    table: &Table,
    train: &[u32],
    spec: &DataSpec,
    place: &(dyn Fn(usize) -> Place + Sync),
) -> Result<(Preprocessing, Vec<String>), DataError> {
    let columns = table.columns.par_iter();
    let fitted: Vec<Fitted> =
        columns.map(|column| fit_column(column, table.rows, train, spec, place)).collect::<Result<_, _>>()?;
    check_width(&fitted)?;
    let notes = notes(table, &fitted, train.len());
    let steps: Vec<Step> = fitted.into_iter().flat_map(|fitted| fitted.steps).collect();
    if steps.is_empty() {
        return Err(DataError::NoFeatures { why: "every column is constant on the training rows".to_owned() });
    }
    let reading = Some(FileReading { csv: spec.csv.clone(), bad_values: spec.bad_values, label: None });
    Ok((Preprocessing { steps, reading }, notes))
}

/// Refuses columns whose levels would make a matrix that no machine wants: each is a number in every row.
fn check_width(fitted: &[Fitted]) -> Result<(), DataError> {
    let mut widths: Vec<(&str, usize)> = Vec::new();
    for step in fitted.iter().flat_map(|fitted| &fitted.steps) {
        if let Step::Category { column, levels, other, missing, .. } = step {
            widths.push((column, levels.len() + usize::from(*other) + usize::from(*missing)));
        }
    }
    let total: usize = widths.iter().map(|(_, width)| width).sum();
    let Some(&(column, levels)) = widths.iter().max_by_key(|(_, width)| *width) else { return Ok(()) };
    let column = column.to_owned();
    if levels > MOST_LEVELS {
        return Err(DataError::TooManyLevels { column, levels, most: MOST_LEVELS });
    }
    if total > MOST_LEVELS_IN_ALL {
        return Err(DataError::TooWide { column, levels, total, most: MOST_LEVELS_IN_ALL });
    }
    Ok(())
}

fn fit_column(
    column: &Column,
    rows: usize,
    train: &[u32],
    spec: &DataSpec,
    place: &dyn Fn(usize) -> Place,
) -> Result<Fitted, DataError> {
    let mut fitted = Fitted {
        missing: train.iter().filter(|&&row| column.values.is_missing(row as usize)).count(),
        ..Fitted::default()
    };
    if fitted.missing == 0 {
        fitted.missing_elsewhere = (0..rows).filter(|&row| column.values.is_missing(row)).count();
    }
    let name = &column.name;
    match &column.values {
        Values::Number(values) => {
            fitted.steps.extend(fit_number(name, values, train, spec, place)?);
            fitted.constant = fitted.steps.is_empty();
        }
        Values::Bool(values) => {
            let has = |truth| train.iter().any(|&row| values[row as usize] == Some(truth));
            if has(true) && has(false) {
                fitted.steps.push(Step::Truth { column: name.clone() });
            } else {
                fitted.constant = true;
            }
        }
        Values::Text(levels) => fit_category(&mut fitted, name, levels, train, spec.min_level_count),
        Values::Time(values) => match spec.datetime.get(name) {
            Some(parts) => fit_time(&mut fitted, name, values, train, parts, spec, place)?,
            // A point in time says nothing of rows to come, and its days one by one less.
            None => return Ok(Fitted::default()),
        },
    }
    if !matches!(column.values, Values::Text(_)) && (1..train.len()).contains(&fitted.missing) {
        fitted.steps.push(Step::Missing { column: name.clone() });
    }
    Ok(fitted)
}

/// The features that are asked for of points in time.
fn fit_time(
    fitted: &mut Fitted,
    name: &str,
    values: &[i64],
    train: &[u32],
    parts: &[DatePart],
    spec: &DataSpec,
    place: &dyn Fn(usize) -> Place,
) -> Result<(), DataError> {
    let known = || train.iter().map(|&row| values[row as usize]).filter(|&time| time != Values::NO_TIME);
    let (Some(first), Some(last)) = (known().min(), known().max()) else {
        fitted.constant = true;
        return Ok(());
    };
    for part in parts {
        match part {
            DatePart::Hour => fitted.steps.push(Step::Hour { column: name.to_owned() }),
            DatePart::Weekday => fitted.steps.push(Step::Weekday { column: name.to_owned() }),
            DatePart::AgeDays if first == last => {}
            DatePart::AgeDays => {
                let days: Vec<f64> = values.iter().map(|&at| time::days_since(at, first)).collect();
                let of = fit_number(name, &days, train, spec, place)?;
                if let Some(Step::Number { column, median, mean, scale, clip, .. }) = of {
                    fitted.steps.push(Step::AgeDays { column, since: first, median, mean, scale, clip });
                }
            }
        }
    }
    fitted.constant = fitted.steps.is_empty();
    Ok(())
}

/// `None` for a column that does not vary on the training rows.
fn fit_number(
    name: &str,
    values: &[f64],
    train: &[u32],
    spec: &DataSpec,
    place: &dyn Fn(usize) -> Place,
) -> Result<Option<Step>, DataError> {
    let mut known: Vec<f64> = train.iter().map(|&row| values[row as usize]).filter(|value| !value.is_nan()).collect();
    if known.iter().all(|&value| Some(&value) == known.first()) {
        return Ok(None);
    }
    let median = median(&mut known);
    let log_offset = spec.log.get(name).copied();
    let logged = |value: f64| log_offset.map_or(value, |offset| (value + offset).ln());
    let (mean, scale) = if spec.standardize {
        known.iter_mut().for_each(|value| *value = logged(*value));
        // The imputed rows count as well: they are what the model sees.
        let (imputed, count) = (logged(median), train.len() as f64);
        let imputed_count = (train.len() - known.len()) as f64;
        let mean = (known.iter().sum::<f64>() + imputed_count * imputed) / count;
        let squares = known.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let scale = ((squares + imputed_count * (imputed - mean).powi(2)) / count).sqrt();
        (mean, scale)
    } else {
        (0.0, 1.0)
    };
    if !scale.is_finite() {
        return Err(overflow(place, name, values, train));
    }
    // A spread that double precision cannot tell from none is none.
    let column = name.to_owned();
    Ok((scale > 0.0).then_some(Step::Number { column, median, log_offset, mean, scale, clip: spec.clip }))
}

/// The error for numbers so large that their variance is not one: names the largest.
fn overflow(place: &dyn Fn(usize) -> Place, name: &str, values: &[f64], train: &[u32]) -> DataError {
    let size = |row: usize| if values[row].is_nan() { 0.0 } else { values[row].abs() };
    let rows = train.iter().map(|&row| row as usize);
    let row = rows.max_by(|&a, &b| size(a).total_cmp(&size(b))).unwrap_or(0);
    DataError::TooLarge { column: name.to_owned(), place: place(row), value: values[row] }
}

/// The median; reorders `values`, which must not be empty.
fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let is_even = values.len().is_multiple_of(2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if is_even {
        let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Halved first, so that the sum of two huge numbers stays finite.
        lower / 2.0 + upper / 2.0
    } else {
        upper
    }
}

fn fit_category(fitted: &mut Fitted, name: &str, found: &Levels, train: &[u32], min_level_count: u32) {
    let counts = found.counts(train.iter().map(|&row| row as usize));
    let mut levels = Vec::new();
    for (level, &count) in found.names.iter().zip(&counts) {
        match count {
            0 => fitted.unseen += 1,
            count if count < u64::from(min_level_count) => fitted.pooled += 1,
            _ => levels.push(level.clone()),
        }
    }
    levels.sort_unstable();
    let (other, missing) = (fitted.pooled > 0, fitted.missing > 0);
    if levels.len() + usize::from(other) + usize::from(missing) < 2 {
        fitted.constant = true;
        return;
    }
    // Two levels are one question.
    let one_feature = !other && levels.len() + usize::from(missing) == 2;
    let base = one_feature.then(|| levels.remove(0));
    fitted.steps.push(Step::Category { column: name.to_owned(), levels, base, other, missing });
}

/// One short line a thing.
fn notes(table: &Table, fitted: &[Fitted], train_rows: usize) -> Vec<String> {
    let list = |tell: &dyn Fn(&Column, &Fitted) -> Option<String>| -> Option<String> {
        let told: Vec<String> =
            table.columns.iter().zip(fitted).filter_map(|(column, fitted)| tell(column, fitted)).collect();
        (!told.is_empty()).then(|| told.join(", "))
    };
    let is_text = |column: &Column| matches!(column.values, Values::Text(_));
    let some = |name: &str, count: usize| (count > 0).then(|| format!("{name} ({count})"));
    let mut notes = Vec::new();
    if let Some(names) = list(&|column, fitted| fitted.constant.then(|| column.name.clone())) {
        notes.push(format!("left out, constant on the training rows: {names}"));
    }
    if let Some(names) = list(&|column, fitted| {
        some(&column.name, fitted.missing).filter(|_| !is_text(column) && !fitted.steps.is_empty())
    }) {
        notes.push(format!("missing on some of {train_rows} training rows, imputed and marked: {names}"));
    }
    if let Some(names) = list(&|column, fitted| some(&column.name, fitted.missing).filter(|_| is_text(column))) {
        notes.push(format!("missing on some of {train_rows} training rows, taken as a level: {names}"));
    }
    if let Some(names) = list(&|column, fitted| some(&column.name, fitted.missing_elsewhere)) {
        notes.push(format!("missing on validation or test rows only, not marked: {names}"));
    }
    if let Some(names) = list(&|column, fitted| some(&column.name, fitted.pooled)) {
        notes.push(format!("rare levels pooled into <other>: {names}"));
    }
    if let Some(names) = list(&|column, fitted| some(&column.name, fitted.unseen)) {
        notes.push(format!("levels on no training row, taken as <other> or as none: {names}"));
    }
    notes
}
