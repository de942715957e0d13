//! Whether a run directory is the one that this sweep began.

use std::collections::BTreeSet;
use std::path::Path;

use super::error::RunError;
use super::workload::Workload;
use focalsweep_core::record::{Manifest, RunDirError, SPEC, blob_sum};
use focalsweep_core::spec::{Spec, Stopping, TrainSpec};

/// Keys that may change while a run goes on: where it runs, how it is ranked, and what is trained when its search is
/// over.
const MAY_CHANGE: [&str; 3] = ["confirm", "launch", "rank"];

/// Refuses a run directory of another sweep.
pub(super) fn check_sweep(root: &Path, old: &Spec, new: &Spec) -> Result<(), RunError> {
    let changed = differences(old, new);
    if changed.is_empty() {
        return Ok(());
    }
    let what = format!("another sweep: `{}` differ", changed.join("`, `"));
    Err(RunDirError::Changed { path: root.to_owned(), what }.into())
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
    let mut keys = keys(spec);
    // As it was written before there was another default.
    if spec.train.early_stopping == Stopping::None
        && let Some(train) = keys.get_mut("train").and_then(serde_json::Value::as_object_mut)
    {
        train.remove("early_stopping");
    }
    // The others keep their order, which is in the text.
    keys.retain(|key, _| !MAY_CHANGE.contains(&key.as_str()));
    blob_sum(serde_json::Value::Object(keys).to_string().as_bytes())
}

/// Refuses other data than the run began with. Of the splits those are compared that both know: the manifest may have
/// those of replicates that are not prepared yet, or lack those of a wave that was just added.
pub(super) fn check_data(root: &Path, manifest: &Manifest, workload: &Workload) -> Result<(), RunError> {
    let (now, splits) = (&workload.source.fingerprint, workload.split_fingerprints());
    let same_splits = manifest.split_fingerprints.iter().zip(&splits).all(|(then, now)| then == now);
    if manifest.data_fingerprint == *now && same_splits {
        return Ok(());
    }
    let what = format!("other data (fingerprint {}, now {now})", manifest.data_fingerprint);
    Err(RunDirError::Changed { path: root.to_owned(), what }.into())
}

/// Top-level keys with their values.
fn keys(spec: &Spec) -> serde_json::Map<String, serde_json::Value> {
    match serde_json::to_value(spec) {
        Ok(serde_json::Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    }
}

/// Top-level keys in which two specs differ, but for those that may change. Where the source lies is none of them: the
/// data have a fingerprint.
fn differences(old: &Spec, new: &Spec) -> Vec<String> {
    let (old, mut new) = (keys(old), keys(new));
    if let (Some(then), Some(now)) = (old.get("data"), new.get_mut("data"))
        && then["source"].is_string()
    {
        now["source"] = then["source"].clone();
    }
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter(|name| !MAY_CHANGE.contains(&name.as_str()) && old.get(*name) != new.get(*name))
        .cloned()
        .collect()
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
        let elsewhere = Spec { launch: new.launch.clone(), rank: new.rank.clone(), confirm, ..old.clone() };
        assert!(differences(&old, &elsewhere).is_empty());
        assert_eq!(spec_fingerprint(&old), spec_fingerprint(&elsewhere));
    }
}
