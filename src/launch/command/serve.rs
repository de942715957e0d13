//! A command of the user's that scores new rows with a model that its trainer kept.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use focalsweep_core::record::{PredictCommand, TrainerModel};
use focalsweep_core::spec::{Scalar, TrainerSpec};
use serde::Serialize;

use super::attempt::{GPUS, PATIENCE, threads};
use super::guard;
use super::words::expanded;
use crate::launch::child::Child;

/// The variable that names the file of what is to be scored.
const VARIABLE: &str = "FOCALSWEEP_PREDICT";
/// How often the command is looked at.
const TICK: Duration = Duration::from_secs(1);

/// What a command is told of rows to score: the JSON file that [`VARIABLE`] names.
#[derive(Debug, Serialize)]
struct PredictOrder<'a> {
    /// The folder that its training kept.
    model: &'a Path,
    /// The rows, without their label.
    data: &'a Path,
    /// The folder that it writes to; empty.
    out: &'a Path,
    /// Parameters of the trial.
    parameters: &'a BTreeMap<String, Scalar>,
    /// Cores that it may use.
    threads: u32,
}

/// What of the program that scores is copied beside a model, and how it is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// Its words: files that are copied as they are called there, others by their whole paths.
    pub words: Vec<String>,
    /// Where each file lies, and its path beside the model.
    pub files: Vec<(PathBuf, PathBuf)>,
}

/// The words `predict` of `trainer` with the parameters of a trial, and the files that go with them: those that its
/// words name and those of `files`, as far as they lie below the trainer's folder.
///
/// # Errors
/// The folder is gone.
pub fn packed(trainer: &TrainerSpec, predict: &[String], parameters: &BTreeMap<String, Scalar>) -> io::Result<Packed> {
    let folder = std::path::absolute(trainer.folder())?;
    let mut packed = Packed { words: Vec::new(), files: Vec::new() };
    let mut take = |name: &Path| {
        let inside =
            name.is_relative() && name.components().all(|part| !matches!(part, std::path::Component::ParentDir));
        if inside && packed.files.iter().all(|(_, there)| there != name) {
            packed.files.push((folder.join(name), name.to_owned()));
        }
        inside
    };
    let mut words = expanded(predict, parameters);
    for (at, word) in words.iter_mut().enumerate() {
        let path = folder.join(word.as_str());
        // A program without `/` is the system's, whatever lies in the folder.
        let is_file = !word.is_empty() && (at > 0 || word.contains('/')) && path.is_file();
        if is_file && !take(Path::new(word.as_str())) {
            *word = path.to_string_lossy().into_owned();
        }
    }
    for file in trainer.files.iter().filter(|file| folder.join(file).is_file()) {
        take(file);
    }
    packed.words = words;
    Ok(packed)
}

/// Runs the command of `model` on the rows in the file `data`; it writes to `out` in `folder`, and what it prints goes
/// to `line`. It ends when this program does.
///
/// # Errors
/// The folder cannot be written, or there is no guard.
pub fn serve(
    model: &TrainerModel,
    folder: &Path,
    data: &Path,
    line: impl Fn(&str) + Send + 'static,
) -> io::Result<(ExitStatus, PathBuf)> {
    let out = folder.join("out");
    fs::create_dir(&out)?;
    let PredictCommand { command: words, cpus, gpus, .. } = &model.predict;
    let order =
        PredictOrder { model: &model.model, data, out: &out, parameters: &model.card.parameters, threads: *cpus };
    let path = folder.join("predict.json");
    fs::write(&path, serde_json::to_vec_pretty(&order)?)?;
    let mut command = Command::new(guard::program()?);
    command.arg("guard").arg("--").args(words).current_dir(&model.folder).envs(threads(*cpus)).env(VARIABLE, &path);
    if *gpus == 0 {
        command.env(GPUS, "");
    }
    let mut child = Child::start(command, None, PATIENCE, line)?;
    let status = loop {
        if let Some(status) = child.wait(TICK) {
            break status;
        }
    };
    child.end();
    Ok((status, out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use focalsweep_core::spec;

    #[test]
    fn a_program_is_packed_with_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("work");
        fs::create_dir_all(within.join("lib")).unwrap();
        for name in ["work/score.py", "work/lib/a.py", "work/python3", "outside.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let text = format!(
            "name: t\ndata: {{source: d.csv, label: y}}\ntrainers: {{t: {{folder: '{}', command: [x], files: [lib/a.py], \
             predict: [python3, score.py, '-n${{n}}', ../outside.txt, none.py, lib]}}}}\nparameters: {{}}\n",
            within.display()
        );
        let trainer = spec::parse("t", &text).unwrap().trainers["t"].clone();
        let predict = trainer.predict.clone().unwrap();
        let packed = packed(&trainer, &predict, &[("n".to_owned(), Scalar::Int(3))].into()).unwrap();
        let outside = within.join("../outside.txt").to_string_lossy().into_owned();
        assert_eq!(packed.words, ["python3", "score.py", "-n3", outside.as_str(), "none.py", "lib"]);
        let names: Vec<_> = packed.files.iter().map(|(_, name)| name.to_str().unwrap()).collect();
        assert_eq!(names, ["score.py", "lib/a.py"]);
    }
}
