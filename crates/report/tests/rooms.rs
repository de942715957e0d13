//! The rooms of this crate stand in a row: each may use itself and those before it, none after it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the files of a run to the files for papers.
const ROOMS: [&str; 6] = ["read", "rank", "evidence", "say", "page", "figures"];

/// Uses of another room that go the wrong way, or around the rooms, with file and line.
fn wrong_ways(room: &str, file: &str, text: &str) -> Vec<String> {
    let own = ROOMS.iter().position(|known| *known == room);
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line_of = format!("{file}:{}", at + 1);
        for path in line.split("crate::").skip(1) {
            let begins = path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            match ROOMS.iter().position(|known| *known == begins) {
                Some(other) if Some(other) <= own => {}
                Some(_) => found.push(format!("{line_of}: `{room}` uses `{begins}`, which comes after it")),
                // What tests make, for tests.
                None if begins == "tests" => {}
                None => found.push(format!("{line_of}: `crate::{begins}` hides its room: name the room")),
            }
        }
        let above = if file.ends_with("mod.rs") { "super::" } else { "super::super::" };
        if line.starts_with(&format!("use {above}")) {
            found.push(format!("{line_of}: `{above}` leaves the room: say `crate::` and the room"));
        }
    }
    found
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "rs")).collect()
}

#[test]
fn every_room_uses_those_before_it_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders = fs::read_dir(&src).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir());
    let mut folders: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    folders.retain(|name| name != "snapshots");
    folders.sort();
    let mut rooms = ROOMS.to_vec();
    rooms.sort_unstable();
    assert_eq!(folders, rooms, "a folder of src is a room: give it a place in the row");
    let mut files = 0;
    let mut wrong = Vec::new();
    for room in ROOMS {
        for path in sources(&src.join(room)) {
            files += 1;
            let name = path.strip_prefix(&src).unwrap().display().to_string();
            wrong.extend(wrong_ways(room, &name, &fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(files > 30, "{files} files: the rooms are elsewhere");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let alone: Vec<PathBuf> = sources(&src).into_iter().filter(|path| !path.ends_with("lib.rs")).collect();
    assert_eq!(alone, [src.join("tests.rs")], "files outside of a room");
}

#[test]
fn a_use_of_a_later_room_is_found() {
    let found = wrong_ways("rank", "rank/mod.rs", "use crate::read::Row;\nuse crate::say::number;\nuse crate::Report;");
    assert_eq!(
        found,
        [
            "rank/mod.rs:2: `rank` uses `say`, which comes after it",
            "rank/mod.rs:3: `crate::Report` hides its room: name the room"
        ]
    );
    assert_eq!(wrong_ways("say", "say/table.rs", "use super::super::rank::Ranking;").len(), 1);
    assert!(wrong_ways("figures", "figures/mod.rs", "use crate::page::Payload;").is_empty());
}
