//! What a run found: its trials ranked, the evidence for it, and both said: as table, Markdown, CSV, JSON, page,
//! figures.
//!
//! ```text
//! run directory ─read─> Results ─rank─> Ranking ─evidence─> Report ─say──> Table, Markdown, Csv, Json
//!                                                                  ─page─> report.html ─figures─> SVG, PNG
//! two of Results ─evidence::pair─> Pairing ─say─> the same
//! ```
//! | room | job |
//! |---|---|
//! | `read` | the files of a run as rows, scores and losses; another operating point; hyperparameters by name |
//! | `rank` | trials over their replicates, in their order |
//! | `evidence` | claims, intervals, calibration: what the scores say of the order |
//! | `say` | all of it in words and columns, in four forms |
//! | `page` | report.html, and one page over many runs |
//! | `figures` | files for papers, of what the page shows |
//!
//! Each room may use those above it, none below: `tests/rooms.rs` holds that. Reads result files only; [`rank()`] and
//! the forms of `say` are pure.

mod evidence;
mod figures;
mod page;
mod rank;
mod read;
mod say;

#[cfg(test)]
mod tests;

pub use evidence::{
    AgainstPlain, Answer, Apart, AtShare, Calibration, Claim, Claims, Common, Confirmed, Correction, Decision,
    ENSEMBLE, Ensemble, EnsembleMember, EnsembleReplicate, FigureApart, FiguresApart, Guarantee, Held, Intervals,
    Judged, Kind, Method, Optimism, Outcome, Pairing, Parts, Prevalence, Procedure, ProcedureFigure, Reading, Report,
    Run, Side, StandardErrors, Start, TrialApart, judge, pair,
};
pub use figures::{Figure, figures};
pub use page::{Decided, Indexed, IndexedFigure, Live, MADE_BY, SoFar, decision_of_page, index_page, to_html};
pub use rank::{
    DeviceUse, FEW_POSITIVES, Interval, Key, Options, Ranked, Ranking, Trial, devices_in_words,
    few_validation_positives, finalists, rank, training_seconds,
};
pub use read::{
    CalibrationGroup, ForEach, ReportError, Results, Row, ScoreGroup, ScoreSource, Scores, Timing, Value,
    at_operating_point, for_each_calibration_group, for_each_group, metrics_at_operating_point,
    operating_point_in_words, read, run_files, thousands, unchecked_run_files,
};
pub use say::{CardOf, Csv, Exporter, Json, Markdown, Table, answer_in_short, glossary, model_card};
