//! Two runs side by side.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use serde_json::Value;

use super::claim::Claim;
use super::guarantee::too_few_above;
use super::members::{Asked, Build, Measured};
use super::named::named;
use super::report::Report;
use crate::rank::{Options, Ranked, device_use, rank};
use crate::read::{ForEach, ReportError, Results, ScoreSource, Scores};
use focalsweep_core::record::{RunFiles, State};
use focalsweep_core::spec::{OperatingPoint, Spec, Split};

/// The metric that differs between runs of the same trials.
const SECONDS: &str = "train_seconds";

/// A run that is compared.
#[derive(Debug)]
pub struct Run {
    /// Its files.
    pub files: RunFiles,
    /// Its rows.
    pub results: Results,
    /// Its sweep, where it can be read.
    pub spec: Option<Spec>,
}

/// Two runs on the same rows, ranked on the replicates that both have.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairing {
    /// The runs.
    pub sides: [Side; 2],
    /// Replicates of which both have the same split.
    pub replicates: Vec<u32>,
    /// Trials that are in both, in the order of the first run.
    pub common: Vec<Common>,
    /// The first run's winner against the second's, on the test rows; none where scores were not kept, where test rows
    /// differ between the replicates, or where it is the same trial with the same figures.
    pub winners: Vec<Claim>,
    /// Keys of the sweep files that differ, with both values as JSON; absent is null.
    pub changes: Vec<(String, [Value; 2])>,
    /// What to know before believing it.
    pub warnings: Vec<String>,
    /// How many of the common trials a table for a terminal shows; absent: all.
    pub top: Option<usize>,
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// Its directory, as asked for.
    pub dir: PathBuf,
    /// Its trials, on the common replicates.
    pub report: Report,
    /// Rows of all its replicates.
    pub rows: usize,
    /// Of those, failed.
    pub failed: usize,
}

/// A trial that both runs have.
#[derive(Debug, Clone, PartialEq)]
pub struct Common {
    /// Its id.
    pub trial_id: String,
    /// Its places in the rankings of the two runs.
    pub places: [usize; 2],
    /// Whether every metric that both runs have is the same to the bit; the time it took may differ.
    pub same: bool,
}

/// Sets two runs side by side. The operating point must be the same in both for figures there to be compared.
///
/// # Errors
/// The runs are of other data, or have no replicate with the same split; a rank key is not among the results; a
/// scores.parquet cannot be read.
pub fn pair(mut runs: [Run; 2], options: &Options, for_each: ForEach<'_>) -> Result<Pairing, ReportError> {
    same_data(&runs)?;
    let replicates = common_replicates(&runs)?;
    let mut warnings = Vec::new();
    let all: HashSet<u32> = runs.iter().flat_map(|run| run.results.rows.iter().map(|row| row.replicate)).collect();
    if replicates.len() < all.len() {
        warnings.push(format!(
            "{} of {} replicates have the same split in both runs; the others are left out",
            replicates.len(),
            all.len()
        ));
    }
    let points = [&runs[0].results.operating_point, &runs[1].results.operating_point];
    let same_point = points[0] == points[1];
    if !same_point {
        warnings.push(
            "the runs have different operating points: figures there do not compare (`--operating-point` sets one for \
             both)"
                .to_owned(),
        );
    }
    let point = points[0].clone().filter(|_| same_point);
    let changes = changes(&runs);
    let counts = runs
        .each_ref()
        .map(|run| (run.results.rows.len(), run.results.rows.iter().filter(|row| row.state == State::Failed).count()));
    let mut sides = Vec::with_capacity(2);
    for (run, (rows, failed)) in runs.iter_mut().zip(counts) {
        let devices = device_use(run.results.ranked());
        run.results.rows.retain(|row| replicates.contains(&row.replicate));
        (run.results.planned_replicates, run.results.planned_trials) = (0, 0);
        let mut ranking = rank(&run.results, options)?;
        ranking.devices = devices;
        for warning in std::mem::take(&mut ranking.warnings) {
            warnings.push(format!("{}: {warning}", run.files.root().display()));
        }
        sides.push(Side { dir: run.files.root().to_owned(), report: Report::bare(ranking), rows, failed });
    }
    let Ok(sides) = <[Side; 2]>::try_from(sides) else { return Err(ReportError::NoRows) };
    let common = common(&sides);
    let winners = match sides.each_ref().map(|side| side.report.ranking.winner().map(|w| w.trial.trial_id.clone())) {
        [Some(a), Some(b)] if a != b || !common.iter().any(|trial| trial.trial_id == a && trial.same) => {
            let (claims, warning) = between(&runs, [&a, &b], &replicates, point.as_ref(), for_each)?;
            warnings.extend(warning);
            claims
        }
        _ => Vec::new(),
    };
    Ok(Pairing { sides, replicates, common, winners, changes, warnings, top: options.top })
}

