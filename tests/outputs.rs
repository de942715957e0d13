//! Nothing of others is replaced: what files that the program writes find in their place. Every device, pipe and link
//! here is made for the test, in a folder of its own.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "other tests look at every file of a folder")]
mod common;

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread;

use common::{focalsweep, program};
use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use tempfile::TempDir;

const SWEEP: &str = "
name: t
data: {source: rows.csv, synth: {rows: 400, features: 3, positives: 60}, label: Class}
train: {epochs: 2, batch_size: 100, early_stopping: none}
parameters: {loss: {value: focal}, gamma: {values: [0, 2]}}
launch: {devices: cpu}
";

/// A folder with a finished run in `run` and a model in `model`, made once.
fn made() -> &'static Path {
    static MADE: OnceLock<TempDir> = OnceLock::new();
    let folder = MADE.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("t.yaml"), SWEEP).unwrap();
        let path = folder.path();
        assert_eq!(focalsweep(path, ["run", "t.yaml", "--out", "run", "--no-progress"]).code, Some(0));
        assert_eq!(focalsweep(path, ["export", "run", "--out", "model"]).code, Some(0));
        folder
    });
    folder.path()
}

/// Commands that write one file, with a name for it that they take.
fn writers() -> [(&'static str, Vec<String>); 5] {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    let at = made().display();
    [
        ("page.html", words(&format!("report {at}/run --html"))),
        ("scores.csv", words(&format!("predict {at}/model {at}/rows.csv --out"))),
        ("scores.parquet", words(&format!("predict {at}/model {at}/rows.csv --out"))),
        ("rows.csv.gz", words("data synth --rows 200 --features 2 --positives 20 --out")),
        ("rows.parquet", words("data synth --rows 200 --features 2 --positives 20 --out")),
    ]
}

/// What the command writes to a regular file of the name `name`.
fn plain(name: &str, words: &[String]) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    write(folder.path(), name, words);
    fs::read(folder.path().join(name)).unwrap()
}

fn write(folder: &Path, name: &str, words: &[String]) {
    let said = focalsweep(folder, words.iter().map(String::as_str).chain([name]));
    assert_eq!(said.code, Some(0), "{words:?} {name}: {}", said.stderr);
}

/// What stderr says when the file cannot be written.
fn refused(folder: &Path, name: &str, words: &[String]) -> String {
    let said = focalsweep(folder, words.iter().map(String::as_str).chain([name]));
    assert_ne!(said.code, Some(0), "{words:?} {name}");
    said.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// The bytes that come out of the pipe at `path`, once somebody has written them.
fn drained(path: PathBuf) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || fs::read(path).unwrap())
}

#[test]
fn pipes_are_written_to() {
    for (name, words) in writers() {
        let folder = TempDir::new().unwrap();
        let pipe = folder.path().join(name);
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_bits_truncate(0o600), 0).unwrap();
        let reader = drained(pipe.clone());
        write(folder.path(), name, &words);
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo(), "{name}"); // else nobody wakes the reader
        assert!(reader.join().unwrap() == plain(name, &words), "{name}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
    }
}

