//! Tests of the reader as a whole.

mod docs;
mod faults;
mod fuzz;
mod huge;
mod overrides;
mod round_trip;
mod schema;
mod search;
mod sweeps;
mod trainers;
mod values;

use super::{Spec, parse_with};

/// The least that a sweep file must have.
const LEAST: &str = "name: a\ndata: {source: a.csv, label: y}\nparameters: {}\n";

/// Parses with overrides; faults as plain lines.
fn read(text: &str, overrides: &[(&str, &str)]) -> Result<Spec, Vec<String>> {
    let overrides: Vec<_> = overrides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    parse_with("sweep.yaml", text, &overrides).map_err(|faults| faults.lines().collect())
}
