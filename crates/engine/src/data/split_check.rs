//! What the way to split makes of the data: a small model's AUC under several of them, side by side.

use std::fmt;

use super::error::DataError;
use super::label::load;
use super::pick::Pick;
use super::prepare::prepare;
use super::read::read_table;
use super::reading::Reading;
use super::split::Splits;
use super::table::{Column, Values};
use focalsweep_core::metrics::roc_auc;
use focalsweep_core::prepared::Rows;
use focalsweep_core::spec::{DataSpec, SplitBy, SplitSpec};

/// Words of a column's name that say that its values are whose a row is.
const OWNERS: [&str; 17] = [
    "id",
    "customer",
    "client",
    "user",
    "patient",
    "account",
    "card",
    "member",
    "person",
    "household",
    "device",
    "machine",
    "merchant",
    "session",
    "subject",
    "group",
    "owner",
];
/// Training rows that the model is fitted to.
const MOST_ROWS: usize = 20_000;
/// Steps of its gradient descent.
const STEPS: usize = 300;
/// AUCs that differ by as much are worth a word.
const WORTH_A_WORD: f64 = 0.02;

/// AUCs of a logistic model under several splits.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitCheck {
    /// The splits in words, with the AUC on test rows of each, or why there is none.
    pub splits: Vec<(String, Result<f64, String>)>,
    /// What to think of it.
    pub warnings: Vec<String>,
}

