//! The sweep file in words, each choice with its reason.

use focalsweep_core::spec::{Epochs, Stopping};
use focalsweep_report::{FEW_POSITIVES, thousands};

use super::Asked;
use super::facts::Facts;
use super::words::{FOLDS, quoted, scalar};

/// Column at which comments begin.
const COMMENTS: usize = 44;
/// Columns of a line of comment.
const WIDTH: usize = 118;

/// The text of the sweep file.
pub(super) fn write(asked: &Asked<'_>, facts: &Facts) -> String {
    let mut out = Lines::default();
    out.comment(&format!("Made by `{}`: a start, to be read and changed.", asked.command));
    out.comment(&format!(
        "{} rows, {} of them positive ({:.2} %), {} columns of features.",
        thousands(facts.rows),
        thousands(facts.positives),
        100.0 * facts.share(),
        facts.features
    ));
    out.comment("`focalsweep validate`, `plan`, `run` and `data describe` take this file; docs/spec.md has every key.");
    if facts.share() > 0.5 {
        out.comment("The positives are the common class: if the other one is meant, `positive` has to name it.");
    }
    out.plain(&format!("name: {}", scalar(asked.name)));
    out.plain("");
    data(&mut out, asked, facts);
    split(&mut out, facts);
    train(&mut out, facts);
    out.plain("parameters:");
    out.said("  - loss: {value: bce}", "plain cross-entropy, which the others have to beat");
    out.said("  - loss: {value: weighted_bce}", "the classes weigh the same");
    out.said("  - loss: {value: focal}", "the paper's choice (alpha 0.25, gamma 2) and neighbours");
    out.said("    alpha: {values: [0.25, 0.5, 0.75]}", "weight of the positives");
    out.said("    gamma: {values: [1, 2]}", "focus on rows that are hard");
    out.plain("");
    let rate = facts.max_fpr();
    out.comment(
        "Where the threshold is put, on the validation rows: as many false alarms as there are positives, about.",
    );
    out.comment(
        "Instead: {min_recall: 0.9}, {min_precision: 0.5}, {max_alerts_per_1000: 5}, {fn_cost: 100, fp_cost: 1}.",
    );
    out.said(&format!("operating_point: {{max_fpr: {rate}}}"), &format!("{} of 1,000 negatives", 1000.0 * rate));
    out.said("rank: {by: [auc, op_fn], on: validation}", "then by the positives missed at that threshold");
    out.text
}

fn data(out: &mut Lines, asked: &Asked<'_>, facts: &Facts) {
    out.plain("data:");
    out.said(&format!("  source: {}", scalar(asked.source)), "looked for beside this file, then where it is run");
    out.plain(&format!("  label: {}", scalar(asked.label)));
    out.said(&format!("  positive: {}", scalar(&facts.positive)), "the rare class; all other values are negatives");
    for why in &facts.read_as.why {
        out.comment_at(2, &format!("{why}."));
    }
    for line in facts.read_as.remedy.lines(usize::MAX) {
        let why = if line.starts_with("types") {
            "`ignore` leaves a column out; `category` is text, `number` a number"
        } else {
            "na_values count as missing: look at those cells first"
        };
        out.said(&format!("  {line}"), why);
    }
    if !facts.drop.is_empty() {
        out.said("  drop:", "columns that are no features");
        for (name, why) in &facts.drop {
            out.said(&format!("    - {}", scalar(name)), why);
        }
    }
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    if !facts.codes.is_empty() {
        out.said(&format!("  categorical: [{}]", list(&facts.codes)), "whole numbers that are codes, by their names");
    }
    if !facts.maybe_codes.is_empty() {
        out.comment_at(2, "Whole numbers with few values are read as numbers; list those that are codes:");
        out.comment_at(2, &format!("categorical: [{}]", list(&[&facts.codes[..], &facts.maybe_codes[..]].concat())));
    }
    out.said("  clip: 5", "numbers that are further off, in standard deviations, count as that far");
    out.plain("");
}

fn split(out: &mut Lines, facts: &Facts) {
    let (positives, negatives) = facts.validation;
    out.comment(&format!(
        "{} rows train; {} positives and {} negatives choose (validation), {} positives measure (test).",
        thousands(facts.training),
        thousands(positives),
        thousands(negatives),
        thousands(facts.test)
    ));
    for time in &facts.times {
        out.comment(&format!("{time} is a point in time: to measure what is foreseen, split by it:"));
        out.comment(&format!("split: {{by: time, time_column: {}}}", quoted(time)));
    }
    if facts.folds {
        out.comment(
            "So few positives choose badly: with folds every row tests once, and trials rank by means over them.",
        );
        out.plain(&format!("split: {FOLDS}"));
    } else {
        if positives < FEW_POSITIVES {
            out.comment("So few positives choose badly, and they are too few for folds: any figure may be chance.");
        }
        out.plain("split: {test: 0.2, validation: 0.16, stratify: true}");
        out.said("replicates: 3", "seeds and splits; every trial sees the same ones");
    }
    out.plain("");
}

fn train(out: &mut Lines, facts: &Facts) {
    let batch = facts.batch_size();
    let steps = facts.training.div_ceil(batch);
    let epochs = Epochs::FEWEST_STEPS.div_ceil(steps as u64).max(u64::from(Epochs::FEWEST));
    let positives = batch as f64 * facts.share();
    out.plain("train:");
    out.said(
        &format!("  batch_size: {batch}"),
        &format!("{} steps an epoch, {positives:.1} positives a batch", thousands(steps)),
    );
    out.said(
        &format!("  epochs: {}", Epochs::AUTO),
        &format!("at most {} here, which is {} steps", thousands(epochs), thousands(epochs * steps as u64)),
    );
    let watched = if facts.validation.0 < Stopping::POSITIVES_FOR_AUC { "val_loss" } else { "val_auc" };
    out.said(
        &format!("  early_stopping: {}", Stopping::WORDS[0]),
        &format!("on {watched}: {} validation positives; {{metric, patience}} says otherwise", facts.validation.0),
    );
    out.said("  learning_rate: 1e-3", "of adam");
    out.plain("");
}

/// Lines of the file, comments beside them where there is room.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn plain(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn comment(&mut self, words: &str) {
        self.comment_at(0, words);
    }

    fn comment_at(&mut self, indent: usize, words: &str) {
        // A comment ends with its line, whatever stands in a name.
        let words = focalsweep_core::text::escaped(words);
        let mut line = format!("{:indent$}#", "");
        for word in words.split(' ') {
            if line.chars().count() + 1 + word.chars().count() > WIDTH && line.len() > indent + 1 {
                self.plain(&line);
                line = format!("{:indent$}#", "");
            }
            line = format!("{line} {word}");
        }
        self.plain(&line);
    }

    fn said(&mut self, line: &str, why: &str) {
        let why = focalsweep_core::text::escaped(why);
        self.plain(&format!("{line:<COMMENTS$}  # {why}"));
    }
}
