//! What all samplers keep to, and what each is good for.

mod contract;
mod domains;
mod learning;
mod spread;

use super::*;

/// A dimension that does not shape stacks.
fn free(name: &str, domain: Domain) -> Dimension {
    Dimension { name: name.to_owned(), domain, shapes_stack: false }
}

/// A dimension that does.
fn shaping(name: &str, domain: Domain) -> Dimension {
    Dimension { name: name.to_owned(), domain, shapes_stack: true }
}

fn uniform(min: f64, max: f64) -> Domain {
    Domain::Real(Law::Uniform { min, max })
}

fn choices(count: usize) -> Domain {
    Domain::Choices { count, probabilities: None }
}

fn integer(min: i64, max: i64) -> Domain {
    Domain::Integer { min, max, log: false }
}

fn space(branches: Vec<Vec<Dimension>>) -> SearchSpace {
    SearchSpace::new(branches).unwrap()
}
