//! A table of bad files, each with its exact messages (snapshots/…bad_files.snap).

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::super::{Origin, parse};
use super::read;

const BASE: [(&str, &str); 3] = [
    ("name", "name: a"),
    ("data", "data: {source: a.csv, label: y}"),
    ("parameters", "parameters: {loss: {value: focal}}"),
];

/// Bad fragments: the lines of [`BASE`] that a fragment does not have itself come before it.
const FRAGMENTS: &[&str] = &[
    // Keys.
    "train: {epoch: 5}",
    "train: {epochs: 5, epochss: 6}",
    "epochs: 5",
    "model: {learning_rate: 0.1}",
    "zebra: 1",
    "nmae: a\nname_: b",
    "paramters: {alpha: {value: 2}}\nparameters_: 1",
    "train: {epochs: 5, epochs: 6}",
    "data: {source: a.csv, label: y, log: {a: 1, a: 2}}",
    "train: {early_terminate: {type: hyperband}}",
    "early_terminate: {type: asha, max_iter: 81}",
    "metric: {name: val_auc}",
    // Missing keys.
    "data: {label: y}",
    "data: {sorce: a.csv}",
    "data: {source: a.csv, label: y, synth: {rows: 10}}",
    // Wrong types.
    "train: 5",
    "train:",
    "train: [1, 2]",
    "train: {epochs: many}",
    "train: {epochs: '5'}",
    "train: {epochs: 5.5}",
    "train: {epochs:}",
    "train: {epochs: null}",
    "train: {batch_size: 2_048}",
    "train: {learning_rate: fast}",
    "train: {learning_rate: .nan}",
    "train: {learning_rate: [0.1]}",
    "split: {stratify: yes}",
    "split: {stratify: maybe}",
    "data: {source: [a], label: {b: c}}",
    "data: {source: a.csv, label: y, drop: Time}",
    "data: {source: a.csv, label: y, log: [Amount]}",
    "data: {source: a.csv, label: y, positive: [1]}",
    "seed: -1",
    "seed: 18446744073709551616",
    // Numbers out of range.
    "replicates: 0",
    "train: {epochs: 0, batch_size: 0, learning_rate: 0, weight_decay: -1, epsilon: 0.5}",
    "train: {early_stopping: {patience: 0, min_delta: -1e-3}}",
    "model: {dropout: 1}",
    "model: {hidden: [16, 0, -3]}",
    "model: {hidden: 16}",
    "model: {hidden: [100000]}",
    "model: {initial_bias: pior}",
    "model: {initial_bias: .inf}",
    "split: {test: 0.6, validation: 0.4}",
    "split: {test: 0}",
    "split: {test: 0.5, validation: 0.25, calibration: 0.25}",
    "split: {test_rows: fix, calibration: 1}",
    "split: {by: grup}",
    "split: {by: [time, random]}",
    "split: {by: group, group_colum: card}",
    "split: {group_column: card}",
    "split: {time_column: when, gap: 7d}",
    "split: {by: time, time_column: when, gap: 7 days, label_delay: -1, window: 0, stratify: true}",
    "split: {by: time, time_column: when, gap: 6d, label_delay: 1w}",
    "split: {by: time, time_column: when, gap: 6, label_delay: 1w, new_groups: true}",
    "split: {by: [time, group], time_column: when}",
    "split: {by: column, column: part, train: train, validation: [], stratify: true}",
    "split: {by: column, column: part, train: [a, b, a], validation: [b], test: [0.2]}",
    "split: {by: column, column: part, train: [a], test: 0.2}",
    "split: {by: column, column: part, train: [a], validation: 1.5, test: [b]}",
    "split: {by: column, column: part, train: [a], validation: [b], test: [c], stratify: false}",
    "split: {folds: 1, repeats: 0}",
    "split: {repeats: 2}",
    "split: {folds: 5, test: 0.2, test_rows: redraw}",
    "split: {folds: 2, validation: 0.5}",
    "split: {folds: 200, repeats: 100}",
    "split: {by: group, group_column: card, calibration: 0.1}",
    "split: {by: time, time_column: when, folds: 5}",
    "split: {folds: 5, repeats: 2}\nreplicates: 3\nconfirm: {replicates: 7}",
    "data: {source: a.csv, label: y, clip: 0, min_level_count: -1, log: {Amount: -1}}",
    "data: {source: a.csv, label: y, synth: {rows: 10, features: 2, positives: 10}}",
    "operating_point: {max_fpr: 1}",
    "operating_point: {min_recall: 0}",
    "operating_point: {fn_cost: 0, fp_cost: -1}",
    "operating_point: {max_alerts_per_1000: 0}",
    "operating_point: {max_alerts_per_1000: 1001}",
    "operating_point: {max_fpr: 0.01, confidence: 0.5}",
    // Text with a form.
    "name: my sweep",
    "name: ../../etc",
    "name: ''",
    "data: {source: a.xlsx, label: y}",
    "data: {source: a.csv, label: y, url: 'https://example.org/a.csv'}",
    "data: {source: a.csv, label: y, url: 'ftp://example.org/a.csv', sha256: abc}",
    "data: {source: a.csv, label: y, sha256: 'zz74b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89a'}",
    "data: {source: a.csv, label: y, csv: {delimiter: ab, decimal: ';', quote: a, comment: x, skip_rows: -1}}",
    "data: {source: a.csv, label: y, csv: {delimiter: ';', quote: ';', thousands: '.', encoding: utf8, na_values: x}}",
    "data: {source: a.csv, label: y, csv: {decimal: ',', thousands: ',', delimeter: ';'}}",
    "data: {source: a.csv, label: y, weight: [w]}",
    "data: {source: a.csv, label: y, weight: y}",
    "data: {source: a.csv, label: y, weight: w, drop: [w], types: {w: category}}",
    "data: {source: a.csv, label: y, weight: w, types: {w: category}}",
    "data: {source: a.csv, label: y, weight: w, log: {w: 1}}",
    "data: {source: a.csv, label: y, weight: w}\noperating_point: {max_fpr: 0.01, confidence: 0.95}\n\
     parameters: [{sampling: {values: [none, smote]}}, {correction: {value: platt}}, {trainer: {value: t}}]\n\
     trainers: {t: {command: [x]}}",
    "data: {source: a.csv, label: y, types: {y: ignore, a: numbr, b: category, c: number, d: number}, drop: [d], \
     log: {b: 1}, categorical: [c]}",
    "data: {source: a.csv, label: y, datetime: {y: [hour], a: [], b: [hour, hour, minute], c: [hour]}, \
     types: {c: number}, bad_values: ignore, deduplicate: 1}",
    // Words.
    "model: {activation: rellu}",
    "model: {activation: gelu}",
    "train: {optimizer: Adam}",
    "train: {reduction: [sum]}",
    "method: hyperopt",
    "method: bayes",
    "method: gird",
    "launch: {launcher: slrum}",
    "launch: {slurm: {partiton: gpu, gres: gpu:1, gpus: 2, time: soon, mem: 8 GB, cpus_per_task: 0}}",
    "launch: {slurm: {array_parallelism: many, setup: module load cuda, sbatch: [--array=1, -J x, exclude=n7]}}",
    "launch: {slurm: {sbatch: [--arr=1, --outp=x, --wra=x, -ofile, -Ho/tmp/x, --mail-user x@y]}}",
    "launch: {slurm: {constraint: 'a b', account: '$HOME', gpus: a100, sbatch: ['--comment=\"x']}}",
    "launch: {launcher: kubernetes}",
    "launch: {devices: gpu}",
    "launch: {devices: 'cuda:0,cuda:1'}",
    "launch: {devices: [auto]}",
    "launch: {devices: [cpu, cuda:x, cpu]}",
    "launch: {devices: []}",
    "scores: most",
    "rank: {by: [val_auc, f11, speed, auc, auc], on: train}",
    "rank: {by: auc}",
    "rank: {by: []}",
    "rank: {by: [cost, fn]}",
    // Rules between keys.
    "train: {early_stopping: {metric: val_auc, goal: minimize}}",
    "train: {early_stopping: {metric: val_loss, goal: maximize}}",
    "operating_point: {max_fpr: 0.1, min_recall: 0.9}",
    "operating_point: {fn_cost: 10}",
    "operating_point: {}",
    "operating_point: {maxfpr: 0.1}",
    "operating_point: {confidence: 0.95}",
    "operating_point: {min_recall: 0.9, confidence: 0.95}",
    "operating_point: {max_alerts_per_1000: 5, fn_cost: 10}",
    "operating_point: {max_alerts: 5}",
    "data: {source: a.csv, label: y, drop: [y, b], log: {y: 0, b: 1, c: 1}, categorical: [c, y]}",
    "data: {source: a.csv, label: y, url: 'http://b/a.csv', \
     sha256: 76274b691b16a6c49d3f159c883398e03ccd6d1ee12d9d8ee38f4b4b98551a89, \
     synth: {rows: 9, features: 1, positives: 1}}",
    // Parameters.
    "parameters: 5",
    "parameters: []",
    "parameters: [{alpha: 3}, 4]",
    "parameters: {loss: focal}",
    "parameters: {loss: {value: focal}, alpha: 0.25, gamma: [1, 2], hidden: [16], dropout: }",
    "parameters: {hidden: [[16], [32]]}",
    "parameters: {hidden: {value: 16}}",
    "parameters: {loss: {value: focl}}",
    "parameters: {loss: {value: focal}, alpha: {values: []}}",
    "parameters: {loss: {value: focal}, alpha: {values: 0.5}}",
    "parameters: {loss: {value: focal}, alpha: {values: [0, 0.5, 1, 0.5]}}",
    "parameters: {loss: {value: focal}, alpha: {value: 0.5, values: [0.5]}}",
    "parameters: {loss: {value: focal}, alpha: {value: 0.5, min: 0.1}}",
    "parameters: {loss: {value: focal}, alpha: {}}",
    "parameters: {loss: {value: focal}, alpha: {valeu: 0.5}}",
    "parameters: {loss: {value: focal}, alpha: {min: 0.1, max: 0.4}}",
    "parameters: {loss: {value: focal}, alpha: {min: 0.4, max: 0.1, count: 4}}",
    "parameters: {loss: {value: focal}, alpha: {min: 0.1, max: 0.4, count: 1}}",
    "parameters: {loss: {value: focal}, alpha: {min: 0, max: 1, count: 5}}",
    "parameters: {loss: {value: focal}, gamma: {min: -1, max: 4, count: 5}}",
    "parameters: {batch_size: {min: 8, max: 15, count: 3}}",
    "parameters: {loss: {min: 1, max: 2, count: 2}}",
    "parameters: {initial_bias: {min: prior, max: 2, count: 2}}",
    "parameters: {loss: {value: focal}, alpha: {min: 0.1, max: 0.4, distribution: uniform}}",
    "parameters: {learning_rate: {min: 1e-5, max: 0.1, distribution: log_uniform_values}}",
    "parameters: {alpha: {value: 0.5}}",
    "parameters: {loss: {value: bce}, gamma: {value: 2}, pos_weight: {value: 2}}",
    "parameters: {loss: {values: [focal, bce]}, pos_weight: {value: 2}}",
    "parameters: {loss: {value: weighted_bce}, pos_weight: {value: 2}, pos_weight_rule: {value: ratio}}",
    "parameters: {loss: {value: weighted_bce}, pos_weight_rule: {values: [ratio, sqrt]}, beta: {value: 1}}",
    "parameters: {loss: {value: weighted_bce}, pos_weight_rule: {value: ratio}, beta: {value: 0.9}}",
    "parameters: {loss: {value: weighted_bce}, beta: {value: 0.9}, margin: {value: 0.1}}",
    "parameters: {sampling: {values: [none, smote]}, correction: {values: [none, prior]}}",
    "parameters: {sampling_ratio: {value: 0.5}, correction: {value: prior}, batching: {value: strat}}",
    "parameters: {sampling: {value: oversample}, sampling_ratio: {value: 2}, label_smoothing: {value: 1}}",
    "parameters: {alhpa: {value: 0.5}, temperature: {value: 1}}",
    "parameters:\n- loss: {value: focal}\n  alpha: {value: 2}\n- loss: {value: bce}\n  gamma: {value: 2}\n",
    "data: {source: \"a\\nb\", label: y, \"x\\ny\": 1}",
    // YAML.
    "train: {epochs: 5",
    "train: {epochs: 5]]",
    "train:\n\tepochs: 5",
    "train:\n  epochs: 5\n seed: 1",
    "train: &t {epochs: 5}\nsplit:\n  <<: *t",
    "train: {<<: [5], epochs: 0}",
    "train: {'<<': {epochs: 5}}",
    "train: *t",
    "train: &t {epochs: *t}",
    "seed: !!int 5.5",
    "name: !secret a\nseed: !!bool yes\nmodel: !!set {dropout: 0}",
    "train: {early_stopping: [1]}",
    "train: {early_stopping: off}",
    "train: {early_stopping: false}",
    "train: {early_stopping: val_auc}",
    "train: {early_stopping: non, epochs: auot}",
    "operating_point: {min_precision: 0}",
    "operating_point: {min_precision: 0.5, min_recall: 0.5}",
    // W&B.
    "program: train.py\nproject: p\nrun_cap: 20\nmetric: {name: val_auc, goal: maximize}\nmethod: random",
    "parameters: {loss: {value: focal}, gamma: {distribution: q_uniform, min: 0, max: 4, q: 0.5}, \
     alpha: {distribution: categorical, values: [0.25, 0.75]}, \
     learning_rate: {distribution: constant, value: 1e-3}}",
    "parameters: {batch_size: {distribution: int_uniform, min: 2, max: 8}, \
     learning_rate: {distribution: log_uniform, min: -9, max: -2}, dropout: {distribution: normal, mu: 0, sigma: 1}, \
     weight_decay: {distribution: log_unifrom_values, min: 1, max: 2}, initial_bias: {distribution: [1]}}",
    "parameters: {learning_rate: {min: 1e-4, max: 1e-1, count: 4, scale: log}}",
    "parameters: {learning_rate: {min: 1e-4, max: 1e-1, steps: 4, distribution: log_uniform_values}}",
    "parameters: {weight_decay: {min: 0, max: 1e-1, count: 4, distribution: log_uniform_values}}",
    "parameters: {batch_size: {min: 8, max: 16, count: 3, distribution: log_uniform_values}}",
    "parameters: {learning_rate: {value: 1, distribution: log_uniform_values}}",
    "? [a, b]\n: 1",
    "---\nname: b",
    "model: {hidden: \"16}",
    "seed: @1",
];