#[test]
fn devices_are_written_to() {
    for (name, words) in writers() {
        let folder = TempDir::new().unwrap();
        let node = folder.path().join(name);
        let made = mknodat(CWD, &node, FileType::CharacterDevice, Mode::from_bits_truncate(0o666), makedev(1, 3));
        if made.is_err() || OpenOptions::new().write(true).open(&node).is_err() {
            eprintln!("skipped: no device may be made here");
            return;
        }
        write(folder.path(), name, &words);
        assert!(node.symlink_metadata().unwrap().file_type().is_char_device(), "{name}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
    }
}

#[test]
fn links_are_followed() {
    for (name, words) in writers() {
        let folder = TempDir::new().unwrap();
        let far = folder.path().join("far");
        fs::create_dir(&far).unwrap();
        symlink("far/file", folder.path().join(name)).unwrap();
        for _ in ["the link dangles", "its file is there"] {
            write(folder.path(), name, &words);
            assert!(folder.path().join(name).is_symlink(), "{name}");
            assert!(fs::read(far.join("file")).unwrap() == plain(name, &words), "{name}");
            assert_eq!(fs::read_dir(&far).unwrap().count(), 1, "{name}");
            fs::write(far.join("file"), "old").unwrap();
        }
    }
}

#[test]
fn permissions_are_kept_and_what_cannot_be_written_is_left() {
    for (name, words) in writers() {
        let folder = TempDir::new().unwrap();
        let (file, taken) = (folder.path().join(name), format!("taken.{name}"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        write(folder.path(), name, &words);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, 0o640, "{name}");

        fs::write(&file, "kept").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o444)).unwrap();
        let said = refused(folder.path(), name, &words);
        assert!(said.contains("it is read-only") && fs::read(&file).unwrap() == b"kept", "{said}");

        let _listener = UnixListener::bind(folder.path().join(&taken)).unwrap();
        let said = refused(folder.path(), &taken, &words);
        assert!(said.contains("it is a socket"), "{said}");
        assert!(folder.path().join(&taken).symlink_metadata().unwrap().file_type().is_socket());
        fs::remove_file(folder.path().join(&taken)).unwrap();
        fs::create_dir(folder.path().join(&taken)).unwrap();
        let said = refused(folder.path(), &taken, &words);
        assert!(said.contains("it is a directory"), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "{name}");
    }
}

#[test]
fn figures_follow_links_and_go_into_pipes() {
    let folder = TempDir::new().unwrap();
    let figures = folder.path().join("figures");
    fs::create_dir(&figures).unwrap();
    symlink("../roc.svg", figures.join("roc.svg")).unwrap();
    mknodat(CWD, figures.join("roc.png"), FileType::Fifo, Mode::from_bits_truncate(0o600), 0).unwrap();
    let reader = drained(figures.join("roc.png"));
    let run = made().join("run").display().to_string();
    write(folder.path(), "figures", &["report".to_owned(), run, "--figures".to_owned()]);
    assert!(figures.join("roc.png").symlink_metadata().unwrap().file_type().is_fifo());
    assert!(reader.join().unwrap().starts_with(b"\x89PNG"));
    assert!(figures.join("roc.svg").is_symlink() && folder.path().join("roc.svg").is_file());
}

#[test]
fn an_export_goes_into_a_folder_that_is_new_or_empty_and_nowhere_else() {
    let folder = TempDir::new().unwrap();
    let words = ["export".to_owned(), made().join("run").display().to_string(), "--out".to_owned()];
    mknodat(CWD, folder.path().join("pipe"), FileType::Fifo, Mode::from_bits_truncate(0o600), 0).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    for name in ["pipe", "dangling"] {
        refused(folder.path(), name, &words);
    }
    assert!(folder.path().join("pipe").symlink_metadata().unwrap().file_type().is_fifo());
    assert!(folder.path().join("dangling").is_symlink());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn what_the_shell_has_opened_is_added_to() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("all.html");
    fs::write(&path, "before\n").unwrap();
    let out = OpenOptions::new().append(true).open(&path).unwrap();
    let run = made().join("run");
    let mut command = program(folder.path());
    command.arg("report").arg(run).args(["--html", "/proc/self/fd/1"]).stdout(out);
    assert!(command.status().unwrap().success());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("before\n<!") && text.contains("</html>"), "{:.40}", text);
}

/// A run directory that came from somebody else may hold links to files of ours.
#[test]
fn a_run_does_not_write_through_links_in_its_directory() {
    for (name, code) in [(".lock", 3), ("log.txt", 0), ("jobs/launch.jsonl", 3)] {
        let folder = TempDir::new().unwrap();
        let (link, theirs) = (folder.path().join("run").join(name), folder.path().join("theirs"));
        fs::write(folder.path().join("t.yaml"), SWEEP).unwrap();
        fs::write(&theirs, "").unwrap();
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&theirs, &link).unwrap();
        let said = focalsweep(folder.path(), ["run", "t.yaml", "--out", "run", "--no-progress"]);
        assert_eq!(said.code, Some(code), "{name}: {}", said.stderr);
        assert!(said.stderr.contains("it is a link"), "{name}: {}", said.stderr);
        assert_eq!(fs::read_to_string(theirs).unwrap(), "", "{name}");
    }
}
