//! Which trials are worth training afresh.

use super::{Ranked, Ranking};

/// The best `trials` trials, the best of each method if `methods` are asked for, and the baseline if it is not among
/// them, in the order of the ranking. All that there are where there are fewer; trials without any metrics are none.
pub fn finalists(ranking: &Ranking, trials: usize, methods: bool) -> Vec<&Ranked> {
    let mut seen = Vec::new();
    let measured = ranking.trials.iter().filter(|ranked| ranked.front.is_some()).enumerate();
    let mut found: Vec<&Ranked> = measured
        .filter(|&(place, ranked)| {
            let method = (ranking.trainer(ranked), ranking.method(ranked));
            let first = !seen.contains(&method);
            if first {
                seen.push(method);
            }
            place < trials || (methods && first)
        })
        .map(|(_, ranked)| ranked)
        .collect();
    // Afresh it is trained to its end, even where it ended early.
    if let Some(plain) = ranking.best_plain()
        && !found.iter().any(|ranked| ranked.rank == plain.rank)
    {
        found.push(plain);
    }
    found
}