/// What the winner of one run has over that of another on the test rows of common replicates, and what to know where
/// nothing is said of the operating point.
fn between(
    runs: &[Run; 2],
    winners: [&str; 2],
    replicates: &[u32],
    point: Option<&OperatingPoint>,
    for_each: ForEach<'_>,
) -> Result<(Vec<Claim>, Option<String>), ReportError> {
    /// Names that no trial has: one may win both runs with other figures.
    const NAMES: [&str; 2] = ["first run", "second run"];
    let asked = Asked { on: Split::Test, point, average_precision: true };
    let mut build = Build::new(asked);
    for ((run, winner), name) in runs.iter().zip(winners).zip(NAMES) {
        let wanted = |trial: &str, replicate: u32| trial == winner && replicates.contains(&replicate);
        Scores::of(&run.files).for_each_calibration(&wanted, &mut |group| build.add_calibration(name, &group))?;
    }
    for ((run, winner), name) in runs.iter().zip(winners).zip(NAMES) {
        let wanted = |trial: &str, replicate: u32, _| trial == winner && replicates.contains(&replicate);
        Scores::of(&run.files)
            .for_each(&wanted, &mut |group| build.add(name, &group, Measured::new(&group, &asked)))?;
    }
    let members = build.end();
    let mut claims =
        if members.rows.is_fixed() { named(NAMES[0], NAMES[1], &members, &asked, for_each) } else { Vec::new() };
    for claim in &mut claims {
        (claim.of, claim.against) = (winners[0].to_owned(), winners[1].to_owned());
    }
    let guarantee = point.and_then(OperatingPoint::guarantee).zip(members.above);
    let warning = guarantee.and_then(|((max_fpr, confidence), above)| too_few_above(above, max_fpr, confidence));
    Ok((claims, warning))
}

/// Refuses runs of which not all rows are of the same data.
fn same_data(runs: &[Run; 2]) -> Result<(), ReportError> {
    let fingerprints = runs.each_ref().map(|run| {
        let mut all: Vec<&str> = run.results.rows.iter().map(|row| row.data_fingerprint.as_str()).collect();
        all.sort_unstable();
        all.dedup();
        all.join(", ")
    });
    if fingerprints[0] == fingerprints[1] {
        return Ok(());
    }
    Err(ReportError::OtherData { dirs: runs.each_ref().map(|run| run.files.root().to_owned()), fingerprints })
}

/// Replicates that have one and the same split in both runs.
fn common_replicates(runs: &[Run; 2]) -> Result<Vec<u32>, ReportError> {
    let splits = runs.each_ref().map(|run| {
        let rows = run.results.rows.iter();
        rows.map(|row| (row.replicate, row.split_fingerprint.clone())).collect::<BTreeMap<u32, String>>()
    });
    let common: Vec<u32> = splits[0]
        .iter()
        .filter(|(replicate, split)| splits[1].get(replicate) == Some(split))
        .map(|(&r, _)| r)
        .collect();
    if !common.is_empty() {
        return Ok(common);
    }
    let first = |of: &BTreeMap<u32, String>| of.values().next().cloned().unwrap_or_default();
    Err(ReportError::OtherSplits {
        dirs: runs.each_ref().map(|run| run.files.root().to_owned()),
        fingerprints: splits.each_ref().map(first),
    })
}

fn common(sides: &[Side; 2]) -> Vec<Common> {
    let [first, second] = sides.each_ref().map(|side| &side.report.ranking);
    let places: HashMap<&str, usize> =
        second.trials.iter().enumerate().map(|(at, ranked)| (ranked.trial.trial_id.as_str(), at)).collect();
    let columns: Vec<(usize, usize)> = first
        .metrics
        .iter()
        .enumerate()
        .filter(|(_, name)| *name != SECONDS)
        .filter_map(|(a, name)| Some((a, second.metrics.iter().position(|other| other == name)?)))
        .collect();
    let in_both = |(a, ranked): (usize, &Ranked)| {
        let b = *places.get(ranked.trial.trial_id.as_str())?;
        let (ours, theirs) = (&ranked.trial, &second.trials[b].trial);
        Some(Common {
            trial_id: ours.trial_id.clone(),
            places: [a, b],
            same: columns.iter().all(|&(x, y)| ours.means[x] == theirs.means[y]),
        })
    };
    first.trials.iter().enumerate().filter_map(in_both).collect()
}

/// Keys of the two sweep files that differ, those that do not change results left out.
fn changes(runs: &[Run; 2]) -> Vec<(String, [Value; 2])> {
    const NO_MATTER: [&str; 3] = ["name", "launch", "rank"];
    let [Some(first), Some(second)] = runs.each_ref().map(|run| {
        let spec = serde_json::to_value(run.spec.as_ref()?).ok()?;
        let mut keys = BTreeMap::new();
        flatten(String::new(), spec, &mut keys);
        Some(keys)
    }) else {
        return Vec::new();
    };
    let names: std::collections::BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let value = |keys: &BTreeMap<String, Value>, name: &String| keys.get(name).cloned().unwrap_or(Value::Null);
    names
        .into_iter()
        .filter(|name| !NO_MATTER.contains(&name.split('.').next().unwrap_or_default()))
        .map(|name| (name.clone(), [value(&first, name), value(&second, name)]))
        .filter(|(_, [a, b])| a != b)
        .collect()
}

/// Mappings as dotted keys; what is swept as a whole.
fn flatten(path: String, value: Value, keys: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) if path != "parameters" => {
            for (key, value) in map {
                flatten(if path.is_empty() { key } else { format!("{path}.{key}") }, value, keys);
            }
        }
        value => drop(keys.insert(path, value)),
    }
}
