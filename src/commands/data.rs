//! `data describe` and `data synth`.

use std::process::ExitCode;

use super::spec::{closed, read};
use crate::cli::{DataCommand, SynthArgs};
use crate::output::{self, Failure, Plain};
use crate::progress::DownloadBar;
use crate::run::RunError;
use focalsweep_core::spec::SynthSpec;
use focalsweep_engine::data;

pub(super) fn data(command: &DataCommand) -> Result<ExitCode, Failure> {
    match command {
        DataCommand::Describe(args) => {
            let spec = read(&args.spec)?;
            data::fetch(&spec.data, &mut DownloadBar::new(false)).map_err(RunError::from)?;
            let source = data::load(&spec.data, &spec.split).map_err(RunError::from)?;
            output::lines(&data::describe(&source).to_text(args.all)).map_err(closed)?;
            if args.split_check {
                let check = data::split_check(&spec.data, &spec.split, spec.seed).map_err(RunError::from)?;
                output::lines(&check.to_string()).map_err(closed)?;
            }
        }
        DataCommand::Synth(args) => synth(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn synth(args: &SynthArgs) -> Result<(), Failure> {
    if args.positives == 0 || args.positives >= args.rows || args.features == 0 {
        let message = format!(
            "--rows {} --features {} --positives {} is no data set with a rare class",
            args.rows, args.features, args.positives
        );
        let help = Some("at least 1 feature, and more than 0 but fewer positives than rows".to_owned());
        return Err(Failure::input(Plain { message, help }));
    }
    let spec = SynthSpec { rows: args.rows, features: args.features, positives: args.positives, seed: args.seed };
    data::write_synthetic(&spec, &args.out).map_err(RunError::from)?;
    output::talk(&format!(
        "wrote {}: {} rows, {} features, {} positives; label column Class",
        args.out.display(),
        args.rows,
        args.features,
        args.positives
    ));
    Ok(())
}
