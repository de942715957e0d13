//! The keys of each part of a sweep file, and the nearest to a misspelt one.

use super::parameters;

pub(super) const ROOT: &[&str] = &[
    "name",
    "data",
    "split",
    "replicates",
    "confirm",
    "seed",
    "model",
    "train",
    "method",
    "run_cap",
    "wave",
    "budget",
    "target",
    "early_terminate",
    "trainers",
    "parameters",
    "operating_point",
    "rank",
    "launch",
    "scores",
];
pub(super) const DATA: &[&str] = &[
    "source",
    "url",
    "sha256",
    "synth",
    "label",
    "positive",
    "weight",
    "csv",
    "types",
    "bad_values",
    "datetime",
    "deduplicate",
    "drop",
    "log",
    "categorical",
    "min_level_count",
    "standardize",
    "clip",
];
pub(super) const CSV: &[&str] =
    &["delimiter", "decimal", "thousands", "quote", "encoding", "comment", "skip_rows", "na_values"];
pub(super) const SYNTH: &[&str] = &["rows", "features", "positives", "seed"];
pub(super) const SPLIT: &[&str] = &[
    "test",
    "validation",
    "stratify",
    "test_rows",
    "calibration",
    "by",
    "group_column",
    "time_column",
    "gap",
    "label_delay",
    "window",
    "new_groups",
    "column",
    "train",
    "folds",
    "repeats",
];
pub(super) const EARLY_TERMINATE: &[&str] = &["type", "min_epochs", "max_epochs", "eta"];
pub(super) const CONFIRM: &[&str] = &["trials", "replicates", "methods"];
pub(super) const MODEL: &[&str] = &["hidden", "activation", "dropout", "initial_bias"];
pub(super) const TRAIN: &[&str] = &[
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "reduction",
    "epsilon",
    "early_stopping",
    "backend",
];
pub(super) const EARLY_STOPPING: &[&str] = &["metric", "goal", "patience", "min_delta", "restore_best_weights"];
pub(super) const DOMAIN: &[&str] = &["value", "values", "min", "max", "count", "distribution"];
/// Of a parameter that a sampler draws.
pub(super) const DRAWN: &[&str] =
    &["value", "values", "probabilities", "min", "max", "count", "distribution", "q", "mu", "sigma", "a", "b"];
pub(super) const OPERATING_POINT: &[&str] =
    &["max_fpr", "confidence", "min_recall", "min_precision", "max_alerts_per_1000", "fn_cost", "fp_cost"];
pub(super) const RANK: &[&str] = &["by", "on", "order", "margin"];
pub(super) const LAUNCH: &[&str] = &["devices", "slots_per_device", "launcher", "slurm"];
pub(super) const SLURM: &[&str] = &[
    "partition",
    "account",
    "qos",
    "time",
    "cpus_per_task",
    "mem",
    "gres",
    "gpus",
    "constraint",
    "array_parallelism",
    "setup",
    "sbatch",
];

pub(super) const TRAINER: &[&str] =
    &["command", "folder", "timeout", "cpus", "gpus", "inputs", "files", "output", "predict", "resumable"];

/// The parts of a file by path, to say where a key that stands in the wrong part belongs.
const PARTS: &[(&str, &[&str])] = &[
    ("", ROOT),
    ("data", DATA),
    ("data.csv", CSV),
    ("data.synth", SYNTH),
    ("split", SPLIT),
    ("confirm", CONFIRM),
    ("early_terminate", EARLY_TERMINATE),
    ("model", MODEL),
    ("train", TRAIN),
    ("train.early_stopping", EARLY_STOPPING),
    ("operating_point", OPERATING_POINT),
    ("rank", RANK),
    ("launch", LAUNCH),
    ("launch.slurm", SLURM),
    ("parameters", parameters::NAMES),
];

/// The path under which `key` is known, if in one part at least; the first one wins.
pub(super) fn home(key: &str) -> Option<String> {
    let (part, _) = PARTS.iter().find(|(_, keys)| keys.contains(&key))?;
    Some(if part.is_empty() { key.to_owned() } else { format!("{part}.{key}") })
}

/// Keys of W&B sweep files that have another name here, or no meaning, and what to do.
const FOREIGN: &[(&str, &str)] = &[
    ("program", "focalsweep trains by itself; a program of your own stands under `trainers`"),
    ("command", "focalsweep trains by itself; a program of your own stands under `trainers`"),
    ("project", "results stand in the run directory: take it out"),
    ("entity", "results stand in the run directory: take it out"),
    ("description", "write it as a comment, `# …`"),
    ("metric", "`rank: {by: [auc, op_fn]}` ranks, `train.early_stopping.metric` stops"),
    ("scale", "write `distribution: log_uniform_values` where factors are to be equal"),
];

/// Words of other programs that are no near misses.
const ALIASES: &[(&str, &str)] = &[
    ("steps", "count"),
    ("num", "count"),
    ("file", "source"),
    ("target", "label"),
    ("min_iter", "min_epochs"),
    ("max_iter", "max_epochs"),
    ("min_resource", "min_epochs"),
    ("max_resource", "max_epochs"),
    ("reduction_factor", "eta"),
];

/// What to do about a key of another program.
pub(super) fn foreign(key: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(name, _)| *name == key).map(|(_, what)| *what)
}

/// The known word nearest to `word`, if it is near enough to be meant.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase().replace('-', "_");
    let alias = ALIASES.iter().find(|(other, ours)| *other == word && known.contains(ours)).map(|(_, ours)| ours);
    if let Some(known) = known.iter().find(|candidate| alias == Some(candidate)) {
        return Some(known);
    }
    let far = word.chars().count().div_ceil(3);
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= far)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether setting `new` under `parent` takes the place of `old`: forms of which a mapping can have one only.
pub(super) fn are_rivals(parent: &str, old: &str, new: &str) -> bool {
    let groups: &[&[&str]] = if parent == "launch.slurm" {
        &[&["gres"], &["gpus"]]
    } else if parent == "split" {
        &[&["test", "test_rows"], &["folds", "repeats"]]
    } else if parent == "operating_point" {
        &[
            &["max_fpr", "confidence"],
            &["min_recall"],
            &["min_precision"],
            &["max_alerts_per_1000"],
            &["fn_cost", "fp_cost"],
        ]
    } else if parent.starts_with("parameters.") {
        &[
            &["value"],
            &["values", "probabilities"],
            &["min", "max", "count", "distribution", "q", "mu", "sigma", "a", "b"],
        ]
    } else {
        return false;
    };
    let group = |key: &str| groups.iter().position(|group| group.contains(&key));
    matches!((group(old), group(new)), (Some(a), Some(b)) if a != b)
}
