//! Hyperparameters: one table, and what is made of it.
//!
//! ```text
//! table ──> space (what a sweep file says)   ──> values (what a trial has) ──> plan, record, engine, report
//!   └─────> PARAMETERS (what is known of each)        kind (how a type is read, described and shown)
//! ```
//! A mapping with a `trainer` is another's ([`command`]): its names are free, so they are in no table; what plan and
//! sampler know of a parameter of either kind is a [`Which`].

mod command;
mod kind;
mod space;
mod table;
mod values;
mod which;

pub use command::{CommandSpace, CommandTrial, FreeColumn};
pub(crate) use command::{column_of, wider};
pub(in crate::spec) use kind::ParameterType;
pub(crate) use kind::ValueKey;
pub use kind::{ColumnType, ParameterValue};
pub use space::Space;
pub(crate) use table::with_parameters;
pub use table::{Batching, Correction, Loss, PosWeightRule, Sampling};
pub use values::Hyperparameters;
pub(crate) use values::{Setting, Start, Varied};
pub(crate) use which::Which;

use super::bounds::{ABOVE_ZERO_TO_ONE, ANY, BATCH, Bounds, FROM_ZERO_BELOW_ONE, INSIDE_UNIT, NOT_NEGATIVE, POSITIVE};
use super::types::{Activation, InitialBias, Optimizer};

/// Who reads a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBy {
    /// Every trial, whatever its loss.
    EveryTrial,
    /// Trials of these losses; the others do not have it.
    Losses(&'static [Loss]),
    /// Trials whose rows are drawn so; the others do not have it.
    Samplings(&'static [Sampling]),
}

impl ReadBy {
    /// Whether trials of `loss` and `sampling` do.
    pub fn includes(self, loss: Loss, sampling: Sampling) -> bool {
        match self {
            Self::EveryTrial => true,
            Self::Losses(losses) => losses.contains(&loss),
            Self::Samplings(samplings) => samplings.contains(&sampling),
        }
    }
}

/// How a parameter is drawn along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Equal steps are equal distances.
    Linear,
    /// Equal factors are equal distances.
    Log,
    /// Values side by side in their order.
    Words,
}

impl Axis {
    /// The word for the page.
    pub fn word(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Log => "log",
            Self::Words => "words",
        }
    }
}

/// What is known of a parameter: a row of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// Key in sweep files, column in results.parquet.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub about: &'static str,
    /// How people say it in a figure.
    pub title: &'static str,
    /// Its value unless swept or set, in words (Markdown).
    pub default: &'static str,
    /// Bounds of its numbers; [`Bounds::words`] is `a number` where it has none.
    pub bounds: Bounds,
    /// Who reads it.
    pub read_by: ReadBy,
    /// Whether trials with different values of it need different stacks.
    pub shapes_stack: bool,
    /// How slowly it varies in a grid: the axis of the largest number varies fastest, those that shape stacks come
    /// first.
    pub nesting: u8,
    /// Type of its column.
    pub column: ColumnType,
    /// Whether its values are numbers that a range can have.
    pub is_number: bool,
    /// How it is drawn.
    pub axis: Axis,
    /// Whether a table shows it however narrow the terminal is.
    pub always_shown: bool,
    /// Version of the record in which it came. One of a later version counts in a trial's id only where it differs from
    /// its default.
    pub since: u32,
}

impl Parameter {
    /// The row of `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        PARAMETERS.iter().find(|parameter| parameter.name == name)
    }

    /// Whether all its numbers are whole.
    pub(crate) fn takes_whole_numbers(&self) -> bool {
        self.column == ColumnType::Integer
    }

    /// Whether trials of `loss` and `sampling` have it.
    pub fn is_read_by(&self, loss: Loss, sampling: Sampling) -> bool {
        self.read_by.includes(loss, sampling)
    }
}

macro_rules! parameter_list {
    ($($(#[doc = $about:literal])* $name:ident: $presence:ident $type:ty {
        start: $start:expr, default: $default:expr, title: $title:expr, bounds: $bounds:expr, read_by: $read_by:expr,
        shapes_stack: $shapes:expr, nesting: $nesting:expr, axis: $axis:expr, always_shown: $shown:expr,
        since: $since:expr,
    })*) => {
        /// The table, in the order in which people see its rows.
        pub const PARAMETERS: &[Parameter] = &[$(Parameter {
            name: stringify!($name),
            about: concat!($($about),*).trim_ascii(),
            title: $title,
            default: $default,
            bounds: $bounds,
            read_by: $read_by,
            shapes_stack: $shapes,
            nesting: $nesting,
            column: <$type as ParameterType>::COLUMN,
            is_number: <$type as ParameterType>::IS_NUMBER,
            axis: $axis,
            always_shown: $shown,
            since: $since,
        }),*];

        /// Their names, in the same order.
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

with_parameters!(parameter_list);
