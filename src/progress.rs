//! From a tally to the screen: bars on a terminal, a line about every ten seconds elsewhere.

use std::collections::HashMap;
use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

use crate::launch::{Running, Tally};
use focalsweep_engine::data::DownloadProgress;

/// How often a line is written where there are no bars.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Shows how far a run is.
#[derive(Debug)]
pub struct Progress {
    look: Look,
    started: Instant,
    /// Share that was done when this process began.
    share_before: Option<f64>,
}

#[derive(Debug)]
enum Look {
    Silent,
    Lines { last: Instant },
    Bars { all: MultiProgress, whole: ProgressBar, stacks: HashMap<String, ProgressBar> },
}

impl Progress {
    /// Bars if stderr is a terminal and logs do not go there as JSON; nothing with `--no-progress`.
    pub fn new(silent: bool, json: bool) -> Self {
        let look = if silent {
            Look::Silent
        } else if stderr().is_terminal() && !json {
            let all = MultiProgress::new();
            let whole = all.add(ProgressBar::new(1000).with_style(style("{bar:30.green} {percent:>3}%  {wide_msg}")));
            Look::Bars { all, whole, stacks: HashMap::new() }
        } else {
            Look::Lines { last: Instant::now() }
        };
        Self { look, started: Instant::now(), share_before: None }
    }

    /// Draws `tally`.
    pub fn update(&mut self, tally: &Tally) {
        let share = tally.share();
        let left = self.time_left(share);
        match &mut self.look {
            Look::Silent => {}
            Look::Lines { last } => {
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    tracing::info!(target: "progress", "{}", line(tally, share, left));
                }
            }
            Look::Bars { all, whole, stacks } => {
                whole.set_position((share * 1000.0) as u64);
                whole.set_message(line(tally, share, left));
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
    format!("epoch {}/{}, {} trials", running.epoch, running.epochs, running.training)
}

fn line(tally: &Tally, share: f64, left: Option<Duration>) -> String {
    let mut line = format!("{}/{} trials, {}/{} jobs", tally.done, tally.rows, tally.jobs_done, tally.jobs);
    if tally.failed > 0 {
        line += &format!(", {} failed", tally.failed);
    }
    if let Some(note) = &tally.note {
        line += &format!(", {note}");
    }
    if let Some((auc, trial)) = &tally.best {
        line += &format!(", best val_auc {auc:.4} ({trial})");
    }
    match left {
        Some(left) if share < 1.0 => line + &format!(", at most {} left", HumanDuration(left)),
        _ => line,
    }
}

/// Bytes of a download, as a bar or as lines.
#[derive(Debug)]
pub struct DownloadBar {
    bar: ProgressBar,
    lines: bool,
    last: Instant,
}

impl DownloadBar {
    /// Hidden when `silent`.
    pub fn new(silent: bool) -> Self {
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
        let text = line(&tally, tally.share(), Some(Duration::from_secs(75)));
        assert_eq!(
            text,
            "49/98 trials, 1/2 jobs, 1 failed, best val_auc 0.9877 (focal alpha 0.25 gamma 2), at most 75 seconds left"
        );
        assert_eq!(stack_line(&tally.running["job-00002"]), "epoch 50/100, 49 trials");
    }
}
