//! What a trainer is: its command, the files that this names, and those that `files` lists.

use std::fs;
use std::path::{Path, PathBuf};

use focalsweep_core::record::blob_sum;
use focalsweep_core::spec::{TrainerSpec, Word};

use super::fault::TrainerFault;

/// Endings of programs' sources: a word of a command that ends so and is no file is a mistake.
const SOURCES: [&str; 8] = ["py", "sh", "R", "r", "jl", "pl", "rb", "js"];

/// Whether the commands of `trainer` could be run, and what they are made of is there.
///
/// # Errors
/// Its program or one of its files is not there.
pub fn check(name: &str, trainer: &TrainerSpec) -> Result<(), TrainerFault> {
    check_words(name, trainer, ("command", &trainer.command))?;
    if let Some(words) = &trainer.predict {
        check_words(name, trainer, ("predict", words))?;
    }
    let mut listed = trainer.files.iter().map(|file| trainer.folder().join(file));
    let missing = |path| TrainerFault::NoFile { trainer: name.to_owned(), key: "files", path };
    listed.find(|path| !path.is_file()).map_or(Ok(()), |path| Err(missing(path)))
}

/// Whether the words under `key` could be run.
fn check_words(name: &str, trainer: &TrainerSpec, (key, words): (&'static str, &[String])) -> Result<(), TrainerFault> {
    let Some(program) = words.first() else { return Ok(()) };
    let is_there = program.contains("${") || find(program, trainer.folder()).is_some();
    if !is_there {
        let help = if program.contains('/') {
            "relative paths are of the sweep file's folder, or of the trainer's `folder`".to_owned()
        } else if trainer.folder().join(program).is_file() {
            format!("write `./{program}`: programs without `/` are looked for on PATH")
        } else {
            "it is looked for on PATH".to_owned()
        };
        return Err(TrainerFault::NoProgram { trainer: name.to_owned(), key, program: program.clone(), help });
    }
    let looks_like_source = |word: &&String| {
        let ending = Path::new(word.as_str()).extension().and_then(|ending| ending.to_str());
        !word.starts_with('-') && !word.contains("${") && ending.is_some_and(|ending| SOURCES.contains(&ending))
    };
    let sources = words.iter().skip(1).filter(looks_like_source).map(|word| trainer.folder().join(word));
    let missing = |path| TrainerFault::NoFile { trainer: name.to_owned(), key, path };
    sources.into_iter().find(|path| !path.is_file()).map_or(Ok(()), |path| Err(missing(path)))
}

/// Where a program is that is called so in `folder`.
fn find(program: &str, folder: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(folder.join(program)).filter(|path| path.is_file());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A checksum of the command, of what it is given and gives, and of the files that it is made of.
///
/// # Errors
/// A listed file cannot be read.
pub fn fingerprint(name: &str, trainer: &TrainerSpec) -> Result<String, TrainerFault> {
    let mut text = Vec::new();
    let mut add = |part: &[u8]| {
        text.extend_from_slice(&(part.len() as u64).to_le_bytes());
        text.extend_from_slice(part);
    };
    for word in &trainer.command {
        add(word.as_bytes());
    }
    add(trainer.inputs.word().as_bytes());
    add(trainer.output.word().as_bytes());
    if trainer.resumable {
        add(b"resumable");
    }
    // Of a program on PATH only its name counts: it is the system's.
    let named = trainer.command.iter().map(|word| trainer.folder().join(word)).filter(|path| path.is_file());
    for path in named {
        add(&fs::read(&path).unwrap_or_default());
    }
    for file in &trainer.files {
        let path = trainer.folder().join(file);
        let missing = |_| TrainerFault::NoFile { trainer: name.to_owned(), key: "files", path: path.clone() };
        add(&fs::read(&path).map_err(missing)?);
    }
    Ok(blob_sum(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use focalsweep_core::spec;

    fn trainer(folder: &Path, rest: &str) -> TrainerSpec {
        let text = format!(
            "name: t\ndata: {{source: d.csv, label: y}}\ntrainers: {{t: {{folder: '{}', {rest}}}}}\nparameters: {{}}\n",
            folder.display()
        );
        spec::parse("t", &text).unwrap().trainers["t"].clone()
    }

    #[test]
    fn a_trainer_is_its_command_and_its_files() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train.py"), "one").unwrap();
        fs::write(folder.path().join("model.py"), "two").unwrap();
        let of = |rest: &str| fingerprint("t", &trainer(folder.path(), rest)).unwrap();
        let base = of("command: [sh, train.py]");
        assert_eq!(
            of("command: [sh, train.py], timeout: 5m, cpus: 3, predict: [sh, x]"),
            base,
            "how it is run is not what it is"
        );
        let other = [
            of("command: [sh, train.py, '']"),
            of("command: [shtrain.py]"),
            of("command: [sh, train.py], inputs: prepared"),
            of("command: [sh, train.py], output: score"),
            of("command: [sh, train.py], resumable: true"),
            of("command: [sh, train.py], files: [model.py]"),
        ];
        assert!(other.iter().all(|one| *one != base));
        fs::write(folder.path().join("model.py"), "three").unwrap();
        assert_ne!(of("command: [sh, train.py], files: [model.py]"), other[5]);
        fs::write(folder.path().join("train.py"), "changed").unwrap();
        assert_ne!(of("command: [sh, train.py]"), base);
    }

    #[test]
    fn what_is_not_there_is_told_before_anything_is_trained() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("train.sh"), "").unwrap();
        let told = |rest: &str| check("t", &trainer(folder.path(), rest)).map_err(|fault| fault.to_string());
        assert_eq!(told("command: [sh, train.sh]"), Ok(()));
        assert_eq!(told("command: [./train.sh, --out=x.py]"), Ok(()));
        assert!(told("command: [no-such-program-7]").unwrap_err().contains("there is no program `no-such-program-7`"));
        assert!(told("command: [./none.sh]").unwrap_err().contains("`./none.sh`"));
        assert!(told("command: [sh, trian.sh]").unwrap_err().contains("trainers.t.command: there is no file"));
        assert!(told("command: [sh, '${name}.sh']").is_ok());
        let words = told("command: [sh, train.sh], predict: [sh, predict.sh]").unwrap_err();
        assert!(words.contains("trainers.t.predict: there is no file"), "{words}");
        let words = told("command: [sh, train.sh], predict: [no-such-program-7]").unwrap_err();
        assert!(words.contains("trainers.t.predict: there is no program `no-such-program-7`"), "{words}");
        assert!(
            told("command: [sh, train.sh], files: [x]").unwrap_err().contains("trainers.t.files: there is no file")
        );
    }
}