/// Whole files.
const FILES: &[&str] = &["", "# nothing\n", "42", "- name: a", "name: a", "null\n", "{}"];

fn file(fragment: &str) -> String {
    let has = |key: &str| fragment.lines().any(|line| line.starts_with(&format!("{key}:")));
    let base: Vec<&str> = BASE.iter().filter(|(key, _)| !has(key)).map(|(_, line)| *line).collect();
    format!("{}\n{fragment}\n", base.join("\n")).trim_start().to_owned()
}

#[test]
fn bad_files() {
    let mut told = String::new();
    let fragments = FRAGMENTS.iter().map(|fragment| (*fragment, file(fragment)));
    for (shown, text) in fragments.chain(FILES.iter().map(|text| (*text, (*text).to_owned()))) {
        let faults = read(&text, &[]).expect_err(shown);
        told += &format!("{}\n    {}\n", shown.trim_end(), faults.join("\n    "));
    }
    insta::assert_snapshot!(told);
}

const SEVERAL: &str = "\
name: a
data:
  source: a.csv
  lable: y
train:
  epochs: many   # é
  early_stopping: {patience: 0}
parameters:
  loss: {value: focal}
  alpha: {min: 0.1, max: 1.4, count: 7}
";

#[test]
fn all_faults_are_shown_at_once_under_their_lines() {
    let overrides = [("seed".to_owned(), "x".to_owned())];
    let faults = super::super::parse_with("sweep.yaml", SEVERAL, &overrides).unwrap_err();
    let mut shown = String::new();
    let handler =
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100).with_links(false);
    handler.render_report(&mut shown, &faults).unwrap();
    insta::assert_snapshot!(shown);
}

/// The bytes of a fault are those of the word that is told.
#[test]
fn spans_are_those_of_the_faulty_words() {
    let faults = parse("sweep.yaml", SEVERAL).unwrap_err();
    let words: Vec<&str> = faults
        .faults()
        .iter()
        .filter_map(|fault| match &fault.origin {
            Origin::File { span, .. } => SEVERAL.get(span.clone()),
            Origin::Override(_) | Origin::Option(_) => None,
        })
        .collect();
    assert_eq!(words, ["lable", "many", "0", "1.4"]);
}
