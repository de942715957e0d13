//! Which vector instructions the kernels use.

use std::sync::OnceLock;

use thiserror::Error;

use super::simd::{self, Kernel, Portable, Simd};

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

    /// Calls the function that `kernel` is on this processor.
    pub(super) fn call<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => simd.call(kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => simd.call(kernel),
            Self::Any(simd) => simd.call(kernel),
        }
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

/// What a test does on each kind that this processor has.
#[cfg(test)]
pub(super) trait Check: Copy {
    /// With a kind that fuses a product into a sum, or rounds both.
    fn check<S: Simd>(self, simd: S, fuses: bool);
}

/// Does it on every kind that this processor has.
#[cfg(test)]
pub(super) fn on_each_kind(job: impl Check) {
    for processor in Processor::available() {
        match processor {
            #[cfg(target_arch = "x86_64")]
            Processor::Avx512(simd) => job.check(simd, true),
            #[cfg(target_arch = "x86_64")]
            Processor::Avx2(simd) => job.check(simd, true),
            Processor::Any(simd) => job.check(simd, cfg!(not(target_arch = "x86_64"))),
        }
    }
}
