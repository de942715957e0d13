//! `export`: a trained model in a directory of its own, or as one ONNX file.

use std::process::ExitCode;

use super::export_card::write_card;
use super::export_folder::into_folder;
use super::export_onnx::export_onnx;
use super::spec::closed;
use crate::cli::{ExportArgs, ExportFormat};
use crate::output::{self, Failure};
use focalsweep_core::shell::quoted;

/// What people should know of a model, in its folder.
const CARD: &str = "model-card.md";

pub(super) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    if args.format == ExportFormat::Onnx {
        return export_onnx(args);
    }
    let made = into_folder(args)?;
    let usage = made
        .scored_by
        .clone()
        .unwrap_or_else(|| format!("`focalsweep predict {} DATA --out FILE` scores rows with it", quoted(&args.out)));
    write_card(&args.out.join(CARD), args, &made, &usage)?;
    output::talk(&format!("exported {}; {usage}", made.what));
    output::path(&args.out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}
