//! plan.jsonl: a line for each wave, on disk before its jobs run.

use std::fs::OpenOptions;
use std::io::{self, Write};

use super::error::RunDirError;
use super::lines;
use super::names::PLAN;
use super::run_dir::RunDir;
use crate::plan::{Plan, Trials, Wave};

impl RunDir {
    /// Begins the plan of a new run with its first wave. What a run that was killed before its manifest left is
    /// replaced.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin_plan(&self, first: &Wave) -> Result<(), RunDirError> {
        let path = self.path(PLAN);
        let line = line(first).map_err(|e| RunDirError::io(&path, e))?;
        super::atomic::write_atomically::<io::Error>(&path, |out| out.write_all(&line))
            .map_err(|e| RunDirError::io(&path, e))
    }

    /// Adds a wave to the plan and makes it last; a torn line at the end is dropped. For the one process that has
    /// locked the directory.
    ///
    /// # Errors
    /// The plan is missing or damaged, or cannot be written.
    pub fn append_wave(&self, wave: &Wave) -> Result<(), RunDirError> {
        let path = self.path(PLAN);
        let append = || -> io::Result<()> {
            let (_, whole) = lines::read::<Wave>(&path)?;
            let mut file = super::atomic::open_own(&path, OpenOptions::new().append(true))?;
            file.set_len(whole)?;
            file.write_all(&line(wave)?)?;
            file.sync_data()
        };
        append().map_err(|e| RunDirError::io(&path, e))
    }

    /// The waves that are planned.
    ///
    /// # Errors
    /// The plan is missing or damaged.
    pub fn waves(&self) -> Result<Vec<Wave>, RunDirError> {
        let path = self.path(PLAN);
        let (waves, _) = lines::read(&path).map_err(|e| RunDirError::io(&path, e))?;
        Ok(waves)
    }

    /// The plan and its trials, replayed.
    ///
    /// # Errors
    /// The plan is missing or damaged.
    pub fn plan(&self) -> Result<(Plan, Trials), RunDirError> {
        let broken = |why| RunDirError::Broken { path: self.path(PLAN), why };
        let waves = self.waves()?;
        if waves.is_empty() {
            return Err(broken("it has no whole line".to_owned()));
        }
        Plan::replay(&waves).map_err(broken)
    }
}

fn line(wave: &Wave) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    lines::push(&mut line, wave)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Job, Sizes, Stacking};

    fn first() -> Wave {
        let text = "name: t\ndata: {source: d.csv, label: y}\n\
                    parameters: {loss: {value: focal}, alpha: {values: [0.1, 0.2, 0.3]}}";
        let trials = Trials::new(&crate::spec::parse("t", text).unwrap()).unwrap();
        let sizes = Sizes { features: 5, rows: 100, workers: 2, memory: 1 << 30, stacking: Stacking::CORE };
        Wave::first(&Plan::new(&trials, 2, &sizes), &trials, 30)
    }

    #[test]
    fn waves_are_appended_and_a_torn_one_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        let first = first();
        let mut second = Wave { wave: 1, ..first.clone() };
        second.replicates = vec![2, 3];
        for job in &mut second.jobs {
            *job = Job { job_id: format!("more-{}", job.job_id), replicate: job.replicate + 2, ..job.clone() };
        }
        dir.begin_plan(&first).unwrap();
        let path = dir.path(PLAN);
        let one = std::fs::read(&path).unwrap();
        dir.append_wave(&second).unwrap();
        let two = std::fs::read(&path).unwrap();
        assert_eq!(dir.waves().unwrap(), [first.clone(), second.clone()]);
        for cut in one.len()..two.len() {
            std::fs::write(&path, &two[..cut]).unwrap();
            assert_eq!(dir.waves().unwrap(), std::slice::from_ref(&first), "cut at {cut}");
            dir.append_wave(&second).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), two);
        }
        let (plan, trials) = dir.plan().unwrap();
        assert_eq!((plan.trials, trials.len(), plan.jobs.len()), (3, 6, 2 * first.jobs.len()));
        assert_eq!((plan.replicates, plan.rows()), (4, 12));
    }

    #[test]
    fn a_changed_plan_is_an_error_and_names_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let dir = RunDir::lock(folder.path()).unwrap();
        dir.begin_plan(&first()).unwrap();
        dir.append_wave(&Wave { wave: 1, ..first() }).unwrap();
        let text = std::fs::read_to_string(dir.path(PLAN)).unwrap();
        std::fs::write(dir.path(PLAN), text.replacen("0.2", "0.9", 1)).unwrap();
        let error = dir.plan().unwrap_err().to_string();
        assert!(error.contains("plan.jsonl:1: its checksum is another"), "{error}");
        std::fs::write(dir.path(PLAN), "").unwrap();
        assert!(dir.plan().unwrap_err().to_string().contains("it has no whole line"));
    }
}
