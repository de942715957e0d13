//! Which trials are worth training afresh.

use super::{Ranked, Ranking};

/// The best `trials` trials, and the baseline if it is not among them, in the order of the ranking. All that there are
/// where there are fewer; trials without any metrics are none.
pub fn finalists(ranking: &Ranking, trials: usize) -> Vec<&Ranked> {
    let measured = ranking.trials.iter().filter(|ranked| ranked.front.is_some());
    let mut found: Vec<&Ranked> = measured.take(trials).collect();
    // Afresh it is trained to its end, even where it ended early.
    if let Some(plain) = ranking.best_plain()
        && !found.iter().any(|ranked| ranked.rank == plain.rank)
    {
        found.push(plain);
    }
    found
}
