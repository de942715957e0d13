//! From a spec to work: trials, and the stacks in which they train.
//!
//! ```text
//! Spec ─Sampler::ask─> Trials (a grid's indexed, made on demand) ─Plan::new─> jobs: a replicate and a span of trials
//!                                                      ─Wave::first─> a line of plan.jsonl ─Plan::replay─> the same
//! finalists ─Trials::listed─> Trials ─Wave::confirm─> one more line: the same trials, replicates numbered onward
//! what came of them ─Sampler::tell, ask─> Trials ─Wave::next─> one more line, until nothing is asked for
//! spec that grew ─Plan::growth─> one more line: trials or replicates that no line has yet
//! ```
//! Trials are never all in memory at once: a trial is made from its index when it is needed.

mod grow;
mod ids;
mod jobs;
mod phase;
mod recorded;
mod sampler;
mod shape;
mod space;
mod wave;

pub use crate::spec::Hyperparameters;
pub use ids::is_id;
pub use jobs::{Job, Plan, Sizes, Stacking};
pub use phase::Phase;
pub use recorded::{GridTrials, ListedTrial, WaveTrials};
pub use sampler::{Sampler, SamplerFault};
pub use shape::{Layer, Shape};
pub use space::Trials;
pub use wave::Wave;
