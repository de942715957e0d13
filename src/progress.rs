//! From a tally to the screen: bars on a terminal, a line about every ten seconds elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

use crate::launch::{Running, Tally};
use crate::output::is_quiet;
use crate::run::Stage;
use focalsweep_engine::data::DownloadProgress;
use terminal_size::terminal_size_of;

/// How often a line is written where there are no bars.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Between the parts of a line.
const SEPARATOR: &str = ", ";
/// Columns that the bar takes beside its line.
const BESIDE: usize = 12 + 1 + 4 + 1;

/// Shows how far a run is.
#[derive(Debug)]
pub struct Progress {
    look: Look,
    stage: Stage,
    started: Instant,
    /// Share that was done when this process began.
    share_before: Option<f64>,
    /// Rows that were.
    done_before: Option<usize>,
}

#[derive(Debug)]
enum Look {
    Silent,
    Lines { last: Instant },
    Bars { all: MultiProgress, whole: ProgressBar, stacks: HashMap<String, ProgressBar> },
}

impl Progress {
    /// Bars if stderr is a terminal and logs do not go there as JSON; nothing with `--no-progress` or `--quiet`.
    pub fn new(silent: bool, json: bool, stage: Stage) -> Self {
        let look = if silent || is_quiet() {
            Look::Silent
        } else if stderr().is_terminal() && !json {
            let all = MultiProgress::new();
            let whole = all.add(ProgressBar::new(1000).with_style(style("{bar:12.green} {percent:>3}% {wide_msg}")));
            Look::Bars { all, whole, stacks: HashMap::new() }
        } else {
            Look::Lines { last: Instant::now() }
        };
        Self { look, stage, started: Instant::now(), share_before: None, done_before: None }
    }

    /// Draws `tally`.
    pub fn update(&mut self, tally: &Tally) {
        let share = tally.share();
        let left = self.time_left(share);
        let before = *self.done_before.get_or_insert(tally.done);
        let minutes = self.started.elapsed().as_secs_f64() / 60.0;
        let told = Told {
            tally,
            stage: &self.stage,
            left: left.filter(|_| share < 1.0),
            // Of less than a second nothing is known.
            rate: (minutes > 1.0 / 60.0).then(|| (tally.done - before.min(tally.done)) as f64 / minutes),
            budget: self.stage.ends.map(|ends| ends.saturating_duration_since(Instant::now())),
        };
        match &mut self.look {
            Look::Silent => {}
            Look::Lines { last } => {
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    tracing::info!(target: "progress", "{}", told.line(usize::MAX));
                }
            }
            Look::Bars { all, whole, stacks } => {
                whole.set_position((share * 1000.0) as u64);
                let width = columns().saturating_sub(BESIDE);
                whole.set_message(told.line(width));
                stacks.retain(|job, bar| {
                    let runs = tally.running.contains_key(job);
                    if !runs {
                        bar.finish_and_clear();
                    }
                    runs
                });
                for (job, running) in &tally.running {
                    let bar = stacks.entry(job.clone()).or_insert_with(|| {
                        all.add(
                            ProgressBar::new(u64::from(running.epochs))
                                .with_style(style("  {prefix} {bar:20.cyan} {wide_msg}"))
                                .with_prefix(job.clone()),
                        )
                    });
                    bar.set_position(u64::from(running.epoch));
                    bar.set_message(stack_line(running));
                }
            }
        }
    }

    /// Takes the bars off the screen.
    pub fn clear(&mut self) {
        if let Look::Bars { all, .. } = &self.look {
            // A terminal that is gone needs no clearing.
            let _ = all.clear();
        }
    }

    fn time_left(&mut self, share: f64) -> Option<Duration> {
        let before = *self.share_before.get_or_insert(share);
        let (gained, elapsed) = (share - before, self.started.elapsed());
        (gained > 0.005 && elapsed > Duration::from_millis(500))
            .then(|| elapsed.mul_f64(((1.0 - share) / gained).clamp(0.0, 1e6)))
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─")
}

fn stack_line(running: &Running) -> String {
    match (running.epoch, running.epochs) {
        (0, 0) => "a command".to_owned(),
        (epoch, 0) => format!("a command, epoch {epoch}"),
        (epoch, epochs) => format!("epoch {epoch}/{epochs}, {} trials", running.training),
    }
}

/// What a line tells.
struct Told<'a> {
    tally: &'a Tally,
    stage: &'a Stage,
    left: Option<Duration>,
    /// Rows a minute.
    rate: Option<f64>,
    budget: Option<Duration>,
}

