//! `data.weight`: what it goes with, and what counts rows and so does not.

use super::fields::{Reader, Section};
use super::parameters::{Correction, Sampling, Space};
use super::types::{ColumnKind, DataSpec, OperatingPoint, Parameters};

impl Reader {
    /// The column of weights is no label and no feature.
    pub(super) fn weight_that_fits(&mut self, section: &Section<'_>, data: &DataSpec) {
        let Some((at, name)) = section.get("weight").zip(data.weight.as_ref()) else { return };
        let kind = data.types.get(name).copied();
        let message = if *name == data.label {
            format!("`{name}` is the label, expected a column of weights")
        } else if data.drop.contains(name) {
            format!("`{name}` is under `drop` too, expected it once: a column of weights is no feature anyway")
        } else if data.log.contains_key(name) || data.categorical.contains(name) || data.datetime.contains_key(name) {
            format!("`{name}` is prepared as a feature too, expected a column of weights alone")
        } else if kind.is_some_and(|kind| kind != ColumnKind::Number) {
            format!("`{name}` is of another type under `types`, expected a column of numbers")
        } else {
            return;
        };
        self.fault(at, message, None);
    }

    /// What counts rows, and has no weighted form here.
    pub(super) fn weights_counted(
        &mut self,
        (root, data): (&Section<'_>, &DataSpec),
        parameters: Option<&Parameters>,
        point: &OperatingPoint,
    ) {
        let Some(name) = &data.weight else { return };
        let beside = format!("beside `data.weight: {name}`");
        let with =
            |asks: &dyn Fn(&Space) -> bool| parameters.is_some_and(|parameters| parameters.spaces().iter().any(asks));
        let mut refuse = |key: &str, message: String, help: &str| {
            if let Some(at) = root.get(key) {
                self.fault(at, message, Some(help.to_owned()));
            }
        };
        if with(&|space| space.sampling.as_ref().is_some_and(|all| all.expand().contains(&Sampling::Smote))) {
            let message = format!("found `sampling: smote` {beside}: rows that are made have no weight");
            refuse("parameters", message, "`oversample` and `undersample` draw rows with their weights");
        }
        if with(&|space| space.correction.as_ref().is_some_and(|all| all.expand().contains(&Correction::Platt))) {
            let message = format!("found `correction: platt` {beside}: Platt's targets count rows");
            refuse("parameters", message, "leave `correction: platt` out, or `data.weight`");
        }
        if with(&|space| space.command.is_some()) {
            let message = format!("found a trainer of your own {beside}: commands are not handed weights");
            refuse("parameters", message, "a sweep without `data.weight` compares commands");
        }
        if point.guarantee().is_some() {
            let message = format!("found `confidence` {beside}: its guarantee counts rows");
            refuse("operating_point", message, "leave `confidence` out, or `data.weight`");
        }
    }
}
