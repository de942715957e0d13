//! What trainings are for.

use serde::{Deserialize, Serialize};

/// What a training is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// To choose among trials.
    #[default]
    Search,
    /// To say what those that were chosen are worth, on trainings that did not choose.
    Confirm,
}

impl Phase {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Confirm => "confirm",
        }
    }

    /// Whether it is the search.
    pub fn is_search(&self) -> bool {
        *self == Self::Search
    }
}
