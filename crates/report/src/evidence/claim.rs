//! What is claimed of two trials, and by what test.

use std::collections::HashMap;

use focalsweep_core::metrics::catalogue::{Better, Metric, Test};
use focalsweep_core::metrics::{AgainstFirst, Interval, LEVEL};
use focalsweep_core::spec::Split;

/// A difference of two trials in one figure, tested on the same rows: `of` less `against`. Every sentence, mark and
/// outline that says that trials differ, or that they cannot be told apart, comes from one.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The figure.
    pub about: Test,
    /// What it is a claim about.
    pub kind: Kind,
    /// The first trial.
    pub of: String,
    /// The one that it is held against.
    pub against: String,
    /// The rows.
    pub split: Split,
    /// Mean over the replicates of the first figure less the second.
    pub difference: f64,
    /// Standard error that the test reckons with; `None` where it has none.
    pub standard_error: Option<f64>,
    /// 95 % interval of the difference, corrected as the p-value is; `None` for McNemar's test, which has none.
    pub interval: Option<Interval>,
    /// P-value of no difference, corrected, two-sided.
    pub p: f64,
    /// What else was compared, for which interval and p-value are corrected.
    pub corrected_for: Correction,
    /// Replicates that both have.
    pub replicates: usize,
    /// Mean number of positives of a replicate.
    pub positives: u64,
}

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// These trained models, on new rows, their thresholds chosen anew.
    Models,
    /// These settings, trained afresh.
    Settings,
    /// These classifiers as deployed: the models with their thresholds as they are.
    Classifiers,
}

/// How a p-value and its interval are corrected for what else was compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Correction {
    /// Two trials that were named beforehand.
    #[default]
    None,
    /// By the joint distribution of all pairs' differences: one of the two was chosen on the same rows.
    AllPairs,
    /// By the number of all pairs.
    AllPairsCounted,
    /// By Holm's method over the best trials of the methods.
    Methods,
    /// By Holm's method over those that were trained afresh.
    Finalists,
}

impl Kind {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Settings => "settings",
            Self::Classifiers => "classifiers",
        }
    }
}

impl Correction {
    /// The words in files.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AllPairs => "all pairs (max-T)",
            Self::AllPairsCounted => "all pairs (Bonferroni)",
            Self::Methods => "methods (Holm)",
            Self::Finalists => "finalists (Holm)",
        }
    }
}

impl Claim {
    /// Whether the two are told apart at 5 %.
    pub fn told(&self) -> bool {
        self.p < LEVEL
    }

    /// Whether the first trial's figure is the better one; `None` where they are equal.
    pub fn favours(&self) -> Option<bool> {
        let more_is_better = Metric::named(self.about.about())?.better? == Better::More;
        (self.difference != 0.0).then_some((self.difference > 0.0) == more_is_better)
    }

    /// The same the other way round.
    pub(super) fn turned(mut self) -> Self {
        std::mem::swap(&mut self.of, &mut self.against);
        self.difference = -self.difference;
        if let Some(interval) = &mut self.interval {
            (interval.lower, interval.upper) = (-interval.upper, -interval.lower);
        }
        self
    }
}

/// Two trials that are compared, and on what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) kind: Kind,
    pub(super) of: &'a str,
    pub(super) against: &'a str,
    pub(super) split: Split,
    pub(super) replicates: usize,
    pub(super) positives: u64,
}

impl Pair<'_> {
    pub(super) fn claim(
        &self,
        about: Test,
        (difference, standard_error): (f64, Option<f64>),
        interval: Option<Interval>,
        p: f64,
        corrected_for: Correction,
    ) -> Claim {
        Claim {
            about,
            kind: self.kind,
            of: self.of.to_owned(),
            against: self.against.to_owned(),
            split: self.split,
            difference,
            standard_error,
            interval,
            p,
            corrected_for,
            replicates: self.replicates,
            positives: self.positives,
        }
    }

    pub(super) fn compared(&self, about: Test, found: AgainstFirst, corrected_for: Correction) -> Claim {
        let AgainstFirst { difference, error, p, half_width } = found;
        let interval = Interval { lower: difference - half_width, upper: difference + half_width };
        self.claim(about, (difference, Some(error)), Some(interval), p, corrected_for)
    }
}

/// All claims of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Claims {
    all: Vec<Claim>,
    /// Places of the claims against each trial.
    against: HashMap<String, Vec<usize>>,
}

impl Extend<Claim> for Claims {
    fn extend<I: IntoIterator<Item = Claim>>(&mut self, claims: I) {
        for claim in claims {
            self.against.entry(claim.against.clone()).or_default().push(self.all.len());
            self.all.push(claim);
        }
    }
}

impl Claims {
    /// All of them.
    pub fn all(&self) -> &[Claim] {
        &self.all
    }

    /// The claim of two trials in a figure.
    pub fn get(&self, kind: Kind, about: Test, of: &str, against: &str, split: Split) -> Option<&Claim> {
        let claims = self.against.get(against)?.iter().filter_map(|&at| self.all.get(at));
        claims
            .into_iter()
            .find(|claim| (claim.kind, claim.about, claim.split) == (kind, about, split) && claim.of == of)
    }

    /// Adds those that are about something else than any before.
    pub(super) fn extend_new(&mut self, claims: impl IntoIterator<Item = Claim>) {
        for claim in claims {
            if self.get(claim.kind, claim.about, &claim.of, &claim.against, claim.split).is_none() {
                self.extend([claim]);
            }
        }
    }
}
