//! What a shell sees: completions, man pages, how much is said, misspelled commands, a page in the browser.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "other tests look at files")]
mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Parser;
use clap::error::ErrorKind;
use common::{Said, focalsweep, program};
use focalsweep::cli::Cli;
use tempfile::TempDir;

const SWEEP: &str = "
name: t
data: {source: rows.csv, synth: {rows: 200, features: 2, positives: 30}, label: Class}
train: {epochs: 1, batch_size: 100, early_stopping: none}
parameters: {loss: {value: focal}, gamma: {values: [0, 2]}}
launch: {devices: cpu}
";

/// A run of [`SWEEP`] in `folder`, with more words.
fn run(folder: &Path, words: &[&str]) -> Said {
    fs::write(folder.join("t.yaml"), SWEEP).unwrap();
    focalsweep(folder, [&["run", "t.yaml"], words].concat())
}

#[test]
fn shells_complete_commands() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let said = focalsweep(folder.path(), ["completions", shell]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        assert!(["report", "predict", "operating-point"].iter().all(|word| said.stdout.contains(word)), "{shell}");
    }
    let said = focalsweep(folder.path(), ["completions", "tcsh"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("bash, elvish, fish, powershell, zsh"), "{}", said.stderr);
    // What bash does with it: the words that may follow.
    let asked = r#"source <("$0" completions bash) && COMP_WORDS=(focalsweep rep) COMP_CWORD=1 \
        && _focalsweep focalsweep rep focalsweep && echo "${COMPREPLY[@]}""#;
    match Command::new("bash").args(["-c", asked, env!("CARGO_BIN_EXE_focalsweep")]).output() {
        Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "report", "{output:?}"),
        Err(why) => eprintln!("skipped: bash does not start here: {why}"),
    }
}

/// Commands of a page: lines of its code, and what it quotes, that begin with the program's name.
fn commands(page: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (at, line) in page.lines().enumerate() {
        let code = line.trim_start_matches([' ', '>']).trim_start_matches("$ ").strip_prefix("focalsweep ");
        found.extend(code.map(|rest| (at + 1, rest.split(" #").next().unwrap())));
        let quoted = line.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("focalsweep "));
        found.extend(quoted.map(|rest| (at + 1, rest)));
    }
    found
}

