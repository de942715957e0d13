//! Words that options take.

use clap::ValueEnum;

/// Launchers by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LauncherName {
    /// This machine
    Local,
    /// A cluster
    Slurm,
}

/// Looks of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Forms of an exported model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ExportFormat {
    /// A folder that `focalsweep predict` reads
    #[default]
    Folder,
    /// One ONNX file, from the columns of the data to logit, score and flag
    Onnx,
}

/// Forms of predictions on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StreamFormat {
    /// Comma-separated, with a header
    Csv,
    /// An Arrow IPC stream
    Arrow,
}

/// Looks of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PlanFormat {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

/// Looks of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ReportFormat {
    /// For a terminal
    #[default]
    Table,
    /// For programs
    Json,
    /// For spreadsheets
    Csv,
    /// For documents
    Markdown,
}

/// Rows on which trials are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SplitName {
    /// The rows that choose
    Validation,
    /// The rows that nothing was chosen on
    Test,
}

/// What trainings were for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum PhaseName {
    /// Those that chose among the trials
    #[default]
    Search,
    /// Those that were made afresh and did not choose
    Confirm,
}

/// What comes before what in a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OrderName {
    /// Whoever is better by the first metric, then by the next
    Keys,
    /// Trials that nobody beats on all metrics at once, then the rest likewise
    Front,
}
