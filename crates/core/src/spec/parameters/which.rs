//! A parameter of a trial: a row of the table, or one of a command's under a name of the user's.

use super::command::column_of;
use super::kind::{ParameterType, ParameterValue};
use super::values::Setting;
use super::{Hyperparameters, Loss, Parameter, Sampling};
use crate::spec::range::FromNumber;
use crate::spec::types::Scalar;

/// Which parameter a value is of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Which {
    /// One of the table.
    Table(&'static Parameter),
    /// One of a command's.
    Free(String),
}

impl Which {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Table(parameter) => parameter.name,
            Self::Free(name) => name,
        }
    }

    /// How slowly it varies in a grid; those of a command as they stand in the file.
    pub(crate) fn nesting(&self) -> u8 {
        match self {
            Self::Table(parameter) => parameter.nesting,
            Self::Free(_) => 0,
        }
    }

    /// Whether trials with different values of it are different jobs.
    pub(crate) fn shapes_stack(&self) -> bool {
        match self {
            Self::Table(parameter) => parameter.shapes_stack,
            Self::Free(_) => true,
        }
    }

    /// Whether a wave should have few different values of it, so that its trials stack. No trials of a command do.
    pub(crate) fn spares_shapes(&self) -> bool {
        matches!(self, Self::Table(parameter) if parameter.shapes_stack)
    }

    /// Whether all its numbers are whole.
    pub(crate) fn takes_whole_numbers(&self) -> bool {
        matches!(self, Self::Table(parameter) if parameter.takes_whole_numbers())
    }

    /// Whether trials of `loss` and `sampling` have it, whatever else they have.
    pub(crate) fn is_read_by(&self, loss: Loss, sampling: Sampling) -> bool {
        match self {
            Self::Table(parameter) => parameter.is_read_by(loss, sampling) && !parameter.hangs_on_others(),
            Self::Free(_) => true,
        }
    }

    /// Whether it may be `number`.
    pub(crate) fn holds(&self, number: f64) -> bool {
        match self {
            Self::Table(parameter) => parameter.bounds.holds(number),
            Self::Free(_) => number.is_finite(),
        }
    }

    /// Its value in a trial; `None` where the trial does not have it.
    pub(crate) fn value_in(&self, trial: &Hyperparameters) -> Option<ParameterValue> {
        match self {
            Self::Table(parameter) if trial.command.is_none() => trial.value(parameter),
            Self::Table(_) => None,
            Self::Free(name) => {
                let value = trial.command.as_ref()?.parameters.get(name)?;
                trial.free_value(name, column_of(value))
            }
        }
    }

    /// Its value that is a number; `None` where that cannot be.
    pub(crate) fn of_number(&self, number: f64) -> Option<Setting> {
        match self {
            Self::Table(parameter) => Setting::from_number(parameter, number),
            Self::Free(name) => {
                let value = Scalar::from_number(number)?;
                value.is_allowed(crate::spec::bounds::ANY).then(|| Setting::free(name.clone(), value))
            }
        }
    }
}
