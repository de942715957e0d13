//! `init`: a sweep file for data that are at hand, whose choices follow from them.
//!
//! ```text
//! file ─data::load, prepare─> Facts ─choices─> text (commented) ─spec::parse─> checked
//! ```
//! What is found is found by the same reading, splitting and preparing as `run` does, so that what is written runs.

mod choices;
mod facts;
mod text;
mod words;

use std::path::Path;

use focalsweep_core::spec;

use crate::run::RunError;
use facts::Facts;

/// What a sweep file is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The data, from the working directory.
    pub data: &'a Path,
    /// The same as the sweep file has it.
    pub source: &'a str,
    /// The label column.
    pub label: &'a str,
    /// The value of the rare class; absent: as `data.positive` says.
    pub positive: Option<&'a str>,
    /// Name of the sweep.
    pub name: &'a str,
    /// The command that was given, for the first line.
    pub command: &'a str,
}

/// The text of a sweep file for the data.
///
/// # Errors
/// The data cannot be read, or no sweep can be made of them: what `run` would say.
pub fn sweep_file(asked: &Asked<'_>) -> Result<String, RunError> {
    let facts = Facts::of(asked)?;
    let text = text::write(asked, &facts);
    // What we wrote is what can be read: said here, not to the one who runs it.
    spec::parse("the sweep file that init makes", &text)?;
    Ok(text)
}
