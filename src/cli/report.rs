//! What ranks and compares runs.

use std::path::PathBuf;

use clap::Args;

use super::words::{OrderName, PhaseName, ReportFormat, SplitName};

/// `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run directory, or a sweep file whose run is in runs/NAME; several of the same data and splits are ranked
    /// together
    #[arg(value_name = "RUN_DIR", required = true)]
    pub run_dirs: Vec<PathBuf>,
    /// Metrics to rank by, the first decides first [default: the spec's rank.by]
    #[arg(long, value_name = "METRICS", value_delimiter = ',')]
    pub by: Option<Vec<String>>,
    /// Whose metrics rank [default: the spec's rank.on]
    #[arg(long, value_enum)]
    pub on: Option<SplitName>,
    /// What comes before what: by the metrics one after the other, or fronts before that [default: the spec's
    /// rank.order, keys]
    #[arg(long, value_enum)]
    pub order: Option<OrderName>,
    /// Where thresholds are put, on the validation rows, without training again [default: the spec's]
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub operating_point: Option<String>,
    /// What trials come to where this share of the rows is positive: precision, alerts, cost and net benefit at the
    /// thresholds that they have
    #[arg(long, value_name = "SHARE", value_parser = share, conflicts_with_all = ["html", "figures"])]
    pub prevalence: Option<f64>,
    /// Whose trainings rank: those of the search, or those of `confirm`, which did not choose
    #[arg(long, value_enum, default_value_t, conflicts_with_all = ["html", "figures"])]
    pub phase: PhaseName,
    /// Read files that somebody changed on purpose: their checksums are not compared
    #[arg(long)]
    pub unchecked: bool,
    /// Only the first N trials [default: in a table as many as have room on a screen, else all]
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// A table of all that there is to say, however long; $PAGER shows what has more lines than the terminal
    #[arg(long)]
    pub all: bool,
    /// How it looks
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
    /// Write the report as one HTML file instead: plots, sortable table, curves
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the main figures into a folder instead: SVG 7 and 3.5 inches wide, PNG, and the numbers as CSV
    #[arg(long, value_name = "DIR", conflicts_with = "html")]
    pub figures: Option<PathBuf>,
}

/// `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// A run directory
    #[arg(value_name = "RUN_A")]
    pub run_a: PathBuf,
    /// Another, of the same data and splits
    #[arg(value_name = "RUN_B")]
    pub run_b: PathBuf,
    /// Metrics to rank by, the first decides first [default: rank.by of RUN_A's spec]
    #[arg(long, value_name = "METRICS", value_delimiter = ',')]
    pub by: Option<Vec<String>>,
    /// Whose metrics rank [default: rank.on of RUN_A's spec]
    #[arg(long, value_enum)]
    pub on: Option<SplitName>,
    /// Where thresholds are put in both runs, on the validation rows [default: each spec's]
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub operating_point: Option<String>,
    /// Trials of the table [default: 20]
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// How it looks
    #[arg(long, value_enum, default_value_t)]
    pub format: ReportFormat,
}

/// Between 0 and 1, and neither.
fn share(text: &str) -> Result<f64, String> {
    let found = text.parse().ok().filter(|share: &f64| *share > 0.0 && *share < 1.0);
    found.ok_or_else(|| "expected a share above 0 and below 1, such as 0.0017".to_owned())
}
