//! The card of an exported model: what people should know of it, from the report of its run.

use std::io::{self, Write};
use std::path::Path;

use super::exported::{Made, unwritten};
use super::report::ranked_by;
use crate::cli::ExportArgs;
use crate::output::Failure;
use crate::run::{Look, WITH_INTERVALS, report_of};
use focalsweep_core::plan::Phase;
use focalsweep_core::record::{ModelDirError, write_named};
use focalsweep_report::{self as report, CardOf, Options, Scores, model_card};

/// Writes what people should know of the model beside it.
pub(super) fn write_card(path: &Path, args: &ExportArgs, made: &Made, usage: &str) -> Result<(), Failure> {
    let look = Look::of(report::run_files(&args.run_dir)?)?;
    let by = ranked_by(&look.files);
    let (scores, options) = (Scores::of(&look.files), Options::from(by));
    let (_, found) = report_of((&look, &scores), &options, (None, Phase::Search), WITH_INTERVALS)?;
    let exported = CardOf { trial: &made.trial, replicate: made.replicate, is_refit: args.refit, usage };
    // An average that the report does not show has no figures there.
    let Some(card) = model_card(&found, &exported, (look.files.manifest(), look.files.spec().ok().as_ref())) else {
        return Ok(());
    };
    let failed = |why: io::Error| unwritten(ModelDirError::Write { path: path.to_owned(), why });
    write_named::<io::Error>(path, |out| out.write_all(card.as_bytes())).map_err(failed)
}
