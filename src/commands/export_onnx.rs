//! `export --format onnx`: a model as one file that other programs run.

use std::io::{self, Write};
use std::process::ExitCode;

use tempfile::TempDir;

use super::export_card::write_card;
use super::export_folder::into_folder;
use super::exported::{refused, unwritten};
use super::spec::closed;
use crate::cli::ExportArgs;
use crate::output::{self, Failure};
use focalsweep_core::onnx::{OnnxError, onnx_model};
use focalsweep_core::record::{Exported, ModelDirError, write_named};

pub(super) fn export_onnx(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let failed = |why: io::Error| unwritten(ModelDirError::Write { path: args.out.clone(), why });
    if args.out.exists() {
        let message = format!("{} is there already", args.out.display());
        return Err(refused(message, "`--out FILE` of another name, or remove it first"));
    }
    let folder = TempDir::new().map_err(failed)?;
    let folder = folder.path().join("model");
    let made = into_folder(&ExportArgs { out: folder.clone(), ..args.clone() })?;
    if !folder.join("model.json").exists() {
        let message = format!("--format onnx: trial {} was trained by a command, whose model is its own", made.trial);
        return Err(refused(message, "without `--format onnx` what the command kept is copied"));
    }
    let model =
        onnx_model(&Exported::read(&folder).map_err(unwritten)?).map_err(|why: OnnxError| Failure::input(why))?;
    write_named::<io::Error>(&args.out, |out| out.write_all(&model.bytes)).map_err(failed)?;
    let usage = format!("any ONNX runtime scores rows with it: outputs {}", model.outputs.join(", "));
    write_card(&args.out.with_extension("md"), args, &made, &usage)?;
    output::talk(&format!("exported {}; {usage}", made.what));
    output::path(&args.out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}