impl Told<'_> {
    /// As much as has room in `width` characters: the more important before the others, in the order of a sentence.
    fn line(&self, width: usize) -> String {
        let Self { tally, stage, left, rate, budget } = self;
        let best = match (&tally.best, &stage.best) {
            (Some(now), Some(before)) => Some(if now.0 >= before.0 { now } else { before }),
            (now, before) => now.as_ref().or(before.as_ref()),
        };
        let time = |time: &Duration| format!("{:#}", HumanDuration(*time));
        let rate = rate.filter(|rate| *rate > 0.0);
        // With their weight: 0 is told first.
        let parts = [
            (3, Some(stage.name.clone()).filter(|name| !name.is_empty())),
            (0, Some(format!("{}/{} rows", tally.done, tally.rows))),
            (1, (tally.failed > 0).then(|| format!("{} failed", tally.failed))),
            (7, Some(format!("{}/{} jobs", tally.jobs_done, tally.jobs))),
            (1, tally.note.clone()),
            (2, best.map(|(auc, _)| format!("best val_auc {auc:.4}"))),
            (5, best.map(|(_, trial)| trial.clone())),
            (6, rate.map(|rate| format!("{rate:.0} rows/min"))),
            (4, left.as_ref().map(|left| format!("at most {} left", time(left)))),
            (4, budget.as_ref().map(|left| format!("budget {}", time(left)))),
        ];
        let mut shown = vec![false; parts.len()];
        let mut room = width;
        for weight in 0..=7 {
            for (at, (_, part)) in parts.iter().enumerate().filter(|(_, (of, _))| *of == weight) {
                let needs = part.as_ref().map_or(usize::MAX, |part| part.chars().count() + SEPARATOR.len());
                if needs <= room.saturating_add(SEPARATOR.len()) {
                    (shown[at], room) = (true, room.saturating_sub(needs));
                }
            }
        }
        let told = parts.iter().zip(shown).filter(|(_, shown)| *shown).filter_map(|((_, part), _)| part.as_deref());
        told.collect::<Vec<_>>().join(SEPARATOR)
    }
}

/// Columns of the terminal that the bars are on, as wide as it is now; 80 where it does not say.
fn columns() -> usize {
    terminal_size_of(stderr()).map(|(width, _)| usize::from(width.0)).filter(|&width| width > 0).unwrap_or(80)
}

/// Bytes of a download, as a bar or as lines.
#[derive(Debug)]
pub struct DownloadBar {
    bar: ProgressBar,
    lines: bool,
    last: Instant,
}

impl DownloadBar {
    /// Hidden when `silent`, and with `--quiet`.
    pub fn new(silent: bool) -> Self {
        let silent = silent || is_quiet();
        Self { bar: ProgressBar::hidden(), lines: !silent && !stderr().is_terminal(), last: Instant::now() }
            .drawn(silent)
    }

    fn drawn(mut self, silent: bool) -> Self {
        if !silent && stderr().is_terminal() {
            self.bar = ProgressBar::new(0)
                .with_style(style("{msg} {bar:30.green} {bytes}/{total_bytes} {eta}"))
                .with_message("download");
        }
        self
    }
}

impl DownloadProgress for DownloadBar {
    fn advance(&mut self, done: u64, total: Option<u64>) {
        self.bar.set_length(total.unwrap_or(done));
        self.bar.set_position(done);
        if self.lines && self.last.elapsed() >= LINE_EVERY {
            self.last = Instant::now();
            let of = total.map_or_else(String::new, |total| format!(" of {}", HumanBytes(total)));
            tracing::info!(target: "progress", "download: {}{of}", HumanBytes(done));
        }
    }
}

impl Drop for DownloadBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use focalsweep_engine::job::Event;

    #[test]
    fn a_line_says_what_matters() {
        let mut tally = Tally::new(2, 1, 98, 49, 1);
        tally.take(&Event::JobStarted { job_id: "job-00002".into(), trials: 49, epoch: 1, epochs: 100 });
        let best = Some((0.987_65, "focal alpha 0.25 gamma 2".to_owned()));
        tally.take(&Event::Epoch { job_id: "job-00002".into(), epoch: 50, training: 49, best });
        let stage = Stage { name: "wave 3".into(), best: Some((0.9, "bce".into())), ends: None };
        let left = Some(Duration::from_secs(75));
        let told =
            Told { tally: &tally, stage: &stage, left, rate: Some(412.3), budget: Some(Duration::from_secs(600)) };
        assert_eq!(
            told.line(usize::MAX),
            "wave 3, 49/98 rows, 1 failed, 1/2 jobs, best val_auc 0.9877, focal alpha 0.25 gamma 2, 412 rows/min, \
             at most 75s left, budget 10m"
        );
        // What matters has room on 80 columns.
        let narrow = told.line(80 - BESIDE);
        assert_eq!(narrow, "wave 3, 49/98 rows, 1 failed, best val_auc 0.9877, budget 10m");
        for width in 0..200 {
            let line = told.line(width);
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
        assert_eq!(stack_line(&tally.running["job-00002"]), "epoch 50/100, 49 trials");
    }
}
