//! A fitted preprocessing as ONNX: from a file's columns to the matrix that the network sees. Numbers stay doubles
//! until they are standardised, as they do in training.

use std::f64::consts::{FRAC_PI_2, TAU};

use super::OnnxError;
use super::graph::Graph;
use super::proto::DataType;
use crate::prepared::{Preprocessing, Step};

/// Microseconds of a day.
const DAY: f64 = 86_400_000_000.0;
/// The first of January 1970 was a Thursday, three days after a Monday.
const FIRST_DAY: f64 = 3.0;

/// The matrix, and where its columns are in [`Preprocessing::features`].
pub(super) struct Inputs {
    /// `[rows, features]`, floats.
    pub(super) matrix: String,
    /// For each column the number of its feature.
    pub(super) features: Vec<usize>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Time,
}

/// A column that becomes one standardised number: [`Step::Number`], or [`Step::AgeDays`] after its first two fields.
struct Number<'a> {
    column: &'a str,
    since: f64,
    unit: f64,
    median: f64,
    log_offset: Option<f64>,
    mean: f64,
    scale: f64,
    clip: Option<f64>,
    feature: usize,
}

/// Adds the inputs and what is made of them.
pub(super) fn inputs(graph: &mut Graph, of: &Preprocessing) -> Result<Inputs, OnnxError> {
    for column in of.columns() {
        let (of, about) = match kind(&of.steps, &column) {
            Kind::Number => (DataType::Double, "a number; NaN where it is missing; true and false are 1 and 0"),
            Kind::Text => (DataType::String, "text; empty where it is missing"),
            Kind::Time => (DataType::Double, "microseconds since 1970-01-01 in UTC; NaN where it is missing"),
        };
        graph.input(&column, of, about);
    }
    let words = missing_words(of);
    let mut made = Inputs { matrix: String::new(), features: Vec::new() };
    let mut blocks = Vec::new();
    let numbers = numbers(&of.steps);
    if !numbers.is_empty() {
        blocks.push(standardised(graph, &numbers));
        made.features.extend(numbers.iter().map(|number| number.feature));
    }
    let mut feature = 0;
    for step in &of.steps {
        if let Some(block) = one_step(graph, &of.steps, step, &words)? {
            blocks.push(block);
            made.features.extend(feature..feature + step.width());
        }
        feature += step.width();
    }
    made.matrix = graph.beside(&blocks);
    Ok(made)
}

/// What the steps that read `column` take it for.
fn kind(steps: &[Step], column: &str) -> Kind {
    let mut reading = steps.iter().filter(|step| step.column() == column);
    let told = reading.find_map(|step| match step {
        Step::Number { .. } | Step::Truth { .. } => Some(Kind::Number),
        Step::Category { .. } => Some(Kind::Text),
        Step::Hour { .. } | Step::Weekday { .. } | Step::AgeDays { .. } => Some(Kind::Time),
        Step::Missing { .. } => None,
    });
    told.unwrap_or(Kind::Number)
}

/// Words of text that stand for missing: the empty one, and those of `data.csv.na_values`.
fn missing_words(of: &Preprocessing) -> Vec<&str> {
    let said = of.reading.iter().flat_map(|reading| &reading.csv.na_values).map(|word| word.trim());
    std::iter::once("").chain(said).collect()
}

fn numbers(steps: &[Step]) -> Vec<Number<'_>> {
    let mut feature = 0;
    let mut found = Vec::new();
    for step in steps {
        match *step {
            Step::Number { ref column, median, log_offset, mean, scale, clip } => {
                found.push(Number { column, since: 0.0, unit: 1.0, median, log_offset, mean, scale, clip, feature });
            }
            Step::AgeDays { ref column, since, median, mean, scale, clip } => {
                let (since, log_offset) = (since as f64, None);
                found.push(Number { column, since, unit: DAY, median, log_offset, mean, scale, clip, feature });
            }
            _ => {}
        }
        feature += step.width();
    }
    found
}

