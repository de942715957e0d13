//! The sweep file: its types, its defaults, its faults.
//!
//! [`parse`] turns YAML text into a [`Spec`] or into *all* of its faults at once, each with line and column.
//! Everything here is plain data: no clock, no files, no environment but what is handed in.
//!
//! ```text
//! text ──> node (spanned tree) ──> overrides (--set) ──> environment (${VAR}) ──> read… (typed, all faults) ──> Spec
//!                                                                                 fields (leaves), words, keys
//! ```

mod bounds;
mod environment;
mod fault;
mod fields;
mod keys;
mod node;
mod overrides;
pub(crate) mod parameters;
mod range;
mod read;
mod read_data;
mod read_distribution;
mod read_early;
mod read_parameters;
mod read_search;
mod read_sections;
mod read_slurm;
mod read_split;
mod read_trainers;
mod read_types;
mod read_weight;
mod scalar;
mod schema;
mod slurm_amounts;
#[cfg(test)]
mod tests;
mod types;
pub(crate) mod words;
mod write;

pub use bounds::{Bounds, End};
pub use environment::{Environment, escaped};
pub use fault::{Fault, Origin, SpecFaults};
pub use parameters::{
    Axis, Batching, ColumnType, CommandSpace, CommandTrial, Correction, FreeColumn, Hyperparameters, Loss, PARAMETERS,
    Parameter, ParameterValue, PosWeightRule, ReadBy, Sampling, Space,
};
pub use range::{FromNumber, linspace};
pub use read::{parse, parse_in, parse_operating_point, parse_recorded, parse_with};
pub use schema::json_schema;
pub use slurm_amounts::{memory_of_task, time_of_task};
pub use types::*;
pub use words::Word;
pub use write::to_yaml;
