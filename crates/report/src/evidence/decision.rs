//! What to deploy: the best trial where it is told from every simpler one, else a simpler one that is not much worse.
//!
//! Trials are held against each other by the first rank key that has a test, on the rows that rank, corrected for all
//! pairs. "Equal enough" is J. C. Hsu's comparison with the best (Multiple Comparisons 1996): the upper limit of what
//! the best of all others is ahead of a trial, held for all trials at once, lies below a margin. Where not even that is
//! told, the simplest trial within a standard error of the best is taken, as L. Breiman, J. H. Friedman, R. A. Olshen &
//! C. J. Stone prune trees (Classification and Regression Trees 1984, 3.4.3), and called a choice.

use super::claim::{Claim, Claims, Kind};
use super::judge::Judged;
use crate::rank::{Ranked, Ranking};
use crate::read::parameters::LossAndSampling;
use crate::read::{Value, column};
use focalsweep_core::metrics::Behind;
use focalsweep_core::metrics::catalogue::{Better, Metric, Test};
use focalsweep_core::spec::Margins;

/// What to deploy, and what that rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// How it came about.
    pub outcome: Outcome,
    /// The trial to deploy.
    pub trial: String,
    /// The trial that ranks first.
    pub best: String,
    /// The figure that decided.
    pub about: Test,
    /// Up to how much of it another trial counts as equal enough.
    pub margin: f64,
    /// By how much the best of the others is ahead of the trial at most, at 95 % for all trials at once; below 0 it is
    /// ahead itself. `None` where not all pairs were compared at once.
    pub behind: Option<f64>,
    /// By how much the trial that ranks first is ahead of it, and the standard error of that; `None` where it is the
    /// same.
    pub lead: Option<(f64, f64)>,
    /// Trials that are simpler than the best.
    pub simpler: usize,
    /// About how many positives among the rows that rank would tell more; `None` where it is decided.
    pub settled_by: Option<u64>,
}

/// How a decision came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The best is told from every simpler trial.
    Better,
    /// A simpler trial, or the best itself, is not behind by more than the margin.
    EqualEnough,
    /// Neither; the trial is a choice, not a finding.
    Undecided,
}

impl Outcome {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::EqualEnough => "equal enough",
            Self::Undecided => "undecided",
        }
    }
}

/// What trials are judged simple by: the method, of ours before commands of the user's, then the units of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Simplicity {
    method: usize,
    units: u64,
}

impl Judged {
    /// What to deploy; `commands`: the names of the user's own trainers, the simplest first. `None` where nothing was
    /// compared.
    pub fn decision(&self, ranking: &Ranking, margins: &Margins, commands: &[String]) -> Option<Decision> {
        let Self { claims, behind, .. } = self;
        let (winner, about) = (ranking.winner()?, ranking.test()?);
        let best = &winner.trial.trial_id;
        let against = |ranked: &Ranked| claims.get(Kind::Models, about, best, &ranked.trial.trial_id, ranking.on);
        let compared: Vec<&Ranked> =
            ranking.trials.iter().filter(|ranked| ranked.rank == winner.rank || against(ranked).is_some()).collect();
        if compared.len() < 2 {
            return None;
        }
        let simple = |ranked: &Ranked| simplicity(ranking, ranked, commands);
        let simpler: Vec<&Ranked> = compared.iter().copied().filter(|ranked| simple(ranked) < simple(winner)).collect();
        let is_beaten =
            |ranked: &&Ranked| against(ranked).is_some_and(|claim| claim.told() && claim.favours() == Some(true));
        let figure = ranking.mean(winner, &column(ranking.on, about.about()))?;
        let positives = positives(claims)?;
        let margin = margins.of(about, figure, positives);
        let limit = |ranked: &Ranked| {
            let Behind { more, less } = behind.get(&ranked.trial.trial_id)?;
            Some(if is_more(about) { *more } else { *less })
        };
        let decision = |outcome: Outcome, chosen: &Ranked| Decision {
            outcome,
            trial: chosen.trial.trial_id.clone(),
            best: best.clone(),
            about,
            margin,
            behind: limit(chosen),
            lead: against(chosen).and_then(|claim| lead(claim, about)),
            simpler: simpler.len(),
            settled_by: None,
        };
        if !simpler.is_empty() && simpler.iter().all(is_beaten) {
            return Some(decision(Outcome::Better, winner));
        }
        // The best of each kind, the simplest kind first.
        let mut kinds: Vec<(Simplicity, &Ranked)> = Vec::new();
        for ranked in &compared {
            let own = simple(ranked);
            if kinds.iter().all(|(kind, _)| *kind != own) {
                kinds.push((own, ranked));
            }
        }
        kinds.sort_by_key(|(kind, ranked)| (*kind, ranked.rank));
        let mut chosen = kinds.iter().map(|(_, ranked)| *ranked);
        if let Some(enough) = chosen.clone().find(|ranked| limit(ranked).is_some_and(|limit| limit < margin)) {
            return Some(decision(Outcome::EqualEnough, enough));
        }
        let is_near = |ranked: &&Ranked| match against(ranked) {
            None => true,
            Some(claim) => lead(claim, about).is_none_or(|(ahead, error)| ahead <= error),
        };
        let near = chosen.find(is_near).unwrap_or(winner);
        let undecided = decision(Outcome::Undecided, near);
        Some(Decision { settled_by: settled_by(&undecided, positives), ..undecided })
    }
}

/// Mean number of positives of a replicate among the rows that rank.
fn positives(claims: &Claims) -> Option<u64> {
    claims.all().iter().find(|claim| claim.kind == Kind::Models).map(|claim| claim.positives)
}

fn is_more(about: Test) -> bool {
    Metric::named(about.about()).and_then(|metric| metric.better) == Some(Better::More)
}

/// By how much the first trial of a claim is ahead, and the standard error.
fn lead(claim: &Claim, about: Test) -> Option<(f64, f64)> {
    Some((if is_more(about) { claim.difference } else { -claim.difference }, claim.standard_error?))
}

/// Positives with which limits would be as narrow as it takes to tell the best from the trial or to call it equal
/// enough, whichever takes fewer: limits narrow with the root of the positives.
fn settled_by(decision: &Decision, positives: u64) -> Option<u64> {
    let ahead = decision.lead.map_or(0.0, |(ahead, _)| ahead.max(0.0));
    let half_width = decision.behind? - ahead;
    let to_tell = ahead.max(decision.margin - ahead);
    let needed = positives as f64 * (half_width / to_tell).powi(2);
    (needed.is_finite() && needed < 1e12).then_some(needed.ceil() as u64)
}

fn simplicity(ranking: &Ranking, ranked: &Ranked, commands: &[String]) -> Simplicity {
    let own = LossAndSampling::all();
    if let Some(trainer) = ranking.trainer(ranked) {
        let place = commands.iter().position(|name| name == trainer).unwrap_or(commands.len());
        return Simplicity { method: 1 + own.len() + place, units: 0 };
    }
    let units = match ranking.parameter(ranked, "hidden") {
        Some(Value::Text(widths)) => {
            let widths = widths.split(|c: char| !c.is_ascii_digit()).filter_map(|width| width.parse::<u64>().ok());
            widths.sum()
        }
        _ => 0,
    };
    let method = ranking.amounts_to(ranked);
    let is_plain = method.is_some_and(|method| method == LossAndSampling::plain());
    let place = own.into_iter().position(|one| Some(one) == method);
    Simplicity { method: if is_plain && units == 0 { 0 } else { 1 + place.unwrap_or(usize::MAX - 1) }, units }
}
