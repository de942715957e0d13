//! How training rows are drawn: what each sampling is called and what it makes of the classes. The drawing itself is
//! the engine's.

use crate::losses::Drawn;
use crate::spec::Sampling;

/// What is known of a sampling.
#[derive(Debug, Clone, Copy)]
pub struct SamplingDefinition {
    /// As a method of dealing with a rare class; `None` where rows are drawn as they are.
    pub title: Option<&'static str>,
    /// Rows of each class that an epoch draws of those that there are.
    pub drawn: fn(Drawn) -> Drawn,
}

/// The definition of a sampling.
pub const fn definition(sampling: Sampling) -> &'static SamplingDefinition {
    match sampling {
        Sampling::None => &SamplingDefinition { title: None, drawn: as_they_are },
        Sampling::Oversample => &SamplingDefinition { title: Some("oversampling"), drawn: oversampled },
    }
}

fn as_they_are(there: Drawn) -> Drawn {
    there
}

/// Positives again until there are as many as negatives, as published.
fn oversampled(there: Drawn) -> Drawn {
    Drawn { positives: there.negatives, ..there }
}
