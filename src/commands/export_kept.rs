//! `export` of a trial that a command of the user's trained: what it kept, and what scores rows with that.

use super::exported::{Made, metrics, refused, unwritten};
use crate::cli::ExportArgs;
use crate::launch::command::{WhatWasTold, folder_of_trial, kept_model, packed, what_was_told};
use crate::output::{Failure, Plain};
use focalsweep_core::record::{
    MODELS, PredictCommand, RunDirError, RunFiles, TrainerCard, TrainerParts, write_trainer_dir,
};
use focalsweep_core::shell::quoted;
use focalsweep_core::spec::{Inputs, TrainerSpec};
use focalsweep_report::{Results, Row};

/// Copies what the command kept of its training, with a card beside and the command that scores with it.
pub(super) fn export_kept(
    args: &ExportArgs,
    files: &RunFiles,
    (results, row): (&Results, &Row),
    trainer: &str,
) -> Result<Made, Failure> {
    let from = kept_model(&args.run_dir, &row.trial_id, row.replicate);
    if !from.is_dir() {
        let message = format!("`{trainer}` kept no model of trial {}, replicate {}", row.trial_id, row.replicate);
        return Err(refused(message, "what a command writes under `out/model/` is kept, up to 1 GiB"));
    }
    let folder = folder_of_trial(&args.run_dir, &row.trial_id, row.replicate);
    let told = what_was_told(&folder).map_err(|why| RunDirError::io(&folder, why))?;
    let spec = files.spec()?;
    let named = spec.trainers.get(trainer);
    let mut card = TrainerCard::new(&results.name, &row.trial_id, row.replicate, trainer);
    card.trainer_fingerprint.clone_from(&row.trainer_fingerprint);
    card.parameters = told.iter().flat_map(|told| told.parameters.clone()).collect();
    card.threshold = results.value(row, "threshold");
    card.threshold_raw = results.value(row, "threshold_raw");
    card.data_fingerprint.clone_from(&row.data_fingerprint);
    card.split_fingerprint.clone_from(&row.split_fingerprint);
    card.validation = metrics(results, &row.metrics, "val_");
    card.test = metrics(results, &row.metrics, "test_");
    let mut parts = TrainerParts { model: &from, preprocessing: None, program: Vec::new() };
    let name = format!("{MODELS}/preprocessing-r{}.json", row.replicate);
    let preprocessing = files.bytes(&name)?;
    if let Some((named, words)) = named.and_then(|named| Some((named, named.predict.as_ref()?))) {
        let Some(told) = told.as_ref().filter(|told| named.inputs == Inputs::Prepared || !told.columns.is_empty())
        else {
            let message = format!("{} does not say which columns `{trainer}` was trained on", folder.display());
            let help = format!("`focalsweep run SPEC --resume --retrain {trainer}` trains its trials again");
            return Err(refused(message, &help));
        };
        let bytes = preprocessing.as_deref().ok_or_else(|| {
            let help = format!("`focalsweep run SPEC --out {} --resume` makes it again", quoted(&args.run_dir));
            refused(format!("there is no {}", files.path(&name).display()), &help)
        })?;
        parts.preprocessing = Some(bytes);
        (card.predict, parts.program) = command(named, words, told)?;
    }
    write_trainer_dir(&args.out, &card, &parts).map_err(unwritten)?;
    let scored_by = if card.predict.is_some() {
        format!(
            "`focalsweep predict {} DATA --out FILE` scores rows with it, by its command, of which {} files were copied",
            quoted(&args.out),
            parts.program.len()
        )
    } else {
        format!("rows are scored by what wrote it (`trainers.{trainer}` has no `predict`)")
    };
    let what = format!("what `{trainer}` kept of trial {}, replicate {}", row.trial_id, row.replicate);
    Ok(Made { trial: row.trial_id.clone(), replicate: row.replicate, what, scored_by: Some(scored_by) })
}

/// The command that scores, and its files.
type Command = (Option<PredictCommand>, Vec<(std::path::PathBuf, std::path::PathBuf)>);

fn command(named: &TrainerSpec, words: &[String], told: &WhatWasTold) -> Result<Command, Failure> {
    let folder = named.folder();
    let packed = packed(named, words, &told.parameters).map_err(|why| {
        let message = format!("cannot copy the command that scores from {}: {why}", folder.display());
        Failure::environment(Plain { message, help: None })
    })?;
    let predict = PredictCommand {
        command: packed.words,
        inputs: named.inputs,
        output: named.output,
        cpus: named.cpus,
        gpus: named.gpus,
        columns: told.columns.clone(),
    };
    Ok((Some(predict), packed.files))
}
