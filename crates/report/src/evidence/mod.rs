//! What the scores of a run say of its ranking: who is tied with the winner, what it buys, how sure that is, what it is
//! worth as a probability; and of two runs, what one has over the other.
//!
//! ```text
//! scores ─members─> figures, influences, ladders ─pairs──> chosen on these rows: against all others
//!                                                ─named──> named beforehand: against each other
//!                                                ─settings> trained afresh
//!                                                ─decision> what to deploy
//!        ─kept────> scores of a few ─classifiers─> as deployed      all are claims
//!                                 ─ensemble──> an average of the best
//! ```

mod calibration;
mod claim;
mod classifiers;
mod decision;
mod doubts;
mod edges;
mod ensemble;
mod folds;
mod guarantee;
mod intervals;
mod judge;
mod kept;
mod members;
mod methods;
mod named;
mod new_groups;
mod pair;
mod pairs;
mod prevalence;
mod procedure;
mod report;
mod resamples;
mod settings;
mod starts;
mod units;
mod windows;

pub use calibration::{Calibration, Reading};
pub use claim::{Claim, Claims, Correction, Kind};
pub use decision::{Decision, Outcome};
pub use ensemble::{ENSEMBLE, Ensemble, EnsembleMember, EnsembleReplicate};
pub use guarantee::Guarantee;
pub use intervals::Intervals;
pub use judge::{Confirmed, Judged, StandardErrors, judge};
pub use kept::Optimism;
pub use methods::Method;
pub use new_groups::{Apart, FigureApart, FiguresApart, Held, TrialApart};
pub use pair::{Common, Pairing, Run, Side, pair};
pub use prevalence::{AtShare, Prevalence};
pub(crate) use procedure::shared_rows;
pub use procedure::{AgainstPlain, Parts, Procedure, ProcedureFigure};
pub use report::{Answer, Report};
pub use starts::Start;

#[cfg(test)]
mod tests;
