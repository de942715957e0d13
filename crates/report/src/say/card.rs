//! A model card: what people who use a model should know of it (M. Mitchell et al.: Model cards for model reporting,
//! FAT* 2019), from the run that it was trained in.

use super::differences::difference_in_words;
use super::markdown::escaped;
use super::summary::{Figures, figures, in_words};
use crate::evidence::{Claim, Correction, ENSEMBLE, Report};
use crate::rank::{Ranked, Ranking};
use crate::read::parameters::{CORRECTION, choice};
use crate::read::{operating_point_in_words, split_word};
use focalsweep_core::record::Manifest;
use focalsweep_core::spec::{self, Spec, Split};

/// What is exported.
#[derive(Debug, Clone, Copy)]
pub struct CardOf<'a> {
    /// The trial's id, or `ensemble`.
    pub trial: &'a str,
    /// The replicate whose model it is.
    pub replicate: u32,
    /// Whether it was trained again on all rows, which no figure is of.
    pub is_refit: bool,
    /// How it scores rows, in a sentence.
    pub usage: &'a str,
}

/// The card of a model of a run, as Markdown; `None` where the report does not have the trial.
pub fn model_card(
    report: &Report,
    exported: &CardOf<'_>,
    (manifest, spec): (&Manifest, Option<&Spec>),
) -> Option<String> {
    let ensemble = report.answer.ensemble.as_ref().map(|ensemble| &ensemble.ranked);
    let is_ensemble = exported.trial == ENSEMBLE;
    let ranked = if is_ensemble { ensemble? } else { report.ranking.trial(exported.trial)? };
    let ranking = &report.ranking;
    let what = if is_ensemble { "an average of the best trials".to_owned() } else { in_words(ranking, ranked) };
    let mut out = format!("# {}: {}\n\n", escaped(&ranking.name), escaped(&what));
    let mut list = |title: &str, lines: &[String]| {
        if !lines.is_empty() {
            out.push_str(&format!("## {title}\n\n"));
            lines.iter().for_each(|line| out.push_str(&format!("- {line}\n")));
            out.push('\n');
        }
    };
    list("The model", &the_model(report, ranked, exported, manifest));
    list("The data", &the_data(manifest, spec));
    let Figures { lines, .. } = figures(report, ranked);
    let of_replicates = match ranking.replicates {
        _ if exported.is_refit => {
            "Of the models that were trained on a part of the rows: this one was trained on all of them, \
                                   so nothing has measured it."
                .to_owned()
        }
        1 => "Figures of this training; ± is a standard error, brackets are 95 % intervals.".to_owned(),
        n => format!(
            "Means over {n} replicates, of which this model is one; ± is a standard error, brackets are 95 % intervals."
        ),
    };
    let measured = lines.iter().map(|(on, text)| format!("{on}: {text}"));
    list("What it is worth", &[vec![of_replicates], measured.collect()].concat());
    let claims = compared(report, exported.trial);
    list("How it compares", &claims);
    list("Limits", &limits(report, ranked));
    Some(out)
}

fn the_model(report: &Report, ranked: &Ranked, exported: &CardOf<'_>, manifest: &Manifest) -> Vec<String> {
    let ranking = &report.ranking;
    let mut lines = vec![
        format!("trial {}{}, by {}", exported.trial, of_replicate(exported), escaped(&manifest.program)),
        exported.usage.to_owned(),
    ];
    lines.extend(ranking.operating_point.as_ref().map(|point| {
        let threshold = ranking.mean(ranked, "threshold").map(|t| format!(", {t:.3} on average over the replicates"));
        format!(
            "threshold: {}, chosen on validation rows{}",
            operating_point_in_words(point),
            threshold.unwrap_or_default()
        )
    }));
    lines.extend(correction_in_words(ranking, ranked).map(str::to_owned));
    if let Some(decision) = report.answer.decision.as_ref().filter(|decision| decision.trial == exported.trial) {
        lines.push(format!("the report's decision is to deploy it ({})", decision.outcome.word()));
    }
    lines
}

/// What was done so that its scores are probabilities.
fn correction_in_words(ranking: &Ranking, ranked: &Ranked) -> Option<&'static str> {
    match choice::<spec::Correction>(ranking.parameter(ranked, CORRECTION))? {
        spec::Correction::None => None,
        spec::Correction::Prior => Some(
            "its intercept is corrected for the shares of the classes that it was trained on (King & Zeng 2001): the \
             weights have it",
        ),
        spec::Correction::Platt => {
            Some("its scores are scaled to probabilities (Platt) by the validation rows: the weights have it")
        }
    }
}

fn of_replicate(exported: &CardOf<'_>) -> String {
    if exported.is_refit { ", on all rows".to_owned() } else { format!(", replicate {}", exported.replicate) }
}

fn the_data(manifest: &Manifest, spec: Option<&Spec>) -> Vec<String> {
    let source = spec.map(|spec| format!("source {}, label `{}`", spec.data.source.display(), spec.data.label));
    let positive =
        spec.and_then(|spec| spec.data.positive.as_ref()).map(|value| format!("the rare class is `{value}`"));
    let told = source.into_iter().chain(positive).chain(manifest.notes.iter().cloned());
    let fingerprint = format!("fingerprint {}", manifest.data_fingerprint);
    told.map(|line| escaped(&line)).chain([fingerprint]).collect()
}

/// What is claimed of it against others on the test rows; where nothing is, against the first of the ranking on the
/// rows that rank.
fn compared(report: &Report, trial: &str) -> Vec<String> {
    let all = report.answer.claims.all();
    let of = |on: Split| all.iter().filter(move |claim| claim.split == on && claim.of == trial);
    let mut lines: Vec<String> = of(Split::Test).map(|claim| in_a_line(claim, true)).collect();
    let against = || all.iter().filter(|claim| claim.against == trial);
    if lines.is_empty() {
        lines.extend(against().map(|claim| in_a_line(claim, false)));
    } else {
        lines.extend(against().filter(|claim| claim.of == ENSEMBLE).map(|claim| in_a_line(claim, false)));
    }
    lines
}

/// A claim about the trial, which is its first one or its second.
fn in_a_line(claim: &Claim, is_of: bool) -> String {
    let told = if claim.told() { "told apart at 5 %" } else { "cannot be told apart at 5 %" };
    let subject = claim.about.subject();
    let what = if is_of {
        format!("its {subject} less that of {}", named(&claim.against))
    } else {
        format!("the {subject} of {} less its own", named(&claim.of))
    };
    let corrected = match claim.corrected_for {
        Correction::None => String::new(),
        other => format!("; corrected for {}", other.words()),
    };
    format!(
        "{what}, {} rows, {}: {} ({told}{corrected})",
        split_word(claim.split),
        claim.kind.word(),
        difference_in_words(claim)
    )
}

fn named(trial: &str) -> String {
    if trial == ENSEMBLE { "the average of the best".to_owned() } else { format!("trial {trial}") }
}

fn limits(report: &Report, ranked: &Ranked) -> Vec<String> {
    let mut lines = vec![
        "Figures hold for rows that are drawn as the data were; where the share of positives is another, precision and \
         false alarms per row are others too."
            .to_owned(),
    ];
    if report.ranking.winner().is_some_and(|winner| winner.rank == ranked.rank) {
        lines.push("It was chosen for its figures on the validation rows, which flatter it.".to_owned());
    }
    lines.extend(report.warnings().into_iter().map(escaped));
    lines
}
