//! The answer on one screen: what to deploy, the best trials, what warns, and where the rest is.

use super::Table;
use super::columns::texts;
use super::decision::{decision_in_short, decision_in_words};
use super::ensemble;
use super::few_positives::few_positives;
use super::fold::Drawn;
use super::paragraphs::Paragraphs;
use super::ranked::ranked_columns;
use super::sentences::findings;
use super::summary::{heading, marks};
use crate::evidence::Report;
use crate::read::thousands;

/// Trials that are there at least.
const LEAST_TRIALS: usize = 3;
/// Lines of warnings, of which one is there in any case.
const MOST_WARNING_LINES: usize = 5;
/// Lines that are left to sentences where there are more trials than room.
const SENTENCE_LINES: usize = 6;

/// A report in at most so many lines, unless the least that is told takes more, or so many trials are asked for.
pub(super) fn screen(table: Table, most: usize, report: &Report) -> String {
    let ranking = &report.ranking;
    let mut head = Paragraphs::new(table.width);
    head.line(&format!("{}: {}", ranking.name, heading(ranking)), 0);
    for sentence in few_positives(report).into_iter().chain(decision_in_short(report)) {
        head.line(&sentence, 2);
    }
    let (warned, more_warnings) = warnings(table, report);
    let mut marked = Paragraphs::new(table.width);
    marked.line(&marks(report), 0);
    let mut decided = Paragraphs::new(table.width);
    if let Some(decision) = decision_in_words(report) {
        decided.line(&decision, 2);
    }

    let trials = &ranking.shown()[..ranking.top.unwrap_or(most).min(ranking.shown().len())];
    let of_trials = ranked_columns(report);
    let mut columns = texts(&of_trials, trials);
    ensemble::add_row(report, &of_trials, &mut columns);
    let mut drawn = Drawn::new(columns, table.width, table.colour && ranking.winner().is_some());
    let mut of_trials = drawn.rows.split_off(0);
    let of_ensemble = of_trials.split_off(trials.len());
    let lines_of = |texts: &[String]| texts.iter().map(|text| text.lines().count()).sum::<usize>();

    // Blank lines, and the one that says where the rest is.
    let between = 4 + usize::from(decided.lines() > 0);
    let fixed = [&head, &warned, &marked, &decided].map(Paragraphs::lines).iter().sum::<usize>();
    let fixed = fixed + between + drawn.head.lines().count() + lines_of(&of_ensemble);
    let room = most.saturating_sub(fixed);
    let for_sentences = room.saturating_sub(lines_of(&of_trials)).max(SENTENCE_LINES.min(room / 3));
    let (told, more_sentences) = sentences(table, report, for_sentences);
    let mut room = room - told.lines().min(room);
    let fitting = of_trials.iter().take_while(|row| {
        let needs = row.lines().count();
        let fits = needs <= room;
        room = room.saturating_sub(needs);
        fits
    });
    let shown = match ranking.top {
        Some(_) => of_trials.len(),
        None => fitting.count().max(LEAST_TRIALS).min(of_trials.len()),
    };

    let mut out = head.text;
    out.push_str(&told.text);
    out.push('\n');
    drawn.rows.extend(of_trials.into_iter().take(shown).chain(of_ensemble));
    out.push_str(&drawn.text());
    out.push_str("\n\n");
    out.push_str(&marked.text);
    out.push_str(&warned.text);
    let left = [(ranking.trials.len() - shown, "trial"), (more_sentences, "sentence"), (more_warnings, "warning")];
    let mut rest = Paragraphs::new(table.width);
    rest.line(&more(&left, !report.answer.methods.is_empty()), 0);
    out.push_str(&rest.text);
    if !decided.text.is_empty() {
        out.push('\n');
        out.push_str(&decided.text);
    }
    out
}

/// The warnings that have room, whole, and how many have none.
fn warnings(table: Table, report: &Report) -> (Paragraphs, usize) {
    let mut out = Paragraphs::new(table.width);
    let warnings = report.warnings();
    for (at, warning) in warnings.iter().enumerate() {
        let mut one = Paragraphs::new(table.width);
        one.line(&format!("warning: {warning}"), 2);
        if at > 0 && out.lines() + one.lines() > MOST_WARNING_LINES {
            return (out, warnings.len() - at);
        }
        out.text.push_str(&one.text);
    }
    (out, 0)
}

/// The findings that have room, whole, and how many have none.
fn sentences(table: Table, report: &Report, most: usize) -> (Paragraphs, usize) {
    let mut out = Paragraphs::new(table.width);
    let mut left = 0;
    for sentence in findings(report) {
        let mut one = Paragraphs::new(table.width);
        one.line(&sentence, 2);
        // Whatever comes after one that has no room says less.
        if left > 0 || out.lines() + one.lines() > most {
            left += 1;
        } else {
            out.text.push_str(&one.text);
        }
    }
    (out, left)
}

