//! Which vector instructions the kernels use, and the passes compiled once for each.

use std::sync::OnceLock;

use thiserror::Error;

use super::super::backend::{Batch, Scored};
use super::Fused;
use super::simd::{self, Portable};
use focalsweep_core::prepared::Rows;

/// What the processor can do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Processor {
    #[cfg(target_arch = "x86_64")]
    Avx512(simd::Avx512),
    #[cfg(target_arch = "x86_64")]
    Avx2(simd::Avx2),
    Any(Portable),
}

/// What this process uses, once it is settled.
static USED: OnceLock<Processor> = OnceLock::new();

/// Vector instructions were asked for that cannot be used.
#[derive(Debug, Error)]
pub enum NoInstructions {
    /// The word means nothing.
    #[error("\"{word}\" names no vector instructions: known are {}", WORDS.join(", "))]
    Unknown {
        /// What was asked for.
        word: String,
    },
    /// This processor does not have them.
    #[error("this processor does not have {word}: it has {}", have.join(", "))]
    Missing {
        /// What was asked for.
        word: String,
        /// What there is, the fastest first.
        have: Vec<&'static str>,
    },
    /// Kernels run with others already.
    #[error("the kernels of this process use {used} already, not {word}")]
    Settled {
        /// What was asked for.
        word: String,
        /// What is used.
        used: &'static str,
    },
}

/// Every kind, the fastest first.
const WORDS: [&str; 3] = ["avx512", "avx2", "portable"];

impl Processor {
    /// What this processor has, the fastest first.
    fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = [simd::Avx512::detect().map(Self::Avx512), simd::Avx2::detect().map(Self::Avx2)];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors: [Option<Self>; 0] = [];
        vectors.into_iter().flatten().chain([Self::Any(Portable)]).collect()
    }

    /// What the kernels of this process use: what [`use_instructions`] said, else the best that there is.
    pub(super) fn used() -> Self {
        *USED.get_or_init(|| Self::available().first().copied().unwrap_or(Self::Any(Portable)))
    }

    fn word(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => WORDS[0],
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => WORDS[1],
            Self::Any(_) => WORDS[2],
        }
    }
}

/// The vector instructions that the fused kernels of this process use: `avx512`, `avx2` or `portable`.
pub fn instructions() -> &'static str {
    Processor::used().word()
}

/// Makes the fused kernels of this process use those that `word` names, in any case, instead of the best that there
/// are. Called once, before anything trains or scores.
///
/// # Errors
/// The word is unknown, this processor does not have them, or others are in use.
pub fn use_instructions(word: &str) -> Result<(), NoInstructions> {
    let word = word.trim().to_ascii_lowercase();
    if !WORDS.contains(&word.as_str()) {
        return Err(NoInstructions::Unknown { word });
    }
    let available = Processor::available();
    let Some(&asked) = available.iter().find(|processor| processor.word() == word) else {
        return Err(NoInstructions::Missing { word, have: available.into_iter().map(Processor::word).collect() });
    };
    let used = USED.get_or_init(|| asked).word();
    if used == word { Ok(()) } else { Err(NoInstructions::Settled { word, used }) }
}

/// A step, compiled for the processor of `stack`.
pub(super) fn step(stack: &mut Fused<'_>, batch: &Batch<'_>) {
    match stack.processor {
        #[cfg(target_arch = "x86_64")]
        Processor::Avx512(simd) => compiled::step_avx512(simd, stack, batch),
        #[cfg(target_arch = "x86_64")]
        Processor::Avx2(simd) => compiled::step_avx2(simd, stack, batch),
        Processor::Any(simd) => stack.step_with(simd, batch),
    }
}

/// Scores, compiled for the processor of `stack`.
pub(super) fn score(stack: &Fused<'_>, weights: &[f32], models: &[usize], rows: &Rows) -> Scored {
    match stack.processor {
        #[cfg(target_arch = "x86_64")]
        Processor::Avx512(simd) => compiled::score_avx512(simd, stack, weights, models, rows),
        #[cfg(target_arch = "x86_64")]
        Processor::Avx2(simd) => compiled::score_avx2(simd, stack, weights, models, rows),
        Processor::Any(simd) => stack.score_with(simd, weights, models, rows),
    }
}

/// The generic passes compiled for instructions that the target need not have.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "calls of functions that need instructions; the token proves that they are there")]
mod compiled {
    use super::{Batch, Fused, Rows, Scored, simd};

    macro_rules! compiled {
        ($kind:ty, $features:literal, $step:ident, $score:ident) => {
            pub(super) fn $step(simd: $kind, stack: &mut Fused<'_>, batch: &Batch<'_>) {
                #[target_feature(enable = $features)]
                fn step(simd: $kind, stack: &mut Fused<'_>, batch: &Batch<'_>) {
                    stack.step_with(simd, batch);
                }
                // SAFETY: a token exists only where its instructions do.
                unsafe { step(simd, stack, batch) }
            }

            pub(super) fn $score(
                simd: $kind,
                stack: &Fused<'_>,
                weights: &[f32],
                models: &[usize],
                rows: &Rows,
            ) -> Scored {
                #[target_feature(enable = $features)]
                fn score(simd: $kind, stack: &Fused<'_>, weights: &[f32], models: &[usize], rows: &Rows) -> Scored {
                    stack.score_with(simd, weights, models, rows)
                }
                // SAFETY: a token exists only where its instructions do.
                unsafe { score(simd, stack, weights, models, rows) }
            }
        };
    }

    compiled!(simd::Avx512, "avx512f", step_avx512, score_avx512);
    compiled!(simd::Avx2, "avx2,fma", step_avx2, score_avx2);

    #[cfg(test)]
    pub(super) fn check(job: &impl super::Check) {
        #[target_feature(enable = "avx512f")]
        fn avx512(simd: simd::Avx512, job: &impl super::Check) {
            job.check(simd, true);
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(simd: simd::Avx2, job: &impl super::Check) {
            job.check(simd, true);
        }
        // SAFETY: a token exists only where its instructions do.
        if let Some(simd) = simd::Avx512::detect() {
            unsafe { avx512(simd, job) }
        }
        if let Some(simd) = simd::Avx2::detect() {
            unsafe { avx2(simd, job) }
        }
    }
}

/// What a test does on each kind.
#[cfg(test)]
pub(super) trait Check {
    /// With a kind that fuses a product into a sum, or rounds both.
    fn check<S: simd::Simd>(&self, simd: S, fuses: bool);
}

/// Does it on every kind that this processor has, compiled as the passes are.
#[cfg(test)]
pub(super) fn on_each_kind(job: &impl Check) {
    job.check(Portable, cfg!(not(target_arch = "x86_64")));
    #[cfg(target_arch = "x86_64")]
    compiled::check(job);
}
