//! `index`: one page over all runs of a folder.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use super::exported::refused;
use super::report::{ranked_by, write};
use super::seen::Seen;
use super::spec::closed;
use crate::cli::IndexArgs;
use crate::launch::Follow;
use crate::output::{self, Failure};
use crate::run::{PAGE, now};
use focalsweep_core::plan::Phase;
use focalsweep_core::record::{Ended, RunDir, RunFiles, RunState, folder_of};
use focalsweep_core::shell::quoted;
use focalsweep_report::{self as report, Indexed, MADE_BY, Options, decision_of_page, index_page};

/// The page in the folder, where no other file is named.
const INDEX: &str = "index.html";
/// Pages of a run, the one of a run that goes on before the other.
const LIVE: &str = "live.html";
/// Folders within each other that are looked through.
const DEEPEST: usize = 4;

pub(super) fn index(args: &IndexArgs) -> Result<ExitCode, Failure> {
    let folder = args.dir.as_path();
    let mut roots = Vec::new();
    find_runs(folder, 0, &mut roots).map_err(|error| {
        let message = format!("cannot read {}: {error}, expected a folder of run directories", folder.display());
        refused(message, "name the folder that runs are in, such as runs")
    })?;
    if roots.first().is_some_and(|root| root == folder) {
        let message = format!("{} is a run directory, expected a folder of them", folder.display());
        let help = format!("`focalsweep index {}` makes a page over its runs", quoted(above(folder)));
        return Err(refused(message, &help));
    }
    if roots.is_empty() {
        let message = format!("there is no run in {}, expected folders with a manifest.json", folder.display());
        return Err(refused(message, "`focalsweep run SPEC` writes runs/NAME; name the folder that runs are in"));
    }
    let out = args.out.clone().unwrap_or_else(|| folder.join(INDEX));
    if !may_replace(&out) {
        let message = format!("{} is there and was not made by `focalsweep index`", out.display());
        return Err(refused(message, "name another file: --out FILE"));
    }
    let runs: Vec<Indexed> = roots.iter().map(|root| indexed(root, folder, &out)).collect();
    let page = index_page(&folder.display().to_string(), &now(), &runs);
    write(&out, page.as_bytes())?;
    let broken = runs.iter().filter(|run| run.fault.is_some()).count();
    if broken > 0 {
        output::warn(&format!("{broken} of {} runs cannot be read; the page says why", runs.len()));
    }
    output::path(&out).map_err(closed)?;
    Ok(ExitCode::SUCCESS)
}

/// The folder that a run directory is in.
fn above(folder: &Path) -> PathBuf {
    let named = folder_of(folder);
    if folder.file_name().is_some() { named.to_owned() } else { folder.join("..") }
}

/// Run directories in `folder` and below, in the order of their names; nothing within a run.
fn find_runs(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.join("manifest.json").is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    let mut below: Vec<PathBuf> =
        fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?.into_iter().map(|entry| entry.path()).collect();
    below.sort();
    for path in below {
        // A link may lead anywhere, to where it came from too: only one to a run is followed.
        let is_link = path.is_symlink();
        if !path.is_dir() || depth >= DEEPEST || (is_link && !path.join("manifest.json").is_file()) {
            continue;
        }
        // A folder that is not ours to read is none of a run that we could.
        let _ = find_runs(&path, depth + 1, found);
    }
    Ok(())
}

/// Whether nothing of anybody's is lost when the page is written.
fn may_replace(out: &Path) -> bool {
    match out.metadata() {
        Ok(found) if found.is_file() => fs::read_to_string(out).is_ok_and(|text| text.contains(MADE_BY)),
        // Devices and pipes are written to; what is no file is refused when it is written.
        _ => true,
    }
}

fn indexed(root: &Path, folder: &Path, out: &Path) -> Indexed {
    let name = root.strip_prefix(folder).unwrap_or(root).display().to_string();
    let mut run = Indexed { folder: name.clone(), name, state: "broken".to_owned(), ..Indexed::default() };
    run.set_notes(root);
    if let Err(failure) = tell(root, &mut run) {
        run.fault = Some(failure.message());
    }
    let pages: &[&str] = if run.state == "finished" { &[PAGE] } else { &[LIVE, PAGE] };
    run.page = pages.iter().map(|page| root.join(page)).find(|page| page.is_file()).and_then(|page| link(out, &page));
    run
}

/// Adds what the files of the run say, as far as they can be read.
fn tell(root: &Path, run: &mut Indexed) -> Result<(), Failure> {
    let files = report::run_files(root)?;
    let manifest = files.manifest();
    run.name.clone_from(&manifest.name);
    run.began.clone_from(&manifest.started_at);
    run.trials = manifest.counts.trials;
    if let Ok(spec) = files.spec() {
        run.data = spec.data.source.display().to_string();
    }
    (run.rows, run.of) = (manifest.counts.rows, manifest.counts.rows);
    if manifest.state == RunState::Running {
        let mut follow = Follow::new(RunDir::attend(root).jobs());
        // Whose tasks wait on a cluster is not asked for each run.
        let seen = Seen::look(root, &mut follow, Some(None))?;
        run.state = seen.state().word().to_owned();
        (run.rows, run.of) = (seen.rows, seen.total());
        return Ok(());
    }
    run.state = match (manifest.state, manifest.ended) {
        (RunState::Finished, _) => "finished",
        (_, Some(Ended::Budget)) => "budget spent",
        _ => "interrupted",
    }
    .to_owned();
    if let Ok((plan, _)) = RunDir::attend(root).plan() {
        run.of = plan.rows();
    }
    run.decision = fs::read_to_string(root.join(PAGE)).ok().as_deref().and_then(decision_of_page);
    set_best(&files, run)
}

/// Adds the trial that ranks first, as the run's own spec ranks.
fn set_best(files: &RunFiles, run: &mut Indexed) -> Result<(), Failure> {
    if run.rows == 0 {
        return Ok(());
    }
    let by = ranked_by(files);
    let results = report::read(files)?.ranked_by(Phase::Search);
    run.set_best(&report::rank(&results, &Options { by: by.by, on: by.on, order: by.order, top: Some(1) })?);
    Ok(())
}

/// A link from the page `out` to the file `to`; none where one of them cannot be found.
fn link(out: &Path, to: &Path) -> Option<String> {
    let (from, to) = (folder_of(out).canonicalize().ok()?, to.canonicalize().ok()?);
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(shared).map(|_| "..".to_owned());
    let down = to.components().skip(shared).filter_map(|part| match part {
        Component::Normal(name) => Some(encoded(name.as_encoded_bytes())),
        _ => None,
    });
    Some(up.chain(down).collect::<Vec<_>>().join("/"))
}

/// A part of a path as a part of an address (RFC 3986): what is not sure to mean itself in percents.
fn encoded(name: &[u8]) -> String {
    let byte = |&byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    name.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_go_from_the_page_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("runs/a b#/x")).unwrap();
        fs::write(root.join("runs/a b#/x/report.html"), "").unwrap();
        fs::create_dir_all(root.join("www")).unwrap();
        let page = root.join("runs/a b#/x/report.html");
        assert_eq!(link(&root.join("runs/index.html"), &page).unwrap(), "a%20b%23/x/report.html");
        assert_eq!(link(&root.join("www/index.html"), &page).unwrap(), "../runs/a%20b%23/x/report.html");
        assert_eq!(link(&root.join("nowhere/index.html"), &page), None);
    }
}
