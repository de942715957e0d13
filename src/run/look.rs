//! A run that is under way, or was killed: tables of what it has done so far, made in a folder of their own.
//!
//! Nothing of the run is touched, and nobody waits: its journals are read as they stand, a line that is half written is
//! left out.

use std::path::Path;

use tempfile::TempDir;

use super::error::RunError;
use super::finish::{collection_of, count, kept_scores, stage_new_groups};
use super::looked::Look;
use super::workload::Workload;
use focalsweep_core::record::{Manifest, RunDir, RunDirError, RunFiles, RunState, SPEC};
use focalsweep_core::shell::quoted;
use focalsweep_report::{self as report, SoFar, thousands};

impl Look {
    /// Looks at the run in `root`. Where it is over, or was stopped and collected what there was, its own files are
    /// taken; else its data are read and split again, since journals have the scores of rows only by their places.
    ///
    /// # Errors
    /// There is no run, a file of it is damaged, or the data cannot be had or are others.
    pub fn at(root: &Path) -> Result<Self, RunError> {
        let files = report::run_files(root)?;
        let manifest = files.manifest().clone();
        if manifest.state != RunState::Running || manifest.check_current(root).is_err() {
            return Ok(Self::of(files)?);
        }
        let looked = Self::aside(root, &files, manifest.clone());
        // It may have ended meanwhile, and removed what was being read.
        let now = report::run_files(root)?;
        if now.manifest().state == RunState::Running { looked } else { Ok(Self::of(now)?) }
    }

    fn aside(root: &Path, files: &RunFiles, mut manifest: Manifest) -> Result<Self, RunError> {
        let spec = files.spec()?;
        let folder = TempDir::new().map_err(|why| RunDirError::io(&std::env::temp_dir(), why))?;
        let dir = RunDir::aside(root, folder.path(), &mut manifest)?;
        let workload = Workload::recorded(&spec, &RunDir::attend(root))?;
        if workload.source.fingerprint != manifest.data_fingerprint {
            let what = format!("other data than {} is now", spec.data.source.display());
            return Err(RunDirError::Changed { path: root.to_owned(), what }.into());
        }
        let collection = collection_of(&spec, &workload, &dir, &manifest)?;
        let (rows, failed, all) = (collection.rows(), collection.failed(), workload.rows());
        if rows == 0 {
            return Err(RunError::NothingYet(root.to_owned()));
        }
        count(&collection, &mut manifest);
        (manifest.counts.trials, manifest.counts.replicates) = (workload.plan.trials, workload.plan.replicates);
        collection.stage_rows()?;
        dir.commit(&mut manifest)?;
        let (kept, _) = kept_scores(&spec, &workload, &dir, rows > failed)?;
        collection.stage_scores(kept.as_ref())?;
        stage_new_groups(&spec, &workload, &dir)?;
        dir.commit(&mut manifest)?;
        let under_way = collection.under_way();
        let damage: Vec<String> = collection.damage().iter().map(|why| format!("left out, damaged: {why}")).collect();
        drop(collection);
        let done = match under_way {
            0 => format!("{} of {} rows so far", thousands(rows), thousands(all)),
            some => format!(
                "{} of {} rows so far, {} of them paused at a rung from which they go on",
                thousands(rows),
                thousands(all),
                thousands(some)
            ),
        };
        let goes_on = RunDir::is_locked(root);
        let words = if goes_on {
            format!("{done}: the run goes on, and what is said here is of these rows only")
        } else {
            let (spec, root) = (quoted(root.join(SPEC)), quoted(root));
            format!("{done}: the run ended before it was done; `focalsweep run {spec} --out {root} --resume` goes on")
        };
        let files = RunFiles::looked_at(root, folder.path())?;
        let so_far = Some(SoFar { rows, of: all, goes_on });
        Ok(Self { files, warnings: [vec![words], damage].concat(), so_far, point: None, folder: Some(folder) })
    }
}