/// Whatever a page tells people to type is a command with these flags and values.
#[test]
fn every_command_of_the_docs_is_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<_> = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.extend(["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "data/README.md"].map(|name| root.join(name)));
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in pages.iter().filter(|page| page.extension().is_some_and(|ending| ending == "md")) {
        let text = fs::read_to_string(page).unwrap();
        for (line, command) in commands(&text) {
            // To be filled in by whoever reads it, or to be read on.
            let is_open = command.contains(['…', '<', '[', '|', '\\', '=', '(']) && !command.contains("--set ");
            if is_open || command.contains('─') || command.starts_with("COMMAND") {
                continue;
            }
            let Some(words) = shlex::split(command.split([';', '&']).next().unwrap()) else { continue };
            seen += 1;
            if let Err(error) = Cli::try_parse_from(["focalsweep".to_owned()].into_iter().chain(words))
                && matches!(
                    error.kind(),
                    ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand | ErrorKind::ArgumentConflict
                )
            {
                wrong.push(format!("{}:{line}: {command}: {error}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 80, "only {seen} were found");
}

#[test]
fn each_command_has_a_man_page() {
    let folder = TempDir::new().unwrap();
    let said = focalsweep(folder.path(), ["man", "--out", "pages/man1"]);
    assert_eq!((said.code, said.stdout.trim()), (Some(0), "pages/man1"), "{}", said.stderr);
    let page = |name: &str| fs::read_to_string(folder.path().join("pages/man1").join(name)).unwrap();
    assert!(page("focalsweep.1").contains(".TH focalsweep 1"));
    assert!(
        page("focalsweep-run.1").contains("\\-\\-resume") && page("focalsweep-run.1").contains("\\-\\-retry\\-failed")
    );
    assert!(page("focalsweep-data-describe.1").contains("SPEC"));
    assert!(!folder.path().join("pages/man1/focalsweep-guard.1").exists(), "what is hidden has none");
    fs::write(folder.path().join("file"), "").unwrap();
    let said = focalsweep(folder.path(), ["man", "--out", "file"]);
    assert!(said.code == Some(3) && said.stderr.contains("file"), "{}", said.stderr);
}

#[test]
fn quiet_leaves_warnings_and_results() {
    let folder = TempDir::new().unwrap();
    let loud = run(folder.path(), &["--out", "loud"]);
    let quiet = run(folder.path(), &["--out", "quiet", "--quiet"]);
    assert_eq!((loud.code, quiet.code), (Some(0), Some(0)), "{}", quiet.stderr);
    assert_eq!((loud.stdout.trim(), quiet.stdout.trim()), ("loud", "quiet"));
    assert!(!loud.stderr.is_empty());
    assert!(quiet.stderr.lines().all(|line| line.trim_start().starts_with("WARN")), "{}", quiet.stderr);
    let said = focalsweep(folder.path(), ["export", "quiet", "--out", "model", "-q"]);
    assert_eq!((said.code, said.stdout.trim(), said.stderr.as_str()), (Some(0), "model", ""));
    // Errors are told.
    let said = focalsweep(folder.path(), ["export", "quiet", "--out", "model", "-q"]);
    assert!(said.code == Some(2) && said.stderr.contains("is there already"), "{}", said.stderr);
    let verbose = run(folder.path(), &["--out", "verbose", "-v"]);
    assert!(verbose.stderr.lines().count() > loud.stderr.lines().count(), "{}", verbose.stderr);
    assert_eq!(run(folder.path(), &["-q", "-v"]).code, Some(2), "both at once");
}

#[test]
fn a_misspelled_command_is_told_with_the_nearest() {
    let folder = TempDir::new().unwrap();
    let said = focalsweep(folder.path(), ["repotr", "runs/t"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("'report'") && !said.stderr.contains("'export'"), "{}", said.stderr);
    let said = focalsweep(folder.path(), ["visualise"]);
    assert!(said.code == Some(2) && said.stderr.contains("--help"), "{}", said.stderr);
}

#[test]
fn a_page_is_opened_by_the_system() {
    let folder = TempDir::new().unwrap();
    assert_eq!(run(folder.path(), &["--out", "r", "-q"]).code, Some(0));
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let browser = bin.join("xdg-open");
    fs::write(
        &browser,
        format!("#!/bin/sh\necho \"$1\" > '{0}.part' && mv '{0}.part' '{0}'\n", bin.join("opened").display()),
    )
    .unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let said = Said::of(&program(folder.path()).env("PATH", path).args(["open", "r"]).output().unwrap());
    assert_eq!((said.code, said.stdout.trim()), (Some(0), "r/report.html"), "{}", said.stderr);
    let since = Instant::now();
    while !bin.join("opened").exists() && since.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(fs::read_to_string(bin.join("opened")).unwrap().trim(), "r/report.html");
    // Without one it says so, and the path is there all the same.
    let said = Said::of(&program(folder.path()).env("PATH", "/nonexistent").args(["open", "r"]).output().unwrap());
    assert!(said.code == Some(0) && said.stderr.contains("no browser"), "{}", said.stderr);
    fs::remove_file(folder.path().join("r/report.html")).unwrap();
    let said = focalsweep(folder.path(), ["open", "r"]);
    assert!(said.code == Some(2) && said.stderr.contains("focalsweep report r --html"), "{}", said.stderr);
    let said = focalsweep(folder.path(), ["open", "bin"]);
    assert!(said.code == Some(2), "{}", said.stderr);
}
