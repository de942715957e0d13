//! What the scores of a run say of its ranking: who is tied with the winner, what it buys, how sure that is, what it is
//! worth as a probability; and of two runs, what one has over the other.

mod calibration;
mod contrast;
mod doubts;
mod edges;
mod guarantee;
mod intervals;
mod methods;
mod pair;
mod report;
mod starts;
mod ties;

pub(crate) use contrast::LEVEL;

pub use calibration::{Calibration, Reading};
pub use contrast::Contrast;
pub use guarantee::Guarantee;
pub use intervals::{ForEach, Intervals};
pub use methods::Method;
pub use pair::{Common, Pairing, Run, Side, pair};
pub use report::{Answer, Optimism, Report};
pub use starts::Start;
pub use ties::{Correction, Tie, Ties};
