//! `trial`: one trial of a command of the user's, in the foreground.

use std::process::ExitCode;

use super::exported::trial_named;
use crate::cli::TrialArgs;
use crate::launch::child::status_in_words;
use crate::output::{self, Failure, Plain, SOME_FAILED};
use crate::run::by_hand;
use focalsweep_core::shell::quoted;

pub(super) fn trial(args: &TrialArgs) -> Result<ExitCode, Failure> {
    let run = by_hand::look(&args.run_dir)?;
    let ids = run.ids();
    let id = trial_named("ID", &args.id, &ids, &args.run_dir)?;
    let found = run.find(&id, args.replicate).map_err(|why| {
        let help = "trials of our own networks are trained by `run`; their rows say `trainer: stack`".to_owned();
        Failure::input(Plain { message: format!("trial {id}: {why}"), help: Some(help) })
    })?;
    let laid_out = found.lay_out()?;
    let words: Vec<String> = laid_out.words.iter().map(quoted).collect();
    output::talk(&format!(
        "cd {} && {}={} {}",
        quoted(found.folder()),
        crate::launch::command::VARIABLE,
        quoted(&laid_out.order_file),
        words.join(" ")
    ));
    let status = laid_out.run().map_err(|why| {
        let program = laid_out.words.first().map(String::as_str).unwrap_or_default();
        Failure::environment(Plain { message: format!("cannot run `{program}`: {why}"), help: None })
    })?;
    if !status.success() {
        output::insist(&format!("it failed: {}", status_in_words(status)));
        return Ok(ExitCode::from(SOME_FAILED));
    }
    match found.measure(&laid_out) {
        Ok(measured) => {
            let figure = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| format!("{value:.4}"));
            let missed = |counts: Option<focalsweep_core::metrics::Confusion>| {
                counts.map_or_else(|| "none".to_owned(), |counts| counts.fn_.to_string())
            };
            output::talk(&format!(
                "its scores are whole: AUC {} on the validation rows, {} on the test rows; missed at the operating \
                 point {} and {}; nothing of it is kept in the results",
                figure(measured.val.auc),
                figure(measured.test.auc),
                missed(measured.val_op),
                missed(measured.test_op),
            ));
            Ok(ExitCode::SUCCESS)
        }
        Err(why) => {
            output::insist(&format!("it failed: {why}"));
            Ok(ExitCode::from(SOME_FAILED))
        }
    }
}
