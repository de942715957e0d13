//! `predict`: scores of new rows by an exported model.

use std::process::ExitCode;

use super::spec::closed;
use crate::cli::PredictArgs;
use crate::output::{self, Failure, Plain};
use focalsweep_core::record::{Model, Predictions, PredictionsFormat, write_predictions};
use focalsweep_engine::data::Transform;
use focalsweep_engine::train;
use focalsweep_report::thousands;

pub(super) fn predict(args: &PredictArgs) -> Result<ExitCode, Failure> {
    let Some(format) = PredictionsFormat::of(&args.out) else {
        let message = format!("--out {} is neither a .csv nor a .parquet file by its name", args.out.display());
        return Err(Failure::input(Plain { message, help: Some("its ending says how it is written".to_owned()) }));
    };
    let Model { card, preprocessing, weights } = Model::read(&args.model_dir).map_err(Failure::input)?;
    let read = preprocessing.read(&args.data).map_err(Failure::input)?;
    let x = preprocessing.transform_file(&read).map_err(Failure::input)?;
    let train::Scored { raw, scores, .. } = train::score_rows(&card.hyperparameters, card.features.len(), &weights, x)
        .map_err(|error| {
            Failure::input(Plain { message: format!("{}: {error}", args.model_dir.display()), help: None })
        })?;
    let flagged: Vec<Option<bool>> = raw.iter().zip(&scores).map(|(&raw, &score)| card.flags(raw, score)).collect();
    let count = flagged.iter().filter(|flagged| **flagged == Some(true)).count();
    let rows = scores.len();
    let predictions = Predictions { raw, scores, flagged, threshold_raw: card.threshold_raw };
    write_predictions(&args.out, format, &predictions).map_err(|error| {
        let message = format!("cannot write {}: {error}", args.out.display());
        Failure::environment(Plain { message, help: Some("its folder has to be there and writable".to_owned()) })
    })?;
    let told = card.threshold.map_or_else(
        || "no threshold, so none is flagged".to_owned(),
        |t| format!("{} flagged at threshold {t:.3}", thousands(count)),
    );
    output::talk(&format!("scored {} rows of {}: {told}", thousands(rows), args.data.display()));
    output::path(&args.out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}
