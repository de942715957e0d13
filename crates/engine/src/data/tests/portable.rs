//! The path of the data is the same on every system, but for what is said to be of one.

use std::fs;
use std::path::Path;

#[test]
fn what_only_unix_has_is_marked() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/data");
    let mut found = 0;
    for entry in fs::read_dir(folder).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        let text = fs::read_to_string(entry.path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for at in (0..lines.len()).filter(|&at| lines[at].contains("std::os::unix")) {
            let marked = lines[at.saturating_sub(3)..at].iter().any(|line| line.trim() == "#[cfg(unix)]");
            assert!(marked, "{}, line {}: only Unix has it", entry.path().display(), at + 1);
            found += 1;
        }
    }
    assert!(found > 0, "nothing was looked at");
}