/// Where the rest is.
fn more(left: &[(usize, &str)], has_methods: bool) -> String {
    let counted = left.iter().filter(|(count, _)| *count > 0).map(|(count, what)| {
        let plural = if *count == 1 { "" } else { "s" };
        format!("{} more {what}{plural}", thousands(count))
    });
    let methods = has_methods.then(|| "the methods compared".to_owned());
    let parts: Vec<String> = counted.chain(methods).chain(["all figures of the winner".to_owned()]).collect();
    format!("`--all` shows {}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Decision, Outcome};
    use crate::read::{Results, Value};
    use crate::say::Exporter;
    use crate::tests::{ranked, results, row};
    use focalsweep_core::metrics::catalogue::Test;

    /// So many trials of four swept hyperparameters, with a decision and the warnings.
    fn report(trials: usize, warnings: &[&str]) -> Report {
        let trial = |at: usize| {
            let focal = Some((0.25 + at as f64 * 0.01, 2.0 - at as f64 * 0.01));
            let mut row = row(&format!("t{at:03}"), 0, "focal", focal, 0.95 - at as f64 * 0.001, 3.0);
            row.parameters[5] = Some(Value::Number(0.001 * (1.0 + at as f64)));
            row.parameters[7] = Some(Value::Text(format!("[{}, 8]", 16 + at)));
            row
        };
        let results: Results = results((0..trials).map(trial).collect());
        let mut report = Report::bare(ranked(&results, &["auc"]));
        report.answer.decision = Some(Decision {
            outcome: Outcome::EqualEnough,
            trial: "t001".to_owned(),
            best: "t000".to_owned(),
            about: Test::Auc,
            margin: 0.005,
            behind: Some(0.004),
            lead: None,
            simpler: 0,
            settled_by: None,
        });
        report.answer.warnings.extend(warnings.iter().map(|&warning| warning.to_owned()));
        report
    }

    fn said(report: &Report, width: usize) -> String {
        Table { width, lines: Some(40), colour: false }.export(report)
    }

    #[test]
    fn a_screen_has_forty_lines_and_the_decision_first_and_last() {
        let long =
            "a warning of more words than have room in a line, which is told whole and not cut off anywhere at all";
        for (trials, width) in [(2, 80), (7, 80), (60, 80), (60, 100), (60, 160), (300, 80)] {
            for warnings in [&[][..], &[long; 2], &[long; 9]] {
                let report = report(trials, warnings);
                let text = said(&report, width);
                let lines: Vec<&str> = text.lines().collect();
                assert!(lines.len() <= 40, "{} lines, {trials} trials, {width}:\n{text}", lines.len());
                assert!(lines.iter().all(|line| line.chars().count() <= width), "{width}:\n{text}");
                assert!(lines[1].starts_with("Decision: equal enough. Deploy focal loss"), "{text}");
                let last = lines.iter().rposition(|line| line.is_empty()).unwrap();
                assert!(lines[last + 1].starts_with("Decision: deploy focal loss"), "{text}");
                assert!(text.contains("t001"), "{text}");
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let all = report.warnings();
                assert!(all.is_empty() || all.iter().any(|warning| words.contains(*warning)), "{text}");
                if warnings.len() == 9 {
                    assert!(text.contains(" more warnings"), "{text}");
                }
            }
        }
    }

    #[test]
    fn swept_parameters_and_the_operating_point_come_before_counts_at_one_half() {
        let text = said(&report(60, &[]), 80);
        let head = text.lines().find(|line| line.trim_start().starts_with("rank  ")).unwrap();
        let groups = text.lines().find(|line| line.contains("test op")).unwrap();
        for name in ["alpha", "gamma", "learning_rate", "hidden"] {
            assert!(head.contains(name), "{name}: {head}");
        }
        assert!(!head.contains("recall") && groups.trim_start().starts_with("val"), "{groups}\n{head}");
        // What is counted at 0.5 is under each row that is shown.
        let rows = text.lines().filter(|line| line.contains("± 0.0123")).count();
        assert!(rows >= 5, "{rows} rows:\n{text}");
        assert_eq!(text.matches("test tp 18, fp 34, tn 366, fn 2").count(), rows, "{text}");
    }

    #[test]
    fn all_that_was_asked_for_is_shown_and_the_rest_is_counted() {
        let mut report = report(60, &[]);
        let shown = |text: &str| text.lines().filter(|line| line.contains("± 0.0123")).count();
        let text = said(&report, 160);
        assert!(text.contains(&format!("{} more trials", 60 - shown(&text))), "{text}");
        report.ranking.top = Some(50);
        let text = said(&report, 160);
        assert_eq!(shown(&text), 50);
        assert!(text.contains("`--all` shows 10 more trials"), "{text}");
        let whole = Table { width: 160, lines: None, colour: false }.export(&report);
        assert!(whole.contains("The same in all trials") && !text.contains("The same in all trials"));
    }
}
