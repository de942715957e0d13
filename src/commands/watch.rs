//! `watch`: follows a run until it ends, and keeps a page of it fresh. Reads only, but for that page.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::report::{ranked_by, write};
use super::seen::{Queue, Seen, State};
use super::spec::closed;
use super::status::Status;
use crate::cli::WatchArgs;
use crate::launch::{Follow, Tally, slurm, stop_on_signals};
use crate::output::{self, Failure, INTERRUPTED, Plain, SOME_FAILED};
use crate::progress::Progress;
use crate::run::{Look, PAGE, RunError, Stage, WITH_INTERVALS, on_all_cores, report_of};
use focalsweep_core::plan::Phase;
use focalsweep_core::record::{Ended, RunDir};
use focalsweep_engine::job::Stop;
use focalsweep_report::{self as report, Live, Options, Scores, decision_of_page};

/// How often the run directory is looked at, and the cluster's queue.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const ASK_EVERY: Duration = Duration::from_secs(10);
/// How often the page is made anew at most, and so how often it loads itself again; a page that takes long to make is
/// made less often, so that the run keeps the cores.
const PAGE_EVERY: Duration = Duration::from_secs(5);
const OF_ITS_TIME: u32 = 5;
/// The page, where no other file is named.
const LIVE: &str = "live.html";

pub(super) fn watch(args: &WatchArgs) -> Result<ExitCode, Failure> {
    let stop = stop_on_signals().map_err(|error| {
        Failure::environment(Plain { message: format!("cannot listen for Ctrl-C: {error}"), help: None })
    })?;
    let root = args.run_dir.as_path();
    let mut follow = Follow::new(RunDir::attend(root).jobs());
    let mut progress = Progress::new(args.no_progress, false, Stage::default());
    let mut page = args.html.as_ref().map(|file| Page::new(file.clone().unwrap_or_else(|| root.join(LIVE))));
    let mut queue: Option<(Instant, Option<Rc<Queue>>)> = None;
    let mut over = 0;
    let seen = loop {
        let known = queue.take().filter(|(asked, _)| asked.elapsed() < ASK_EVERY);
        let asked = known.as_ref().map_or_else(Instant::now, |(asked, _)| *asked);
        let seen = match Seen::look(root, &mut follow, known.map(|(_, queue)| queue)) {
            Ok(seen) => seen,
            // It may have ended meanwhile and removed its journals; if not, what is wrong stays wrong.
            Err(_) => {
                follow = Follow::new(RunDir::attend(root).jobs());
                Seen::look(root, &mut follow, None)?
            }
        };
        queue = Some((asked, seen.queue.clone()));
        progress.update(&tally(&seen, &follow));
        // Between two processes that work on it there may be a moment without one.
        over = if seen.state().is_over() { over + 1 } else { 0 };
        let ended = seen.state() == State::Finished || over > 1;
        if let Some(page) = &mut page {
            page.refresh(root, &seen, ended);
        }
        if ended {
            break seen;
        }
        if !pause(&stop) {
            progress.clear();
            output::talk("no longer watched; the run goes on as before");
            return Ok(ExitCode::from(INTERRUPTED));
        }
    };
    progress.clear();
    output::lines(&Status { seen: &seen, follow: &follow, root }.text()).map_err(closed)?;
    let made = page.map_or_else(|| root.join(PAGE), |page| page.path);
    if let Some(decided) = std::fs::read_to_string(&made).ok().as_deref().and_then(decision_of_page) {
        output::lines(&decided.words).map_err(closed)?;
    }
    if made.is_file() {
        output::path(&made).map_err(closed)?;
    }
    Ok(code(&seen))
}

/// As `run` would have ended.
fn code(seen: &Seen) -> ExitCode {
    let manifest = &seen.run.manifest;
    let is_done = seen.state() == State::Finished || manifest.ended == Some(Ended::Budget);
    match (is_done, seen.failed) {
        (false, _) => ExitCode::from(INTERRUPTED),
        (true, 0) => ExitCode::SUCCESS,
        (true, _) => ExitCode::from(SOME_FAILED),
    }
}

/// Waits until it is time to look again; false where somebody wants no more.
fn pause(stop: &Stop) -> bool {
    let began = Instant::now();
    while began.elapsed() < LOOK_EVERY && !stop.requested() {
        sleep(Duration::from_millis(50));
    }
    !stop.requested()
}

fn tally(seen: &Seen, follow: &Follow) -> Tally {
    let mut tally = Tally::new(seen.run.plan.jobs.len(), seen.jobs, seen.total(), seen.rows, seen.failed);
    tally.best = follow.best().cloned();
    tally.note = match seen.queue.as_deref() {
        Some(Queue { tasks: Ok(tasks), .. }) => Some(slurm::in_words(tasks)),
        Some(Queue { tasks: Err(why), .. }) => Some(why.clone()),
        None => None,
    };
    tally
}

/// The page that is kept fresh.
struct Page {
    path: PathBuf,
    /// When it may be made again.
    due: Instant,
    /// What it was made of: rows, and whether the run was over.
    made_of: Option<(usize, bool)>,
    /// Why it was not made the last time.
    fault: Option<String>,
}

impl Page {
    fn new(path: PathBuf) -> Self {
        Self { path, due: Instant::now(), made_of: None, fault: None }
    }

    /// Makes the page where something ended since it was made, and it is time. What goes wrong is said once: the run
    /// is watched on.
    fn refresh(&mut self, root: &Path, seen: &Seen, ended: bool) {
        let of = (seen.rows, ended);
        if self.made_of == Some(of) || seen.rows == 0 || (!ended && Instant::now() < self.due) {
            return;
        }
        let began = Instant::now();
        match self.make(root, ended) {
            Ok(()) => {
                if self.made_of.is_none() {
                    output::talk(&format!("{} is kept fresh", self.path.display()));
                }
                (self.made_of, self.fault) = (Some(of), None);
            }
            // Rows that a journal has not settled yet.
            Err(PageFault::NothingYet) => {}
            Err(PageFault::Other(why)) => {
                if self.fault.as_ref() != Some(&why) {
                    output::warn(&format!("{} is not made anew: {why}", self.path.display()));
                }
                self.fault = Some(why);
            }
        }
        self.due = began + PAGE_EVERY.max(began.elapsed() * OF_ITS_TIME);
    }

    fn make(&self, root: &Path, ended: bool) -> Result<(), PageFault> {
        let look = Look::at(root).map_err(|error| match error {
            RunError::NothingYet(_) => PageFault::NothingYet,
            other => PageFault::Other(other.to_string()),
        })?;
        let other = |error: report::ReportError| PageFault::Other(error.to_string());
        let by = ranked_by(&look.files);
        let options = Options { by: by.by, on: by.on, order: by.order, top: None };
        let scores = Scores::of(&look.files);
        let (results, found) =
            report_of((&look, &scores), &options, (None, Phase::Search), WITH_INTERVALS).map_err(other)?;
        let reload_seconds = (!ended).then_some(PAGE_EVERY.as_secs() as u32);
        let live = Live { so_far: look.so_far, reload_seconds };
        let page = report::to_html(&scores, &results, (&found, live), &on_all_cores).map_err(other)?;
        write(&self.path, page.as_bytes()).map_err(|failure| PageFault::Other(failure.message()))
    }
}

/// Why a page was not made.
enum PageFault {
    /// No trial has ended.
    NothingYet,
    Other(String),
}
