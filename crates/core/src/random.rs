//! Counter-based random streams.
//!
//! Every draw of a sweep comes from a stream that is named by what it is for, never by who draws first: the key of a
//! ChaCha8 generator (Bernstein 2008) is laid out from (seed, replicate, purpose, epoch, step). So a trial's numbers do
//! not depend on what it is stacked with, on the thread, on the launcher, or on where a run was resumed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_distr::{Beta, Binomial, ChiSquared, Distribution};

/// What a stream is for. The numbers are part of every recorded result: never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Which rows go to test, validation and training.
    Split = 1,
    /// Initial weights; `step` is the layer.
    Weights = 2,
    /// Order of the training rows in an epoch.
    BatchOrder = 3,
    /// Dropout uniforms of a step; `layer` is told by [`Stream::dropout`].
    Dropout = 4,
    /// Positives drawn with replacement when oversampling.
    Oversample = 5,
    /// Negatives that stay when undersampling.
    Undersample = 22,
    /// Positives between others.
    Smote = 23,
    /// Synthetic data; `step` is the column.
    Synth = 6,
    /// Rows of a bootstrap resample; `step` is the resample.
    Bootstrap = 7,
    /// Draws of the largest of correlated statistics; `step` is the draw.
    MaxStatistic = 8,
    /// Labels drawn as if scores were probabilities; `step` counts by 64 draws.
    Consistency = 12,
    /// Places of a random search; `replicate` is the coordinate, `epoch` and `step` the number of the point.
    Search = 13,
    /// Candidates of a search by densities; `epoch` and `step` are how much was told and asked for before.
    Candidates = 14,
    /// Trials that a tree of a forest sees, and which of equal splits it takes; `replicate` is the tree.
    Forest = 20,
    /// Parts of the models that averages are grown from; `replicate` is the number of the part. At `epoch` 1 the rows
    /// that choose them, dealt to folds.
    Bag = 21,
}

/// One stream of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream named by `(seed, replicate, purpose, epoch, step)`.
    pub fn new(seed: u64, replicate: u32, purpose: Purpose, epoch: u32, step: u32) -> Self {
        Self::keyed(seed, replicate, purpose, epoch, step, 0)
    }

    /// Dropout uniforms of hidden layer `layer` at `step` of `epoch`.
    pub fn dropout(seed: u64, replicate: u32, epoch: u32, step: u32, layer: u32) -> Self {
        Self::keyed(seed, replicate, Purpose::Dropout, epoch, step, layer)
    }

    fn keyed(seed: u64, replicate: u32, purpose: Purpose, epoch: u32, step: u32, part: u32) -> Self {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        for (slot, word) in [replicate, purpose as u32, epoch, step, part].into_iter().enumerate() {
            let at = 8 + 4 * slot;
            key[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    /// Uniform in [0, 1) with 24 random bits, every value exact in f32.
    pub fn uniform(&mut self) -> f32 {
        unit(self.0.next_u32())
    }

    /// Fills `out` with what as many calls of [`Stream::uniform`] would give.
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        for slot in out {
            *slot = unit(self.0.next_u32());
        }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1) with 53 random bits.
    pub fn uniform64(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Standard normal (Box & Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform64()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform64()).cos()
    }

    /// Uniform in `0..n` without bias (Lemire 2019, arXiv 1805.10941); 0 when `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        let reject = n.wrapping_neg().checked_rem(n).unwrap_or(0);
        loop {
            let wide = u64::from(self.0.next_u32()) * u64::from(n);
            if wide as u32 >= reject {
                return (wide >> 32) as u32;
            }
        }
    }

    /// Successes of `n` trials that succeed with probability `p`, exactly (Kachitvichyanukul & Schmeiser 1988);
    /// a `p` outside of [0, 1] counts as the nearer end.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        Binomial::new(n, p.clamp(0.0, 1.0)).map_or(0, |binomial| binomial.sample(&mut self.0))
    }

    /// Beta(a, b), exactly (Cheng 1978); 0 unless both are above 0.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        Beta::new(a, b).map_or(0.0, |beta| beta.sample(&mut self.0))
    }

    /// χ² with `freedom` degrees of freedom, exactly (Marsaglia & Tsang 2000); 0 unless that is above 0.
    pub fn chi_squared(&mut self, freedom: f64) -> f64 {
        ChiSquared::new(freedom).map_or(0.0, |chi| chi.sample(&mut self.0))
    }

    /// The `k`-th smallest of `n` uniforms, `1 <= k <= n`, which is Beta(k, n - k + 1).
    pub fn order_statistic(&mut self, k: u64, n: u64) -> f64 {
        self.beta(k as f64, (n + 1).saturating_sub(k) as f64)
    }

    /// Shuffles `items` in place, every order equally likely (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u32 + 1) as usize;
            items.swap(last, other);
        }
    }
}

fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_named_not_ordered() {
        let draw = |purpose, epoch, step| Stream::new(7, 1, purpose, epoch, step).uniform64();
        assert_eq!(draw(Purpose::Dropout, 2, 3), draw(Purpose::Dropout, 2, 3));
        assert_ne!(draw(Purpose::Dropout, 2, 3), draw(Purpose::Dropout, 3, 2));
        assert_ne!(draw(Purpose::Dropout, 2, 3), draw(Purpose::Split, 2, 3));
        assert_eq!(Stream::dropout(7, 1, 2, 3, 0).uniform64(), draw(Purpose::Dropout, 2, 3));
        assert_ne!(Stream::dropout(7, 1, 2, 3, 1).uniform64(), draw(Purpose::Dropout, 2, 3));
    }

    #[test]
    fn filling_draws_what_single_calls_draw() {
        let mut many = [0.0; 100];
        Stream::new(1, 0, Purpose::Dropout, 0, 0).fill_uniform(&mut many);
        let mut one = Stream::new(1, 0, Purpose::Dropout, 0, 0);
        assert!(many.iter().all(|&value| value == one.uniform() && (0.0..1.0).contains(&value)));
    }

    #[test]
    fn moments_and_ranges_are_right() {
        let mut stream = Stream::new(3, 0, Purpose::Synth, 0, 0);
        let n = 200_000;
        let normals: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(n);
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / f64::from(n) - mean * mean;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|&c| (9_600..10_400).contains(&c)), "{counts:?}");
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..1000).collect();
        Stream::new(0, 0, Purpose::Split, 0, 0).shuffle(&mut items);
        assert_ne!(items, (0..1000).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..1000).collect::<Vec<_>>());
    }
}
