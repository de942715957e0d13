//! `predict`: scores of new rows by an exported model.

use std::process::ExitCode;

use super::spec::closed;
use crate::cli::PredictArgs;
use crate::output::{self, Failure, Plain};
use focalsweep_core::record::{Model, PredictionsFormat, write_predictions};
use focalsweep_engine::data::Transform;
use focalsweep_engine::train;
use focalsweep_report::thousands;

pub(super) fn predict(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let Some(format) = PredictionsFormat::of(&args.out) else {
        let message = format!("--out {} is neither a .csv nor a .parquet file by its name", args.out.display());
        return Err(Failure::input(Plain { message, help: Some("its ending says how it is written".to_owned()) }));
    };
    let Model { card, preprocessing, weights } = Model::read(&args.model_dir).map_err(Failure::input)?;
    let x = preprocessing.transform_file(&args.data).map_err(Failure::input)?;
    let scores = train::probabilities(&card.hyperparameters, card.features.len(), &weights, x).map_err(|error| {
        Failure::input(Plain { message: format!("{}: {error}", args.model_dir.display()), help: None })
    })?;
    write_predictions(&args.out, format, &scores, card.threshold).map_err(|error| {
        let message = format!("cannot write {}: {error}", args.out.display());
        Failure::environment(Plain { message, help: Some("its folder has to be there and writable".to_owned()) })
    })?;
    let flagged = card.threshold.map(|t| scores.iter().filter(|&&score| f64::from(score) >= t).count());
    let told = flagged.zip(card.threshold).map_or_else(
        || "no threshold, so none is flagged".to_owned(),
        |(count, t)| format!("{} flagged at threshold {t:.3}", thousands(count)),
    );
    output::talk(&format!("scored {} rows of {}: {told}", thousands(scores.len()), args.data.display()));
    output::data(&args.out.display().to_string()).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}