/// All numbers at once, `[rows, numbers]`: imputed, on a logarithm, standardised, clipped.
fn standardised(graph: &mut Graph, numbers: &[Number<'_>]) -> String {
    let each = |of: fn(&Number<'_>) -> f64| numbers.iter().map(of).collect::<Vec<f64>>();
    let columns: Vec<String> = numbers.iter().map(|number| number.column.to_owned()).collect();
    let mut x = graph.beside(&columns);
    if numbers.iter().any(|number| number.unit != 1.0) {
        let (since, unit) = (graph.doubles(&each(|of| of.since)), graph.doubles(&each(|of| of.unit)));
        x = graph.op("Sub", &[&x, &since]);
        x = graph.op("Div", &[&x, &unit]);
    }
    let (gaps, medians) = (graph.op("IsNaN", &[&x]), graph.doubles(&each(|of| of.median)));
    x = graph.op("Where", &[&gaps, &medians, &x]);
    if numbers.iter().any(|number| number.log_offset.is_some()) {
        let logged: Vec<bool> = numbers.iter().map(|number| number.log_offset.is_some()).collect();
        let (logged, offsets) = (graph.truths(&logged), graph.doubles(&each(|of| of.log_offset.unwrap_or(0.0))));
        let moved = graph.op("Add", &[&x, &offsets]);
        let logarithm = graph.op("Log", &[&moved]);
        x = graph.op("Where", &[&logged, &logarithm, &x]);
    }
    let (means, scales) = (graph.doubles(&each(|of| of.mean)), graph.doubles(&each(|of| of.scale)));
    x = graph.op("Sub", &[&x, &means]);
    x = graph.op("Div", &[&x, &scales]);
    if numbers.iter().any(|number| number.clip.is_some()) {
        let (most, least) = (
            graph.doubles(&each(|of| of.clip.unwrap_or(f64::INFINITY))),
            graph.doubles(&each(|of| -of.clip.unwrap_or(f64::INFINITY))),
        );
        x = graph.op("Min", &[&x, &most]);
        x = graph.op("Max", &[&x, &least]);
    }
    graph.cast(&x, DataType::Float)
}

/// The features of a step, `[rows, width]`; `None` of those that [`standardised`] makes.
fn one_step(graph: &mut Graph, steps: &[Step], step: &Step, words: &[&str]) -> Result<Option<String>, OnnxError> {
    Ok(Some(match step {
        Step::Number { .. } | Step::AgeDays { .. } => return Ok(None),
        Step::Truth { column } => {
            let one = graph.doubles(&[1.0]);
            let is_true = graph.op("Equal", &[column, &one]);
            graph.cast(&is_true, DataType::Float)
        }
        Step::Missing { column } if kind(steps, column) == Kind::Text => {
            let pairs: Vec<(&str, i64)> = words.iter().map(|word| (*word, 0)).collect();
            let codes = graph.codes(column, &pairs, 1);
            one_hot(graph, &codes, 1)
        }
        Step::Missing { column } => {
            let gaps = graph.op("IsNaN", &[column]);
            graph.cast(&gaps, DataType::Float)
        }
        Step::Category { column, levels, base, other, missing } => {
            let width = step.width() as i64;
            // Codes from the width on have no feature.
            let code = |at: usize, is_there: bool| if is_there { at as i64 } else { width };
            let mut pairs: Vec<(&str, i64)> = Vec::with_capacity(levels.len() + words.len() + 1);
            if let Some(word) = levels.iter().chain(base).find(|level| words.contains(&level.as_str())) {
                return Err(OnnxError::LevelIsMissing { column: column.clone(), level: word.clone() });
            }
            pairs.extend(levels.iter().enumerate().map(|(at, level)| (level.as_str(), at as i64)));
            pairs.extend(base.iter().map(|level| (level.as_str(), code(levels.len(), *other))));
            let of_missing = code(levels.len() + usize::from(*other), *missing);
            pairs.extend(words.iter().map(|word| (*word, of_missing)));
            let codes = graph.codes(column, &pairs, code(levels.len(), *other));
            one_hot(graph, &codes, width)
        }
        Step::Hour { column } => {
            let (gaps, time) = time(graph, column);
            let day = graph.doubles(&[DAY]);
            let of_day = floor_mod(graph, &time, &day);
            let turn = graph.doubles(&[TAU]);
            let angle = graph.op("Mul", &[&of_day, &turn]);
            let angle = graph.op("Div", &[&angle, &day]);
            // The cosine is the sine a quarter of a turn on.
            let quarters = graph.doubles(&[0.0, FRAC_PI_2]);
            let angles = graph.op("Add", &[&angle, &quarters]);
            let clock = graph.op("Sin", &[&angles]);
            let none = graph.doubles(&[0.0]);
            let clock = graph.op("Where", &[&gaps, &none, &clock]);
            graph.cast(&clock, DataType::Float)
        }
        Step::Weekday { column } => {
            let (gaps, time) = time(graph, column);
            let (day, first, week) = (graph.doubles(&[DAY]), graph.doubles(&[FIRST_DAY]), graph.doubles(&[7.0]));
            let days = graph.op("Div", &[&time, &day]);
            let days = graph.op("Floor", &[&days]);
            let days = graph.op("Add", &[&days, &first]);
            let weekday = floor_mod(graph, &days, &week);
            let weekday = graph.op("Where", &[&gaps, &week, &weekday]);
            let weekday = graph.cast(&weekday, DataType::Int64);
            one_hot(graph, &weekday, 7)
        }
    }))
}

/// Where a time is missing, and the time with 0 there.
fn time(graph: &mut Graph, column: &str) -> (String, String) {
    let gaps = graph.op("IsNaN", &[column]);
    let zero = graph.doubles(&[0.0]);
    let time = graph.op("Where", &[&gaps, &zero, column]);
    (gaps, time)
}

/// What is left of whole `units` of `x`, from 0 on also where `x` is below.
fn floor_mod(graph: &mut Graph, x: &str, unit: &str) -> String {
    let units = graph.op("Div", &[x, unit]);
    let units = graph.op("Floor", &[&units]);
    let whole = graph.op("Mul", &[&units, unit]);
    graph.op("Sub", &[x, &whole])
}

/// A column of 0 and 1 for each code below `width`, `[rows, width]`.
fn one_hot(graph: &mut Graph, codes: &str, width: i64) -> String {
    let all: Vec<i64> = (0..width).collect();
    let all = graph.whole(&all);
    let is_code = graph.op("Equal", &[codes, &all]);
    graph.cast(&is_code, DataType::Float)
}
