//! The sweep file: its types, its defaults, its faults.
//!
//! [`parse`] turns YAML text into a [`Spec`] or into *all* of its faults at once, each with line and column.
//! Everything here is plain data: no clock, no files, no environment.

mod fault;
mod node;
mod range;
mod read;
mod read_parameters;
mod schema;
mod types;

pub use fault::{Fault, SpecFaults};
pub use range::linspace;
pub use read::{parse, parse_with};
pub use schema::json_schema;
pub use types::*;