/// Fits a logistic model under a random split, under one by the column that looks like time, and under one by the
/// column that looks like groups, none of which is a feature. Columns that the sweep's split names are taken for what
/// it says.
///
/// # Errors
/// Those of [`load`].
pub fn split_check(data: &DataSpec, split: &SplitSpec, seed: u64) -> Result<SplitCheck, DataError> {
    let (time, group) = candidates(data, split)?;
    let mut ways = vec![("random".to_owned(), SplitBy::Random)];
    if let Some(column) = &time {
        let column = column.clone();
        let by = SplitBy::Time { column, gap: None, label_delay: None, window: None, groups: None };
        ways.push((format!("by time `{}`", time.as_deref().unwrap_or_default()), by));
    }
    if let Some(column) = &group {
        ways.push((format!("by group `{column}`"), SplitBy::Group { column: column.clone() }));
    }
    // The same features under each.
    let mut features = data.clone();
    for column in time.iter().chain(&group) {
        if !features.drop.contains(column) {
            features.drop.push(column.clone());
        }
        features.log.remove(column);
        features.categorical.retain(|name| name != column);
        features.datetime.remove(column);
        features.types.remove(column);
    }
    let mut splits = Vec::new();
    for (name, by) in ways {
        let spec = SplitSpec { by, ..SplitSpec::default() };
        let source = load(&features, &spec)?;
        let found = match prepare(&source, &features, &Splits { spec: &spec, seed, replicates: 1 }, 0) {
            Ok(replicate) => auc(&replicate.train, &replicate.test).ok_or_else(|| "it has no AUC".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        splits.push((name, found));
    }
    let warnings = warnings(split, &splits, time.as_deref(), group.as_deref());
    Ok(SplitCheck { splits, warnings })
}

fn warnings(
    split: &SplitSpec,
    splits: &[(String, Result<f64, String>)],
    time: Option<&str>,
    group: Option<&str>,
) -> Vec<String> {
    if split.by != SplitBy::Random {
        return Vec::new();
    }
    let mut warnings = Vec::new();
    if let Some(column) = time {
        warnings.push(format!(
            "`{column}` looks like time, and the split is random: it trains on rows that come after those that test; \
             `split: {{by: time, time_column: {column}}}` does not"
        ));
    }
    if let Some(column) = group {
        warnings.push(format!(
            "`{column}` looks like whose a row is, and the split is random: it trains on others of the same value; \
             `split: {{by: group, group_column: {column}}}` does not. A logistic model hardly learns who is who: one \
             that can may gain far more by a random split than is seen here"
        ));
    }
    if let Some((_, Ok(random))) = splits.first() {
        for (name, other) in &splits[1..] {
            if let Ok(other) = other
                && random - other > WORTH_A_WORD
            {
                warnings.push(format!("the AUC is {:.3} lower {name} than under a random split", random - other));
            }
        }
    }
    warnings
}

/// The columns that look like time and like groups: those that the split names, else the first points in time, and the
/// first column whose name says so and whose values come back.
fn candidates(data: &DataSpec, split: &SplitSpec) -> Result<(Option<String>, Option<String>), DataError> {
    let named = |key: &str| split.columns().into_iter().find(|(of, _)| *of == key).map(|(_, name)| name.to_owned());
    let (time, group) = (named("split.time_column"), named("split.group_column"));
    let table = read_table(&data.source, Pick::AllBut(&[]), &Reading::of_spec(data))?.table;
    let first = |is: &dyn Fn(&Column) -> bool| {
        table.columns.iter().find(|column| column.name != data.label && is(column)).map(|column| column.name.clone())
    };
    let is_time = |column: &Column| matches!(column.values, Values::Time(_));
    Ok((time.or_else(|| first(&is_time)), group.or_else(|| first(&|column| looks_like_groups(column, table.rows)))))
}

fn looks_like_groups(column: &Column, rows: usize) -> bool {
    let words = |name: &str| -> Vec<String> {
        // `cardId`, `card_id` and `card id` are the same two words.
        let mut spaced = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() {
                spaced.push(' ');
            }
            spaced.push(if letter.is_alphanumeric() { letter.to_ascii_lowercase() } else { ' ' });
        }
        spaced.split_whitespace().map(str::to_owned).collect()
    };
    let is_whole = match &column.values {
        Values::Number(values) => values.iter().all(|value| value.is_nan() || value.fract() == 0.0),
        Values::Text(_) => true,
        Values::Bool(_) | Values::Time(_) => false,
    };
    let named = words(&column.name).iter().chain([&column.name.to_lowercase()]).any(|word| OWNERS.contains(&&**word));
    if !is_whole || !named {
        return false;
    }
    let different = column.values.clone().into_levels().names.len();
    (10..=rows / 2).contains(&different)
}

/// The AUC on `test` of a logistic model with a small L2 penalty that was fitted to `train` by gradient descent with
/// Adam's steps (Kingma & Ba 2015).
fn auc(train: &Rows, test: &Rows) -> Option<f64> {
    let width = train.x.len().checked_div(train.len())?;
    let stride = train.len().div_ceil(MOST_ROWS).max(1);
    let rows: Vec<usize> = (0..train.len()).step_by(stride).collect();
    let row = |of: &'_ Rows, at: usize| -> Vec<f64> {
        of.x[at * width..(at + 1) * width].iter().map(|&value| f64::from(value)).collect()
    };
    let logit = |weights: &[f64], x: &[f64]| {
        x.iter().zip(weights).map(|(x, weight)| x * weight).sum::<f64>() + weights.last().copied().unwrap_or(0.0)
    };
    let x: Vec<Vec<f64>> = rows.iter().map(|&at| row(train, at)).collect();
    let mut weights = vec![0.0; width + 1];
    let (mut first, mut second) = (vec![0.0; width + 1], vec![0.0; width + 1]);
    for step in 1..=STEPS as i32 {
        let mut gradient: Vec<f64> = weights.iter().map(|weight| 1e-3 * weight).collect();
        for (x, &at) in x.iter().zip(&rows) {
            let off = 1.0 / (1.0 + (-logit(&weights, x)).exp()) - f64::from(train.y[at]);
            gradient.iter_mut().zip(x.iter().chain([&1.0])).for_each(|(sum, x)| *sum += off * x / rows.len() as f64);
        }
        for (at, slope) in gradient.into_iter().enumerate() {
            first[at] = 0.9 * first[at] + 0.1 * slope;
            second[at] = 0.999 * second[at] + 0.001 * slope * slope;
            let (mean, size) = (first[at] / (1.0 - 0.9_f64.powi(step)), second[at] / (1.0 - 0.999_f64.powi(step)));
            weights[at] -= 0.05 * mean / (size.sqrt() + 1e-9);
        }
    }
    let scores: Vec<f32> = (0..test.len()).map(|at| logit(&weights, &row(test, at)) as f32).collect();
    roc_auc(&scores, &test.y)
}

impl fmt::Display for SplitCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nAUC of a logistic model on the last or drawn fifth of the rows:")?;
        let width = self.splits.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, found) in &self.splits {
            match found {
                Ok(auc) => writeln!(f, "{name:width$}  {auc:.3}")?,
                Err(why) => writeln!(f, "{name:width$}  none: {why}")?,
            }
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}
