//! Whether a run directory is the one that this sweep began.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::RunError;
use super::workload::Workload;
use focalsweep_core::record::{Manifest, RunDirError, SPEC, blob_sum};
use focalsweep_core::spec::{Monitor, Spec, Stopping, TrainSpec};

/// Keys that may change while a run goes on: where it runs, how it is ranked, when its search ends, what is trained
/// when that is over, and what the search is to have, which may become more (see
/// [`focalsweep_core::plan::Plan::growth`]). `operating_point` may too, once a run is finished, but is in the
/// fingerprint: only a spec that is there says whether it did. What `trainers` say of how trials train has fingerprints
/// of its own.
const MAY_CHANGE: [&str; 9] =
    ["budget", "confirm", "launch", "parameters", "rank", "replicates", "run_cap", "target", "trainers"];
/// What may change when a run is finished.
const POINT: &str = "operating_point";
/// Keys of `data` that say where the rows come from. What rows these are, their fingerprint says.
const WHERE_FROM: [&str; 4] = ["sha256", "source", "synth", "url"];

/// Refuses a run directory of another sweep.
pub(super) fn check_sweep(root: &Path, old: &Spec, new: &Spec) -> Result<(), RunError> {
    let changed = differences(old, new);
    if changed.is_empty() {
        return Ok(());
    }
    let what = format!("another sweep: `{}` differ", changed.join("`, `"));
    Err(RunDirError::Changed { path: root.to_owned(), what }.into())
}

/// Whether two specs are written alike. One that was recorded does not know where its sweep file lay.
pub(super) fn is_alike(old: Option<&Spec>, new: &Spec) -> bool {
    let text = |spec: &Spec| serde_json::to_value(spec).ok();
    old.is_some_and(|old| text(old) == text(new))
}

/// Refuses another sweep than the one of `manifest`, whose sweep.yaml is lost. Gives how it trains: as it is said, or
/// as it was meant before there was `auto`.
pub(super) fn check_fingerprint(root: &Path, manifest: &Manifest, new: &Spec) -> Result<TrainSpec, RunError> {
    for train in [new.train.clone(), new.train.as_before_auto()] {
        let spec = Spec { train: train.clone(), ..new.clone() };
        if manifest.spec_fingerprint == spec_fingerprint(&spec) {
            return Ok(train);
        }
    }
    let what = format!("another sweep (its {SPEC} is damaged, and of this sweep it was not)");
    Err(RunDirError::Changed { path: root.to_owned(), what }.into())
}

/// Fingerprint of what of a sweep must not change while its run goes on.
pub(super) fn spec_fingerprint(spec: &Spec) -> String {
    blob_sum(serde_json::Value::Object(keys(spec)).to_string().as_bytes())
}

/// Refuses other data than the run began with. Of the splits those are compared that both know: the manifest may have
/// those of replicates that are not prepared yet, or lack those of a wave that was just added.
pub(super) fn check_data(root: &Path, manifest: &Manifest, workload: &Workload) -> Result<(), RunError> {
    let (now, splits) = (&workload.source.fingerprint, workload.split_fingerprints());
    let same_splits = manifest.split_fingerprints.iter().zip(&splits).all(|(then, now)| then == now);
    if manifest.data_fingerprint == *now && same_splits {
        return Ok(());
    }
    let what = if manifest.data_fingerprint == *now {
        "other splits of the same data (with `split.by: time` other `replicates` are other windows)".to_owned()
    } else {
        format!("other data (fingerprint {}, now {now})", manifest.data_fingerprint)
    };
    Err(RunDirError::Changed { path: root.to_owned(), what }.into())
}

/// Top-level keys with their values, but for those that may change.
fn keys(spec: &Spec) -> serde_json::Map<String, serde_json::Value> {
    let Ok(serde_json::Value::Object(mut keys)) = serde_json::to_value(spec) else { return serde_json::Map::new() };
    // The others keep their order, which is in the text.
    keys.retain(|key, _| !MAY_CHANGE.contains(&key.as_str()));
    if let Some(serde_json::Value::Object(data)) = keys.get_mut("data") {
        data.retain(|key, _| !WHERE_FROM.contains(&key.as_str()));
    }
    // None is said as it was before there was another default: by nothing.
    if let Some(serde_json::Value::Object(train)) = keys.get_mut("train")
        && spec.train.early_stopping == Stopping::None
    {
        train.remove("early_stopping");
    }
    keys
}

/// Top-level keys in which two specs differ that may not.
fn differences(old: &Spec, new: &Spec) -> Vec<String> {
    // Where it says when a trial stops, training hangs on it.
    let trains_by_it = |spec: &Spec| matches!(&spec.train.early_stopping, Stopping::Rule(rule) if rule.metric == Monitor::ValPartialAuc);
    let fixed = trains_by_it(old) || trains_by_it(new);
    let (old, new) = (keys(old), keys(new));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let may_not = |name: &&String| (fixed || *name != POINT) && old.get(*name) != new.get(*name);
    names.into_iter().filter(may_not).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use focalsweep_core::spec::{self, Devices};

    #[test]
    fn only_what_changes_results_makes_another_sweep() {
        let text = "name: t\ndata: {source: d.csv, label: y}\nparameters: {loss: {value: bce}}\n";
        let old = spec::parse("t", text).unwrap();
        let mut new = old.clone();
        new.launch.devices = Devices::Word("cpu".into());
        new.rank.by = vec!["fn".into()];
        assert!(differences(&old, &new).is_empty());
        new.train.epochs = spec::Epochs::Count(1);
        new.seed += 1;
        assert_eq!(differences(&old, &new), ["seed", "train"]);
        assert_ne!(spec_fingerprint(&old), spec_fingerprint(&new));
        let confirm = Some(spec::ConfirmSpec::default());
        let mut elsewhere = Spec { launch: new.launch.clone(), rank: new.rank.clone(), confirm, ..old.clone() };
        elsewhere.replicates += 1;
        elsewhere.data.source = "elsewhere/d.csv".into();
        assert!(differences(&old, &elsewhere).is_empty());
        assert_eq!(spec_fingerprint(&old), spec_fingerprint(&elsewhere));
        elsewhere.operating_point = spec::OperatingPoint::MinRecall { min_recall: 0.5 };
        assert!(differences(&old, &elsewhere).is_empty());
        let rule = spec::EarlyStopping { metric: Monitor::ValPartialAuc, ..spec::EarlyStopping::default() };
        let mut by_it = old.clone();
        by_it.train.early_stopping = Stopping::Rule(rule);
        let other = Spec { operating_point: elsewhere.operating_point.clone(), ..by_it.clone() };
        assert_eq!(differences(&by_it, &other), ["operating_point"]);
        elsewhere.operating_point = old.operating_point.clone();
        elsewhere.data.drop = vec!["id".into()];
        assert_eq!(differences(&old, &elsewhere), ["data"]);
    }
}
