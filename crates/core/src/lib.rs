//! focalsweep's plain data: what a sweep asks for, what it plans, and everything that is written and read.
//!
//! ```text
//! spec ──> plan ──> record
//!   └── metrics, random, prepared: known to all, knowing nobody above them
//! ```
//!
//! | module | job |
//! |---|---|
//! | [`spec`] | sweep file to [`spec::Spec`], or all of its faults with their places |
//! | [`plan`] | trials (made from their index), the shape of their models, and the stacks in which they train |
//! | [`prepared`] | rows of a replicate, ready for training, and what made them of the file's columns |
//! | [`metrics`] | slices in, numbers out: AUC, counts, thresholds, tests, intervals |
//! | [`losses`], [`samplings`] | one file or entry each: title, reference, formula, what it makes of the classes |
//! | [`random`] | random streams by name |
//! | [`record`] | the run directory: every file that is written and read |
//! | [`onnx`] | an exported model as one ONNX file |
//! | [`device`] | names of devices |
//! | [`guard`] | readers of others that may panic |
//! | [`search`] | samplers over spaces of their own: grid, random, Sobol, TPE |
//! | [`shell`] | words of a command line, for hints and scripts |
//! | [`text`] | names and messages of others as they may be shown |
//!
//! No tch, rayon, clap, terminal or process; the clock is read for the names of attempts alone.

pub mod device;
pub mod guard;
pub mod losses;
pub mod metrics;
pub mod onnx;
pub mod plan;
pub mod prepared;
pub mod random;
pub mod record;
pub mod samplings;
pub mod search;
pub mod shell;
pub mod spec;
pub mod text;
