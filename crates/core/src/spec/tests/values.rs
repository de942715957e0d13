//! What good files mean.

use std::path::PathBuf;

use super::super::{
    ConfirmSpec, Devices, Domain, EarlyStopping, Epochs, Folds, Goal, InitialBias, KnownGroups, Loss, Monitor,
    OperatingPoint, Order, Parameters, Scalar, Scores, Span, Spec, SplitBy, SplitSpec, Stopping, TestRows, TrainSpec,
    parse_in, parse_recorded, to_yaml,
};
use super::{LEAST, read};

fn good(text: &str) -> Spec {
    read(text, &[]).unwrap()
}

#[test]
fn the_least_file_has_the_documented_defaults() {
    let spec = good(LEAST);
    let split = SplitSpec {
        by: SplitBy::Random,
        test: 0.2,
        validation: 0.16,
        stratify: true,
        test_rows: TestRows::Fixed,
        calibration: None,
        folds: None,
    };
    assert_eq!(spec.split, split);
    assert_eq!((spec.replicates, spec.confirm, spec.seed, spec.scores), (1, None, 0, None));
    assert_eq!((spec.model.hidden.as_slice(), spec.model.dropout), (&[16][..], 0.5));
    assert_eq!(spec.model.initial_bias, InitialBias::Prior);
    assert_eq!((spec.train.epochs, spec.train.batch_size, spec.train.learning_rate), (Epochs::Auto, 2048, 1e-3));
    assert_eq!(spec.train.early_stopping, Stopping::Auto);
    assert_eq!(spec.operating_point, OperatingPoint::MaxFpr { max_fpr: 0.01, confidence: None });
    assert_eq!((spec.rank.order, &spec.rank.by[..]), (Order::Keys, &["auc".to_owned(), "op_fn".to_owned()][..]));
    assert_eq!((spec.data.min_level_count, spec.data.standardize), (20, true));
    assert_eq!(spec.launch.devices, Devices::Word("auto".into()));
}

#[test]
fn cost_ranks_where_there_are_costs() {
    let spec = good(&format!("{LEAST}\noperating_point: {{fn_cost: 9, fp_cost: 1}}\nrank: {{by: [cost]}}\n"));
    assert_eq!(spec.rank.by, ["cost"]);
}

#[test]
fn a_rate_of_false_alarms_may_be_guaranteed() {
    let sure = [("operating_point.max_fpr", "0.001"), ("operating_point.confidence", "0.95")];
    let read_with = |more: &[(&str, &str)]| read(LEAST, &[&sure, more].concat()).unwrap().operating_point;
    assert_eq!(read_with(&[]), OperatingPoint::MaxFpr { max_fpr: 0.001, confidence: Some(0.95) });
    let plain = OperatingPoint::MaxFpr { max_fpr: 0.001, confidence: None };
    assert_eq!(read_with(&[("operating_point.confidence", "null")]), plain);
    let other = [("operating_point.min_recall", "0.9")];
    assert_eq!(read_with(&other), OperatingPoint::MinRecall { min_recall: 0.9 }, "another rule takes its place");
}

#[test]
fn every_key_is_read() {
    let digest = "AB".repeat(32);
    let spec = good(&format!(
        "
name: a
data:
  source: d/a.csv.gz
  url: http://localhost/a.csv.gz
  sha256: {digest}
  label: y
  positive: '1'
  drop: [id, 7]
  log: {{Amount: 0.001, V: 1}}
  categorical: [zip]
  min_level_count: 5
  standardize: false
  clip: 5
split: {{test: 0.25, validation: .25, stratify: false, test_rows: redraw, calibration: 0.1}}
replicates: 3
confirm: {{trials: 2, replicates: 20}}
seed: 18446744073709551615
model: {{hidden: [], activation: tanh, dropout: 0, initial_bias: -4.5}}
train:
  epochs: 1e2
  batch_size: 64
  optimizer: adamw
  learning_rate: 1e-4
  weight_decay: 0.01
  reduction: mean
  epsilon: 1e-7
  early_stopping: {{metric: val_loss, patience: 3, min_delta: 1e-4, restore_best_weights: false}}
method: grid
parameters:
- loss: {{value: weighted_bce}}
  pos_weight: {{values: [1, 10.5]}}
  hidden: {{values: [[], [32, 16]]}}
  batch_size: {{min: 256, max: 1024, count: 4}}
- {{}}
operating_point: {{fn_cost: 100, fp_cost: 1}}
rank: {{by: [op_recall], on: test}}
launch: {{devices: [cpu, cuda:0], launcher: local}}
scores: none
"
    ));
    assert_eq!(spec.data.source, PathBuf::from("d/a.csv.gz"));
    assert_eq!(spec.data.sha256, Some(digest.to_lowercase()));
    assert_eq!(spec.data.positive, Some(Scalar::Text("1".into())));
    assert_eq!(spec.data.drop, ["id", "7"]);
    assert_eq!(spec.data.log.get("Amount"), Some(&0.001));
    assert_eq!(spec.data.clip, Some(5.0));
    let split = SplitSpec {
        test: 0.25,
        validation: 0.25,
        stratify: false,
        test_rows: TestRows::Redraw,
        calibration: Some(0.1),
        ..SplitSpec::default()
    };
    assert_eq!(spec.split, split);
    assert_eq!(spec.confirm, Some(ConfirmSpec { trials: 2, replicates: 20, methods: false }));
    assert_eq!(spec.seed, u64::MAX);
    assert_eq!(spec.model.initial_bias, InitialBias::Value(-4.5));
    assert_eq!(
        (spec.train.epochs, spec.train.learning_rate, spec.train.epsilon),
        (Epochs::Count(100), 1e-4, Some(1e-7))
    );
    let stopping = EarlyStopping {
        metric: Monitor::ValLoss,
        goal: Goal::Minimize,
        patience: 3,
        min_delta: 1e-4,
        restore_best_weights: false,
    };
    assert_eq!(spec.train.early_stopping, Stopping::Rule(stopping));
    let [weighted, plain] = spec.parameters.spaces() else { panic!("two spaces") };
    assert_eq!(weighted.loss, Some(Domain::Value { value: Loss::WeightedBce }));
    assert_eq!(weighted.pos_weight, Some(Domain::Values { values: vec![1.0, 10.5], probabilities: None }));
    assert_eq!(weighted.hidden, Some(Domain::Values { values: vec![vec![], vec![32, 16]], probabilities: None }));
    assert_eq!(weighted.batch_size.as_ref().map(Domain::expand), Some(vec![256, 512, 768, 1024]));
    assert_eq!(plain, &Default::default());
    assert_eq!(spec.operating_point, OperatingPoint::Cost { fn_cost: 100.0, fp_cost: 1.0 });
    assert_eq!(spec.launch.devices, Devices::List(vec!["cpu".into(), "cuda:0".into()]));
    assert_eq!(spec.scores, Some(Scores::None));
}

#[test]
fn confirm_has_defaults_and_null_takes_it_away() {
    let with = |value: &str| read(LEAST, &[("confirm", value)]).map(|spec| spec.confirm);
    assert_eq!(with("{}"), Ok(Some(ConfirmSpec { trials: 3, replicates: 10, methods: false })));
    let methods = ConfirmSpec { trials: 1, replicates: 10, methods: true };
    assert_eq!(with("{trials: 1, methods: true}"), Ok(Some(methods)));
    assert_eq!(with("null"), Ok(None));
    let one = read(LEAST, &[("confirm.replicates", "5")]).unwrap().confirm;
    assert_eq!(one, Some(ConfirmSpec { trials: 3, replicates: 5, methods: false }));
    for (value, expected) in [
        ("{trials: 0}", "confirm.trials: found `0`, expected a whole number of at least 1"),
        ("{trials: 51}", "confirm.trials: found `51`, expected a whole number of at most 50"),
        ("{replicates: 1}", "confirm.replicates: found `1`, expected a whole number of at least 2"),
        ("{replicates: 1001}", "confirm.replicates: found `1001`, expected a whole number of at most 1000"),
    ] {
        let told = with(value).unwrap_err().concat();
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn positive_keeps_the_scalar_as_written() {
    for (written, expected) in [
        ("1", Scalar::Int(1)),
        ("1.0", Scalar::Float(1.0)),
        ("true", Scalar::Bool(true)),
        ("'true'", Scalar::Text("true".into())),
        ("yes", Scalar::Text("yes".into())),
        ("dead", Scalar::Text("dead".into())),
        ("99999999999999999999", Scalar::Float(1e20)),
    ] {
        assert_eq!(read(LEAST, &[("data.positive", written)]).unwrap().data.positive, Some(expected), "{written}");
    }
}

#[test]
fn anchors_name_plain_nodes() {
    let spec = good("name: a\ndata: {source: a.csv, label: y}\nparameters:\n- loss: &l {value: focal}\n- loss: *l\n");
    let Parameters::Union(spaces) = &spec.parameters else { panic!("a list") };
    assert_eq!(spaces[0], spaces[1]);
}

#[test]
fn byte_order_mark_and_windows_line_ends_are_read() {
    let windows = format!("\u{feff}{}", LEAST.replace('\n', "\r\n"));
    assert_eq!(good(&windows), good(LEAST));
}

#[test]
fn columns_count_characters_and_lines_any_line_end() {
    let lines = read("# é\r\nname: 'é'\r\ndata: {source: é.csv, label: y, clip: 0}\r\nparameters: {}\r\n", &[]);
    assert_eq!(lines.unwrap_err(), ["sweep.yaml:3:39: data.clip: found `0`, expected a number above 0"]);
}

#[test]
fn epochs_and_early_stopping_have_words() {
    let train = |text: &str| read(LEAST, &[("train", text)]).unwrap().train;
    assert_eq!(train("{epochs: auto, early_stopping: auto}"), TrainSpec::default());
    for none in ["none", "null", "~"] {
        assert_eq!(train(&format!("{{early_stopping: {none}}}")).early_stopping, Stopping::None, "{none}");
    }
    let rule = train("{early_stopping: {metric: val_average_precision, patience: 3}}").early_stopping;
    let expected = EarlyStopping { metric: Monitor::ValAveragePrecision, patience: 3, ..EarlyStopping::default() };
    assert_eq!(rule, Stopping::Rule(expected));
    let partial = "{early_stopping: {metric: val_partial_auc}}";
    assert!(matches!(train(partial).early_stopping, Stopping::Rule(rule) if rule.metric == Monitor::ValPartialAuc));
    let costs = [("train", partial), ("operating_point", "{fn_cost: 10, fp_cost: 1}")];
    let error = read(LEAST, &costs).unwrap_err().join("\n");
    assert!(
        error.contains("`early_stopping.metric: val_partial_auc` needs an operating point of `max_fpr`"),
        "{error}"
    );
}

/// A run of before there was `auto` wrote neither word, and meant none.
#[test]
fn what_a_run_recorded_before_auto_is_read_as_it_was_meant() {
    let recorded = format!("{LEAST}train: {{epochs: 100}}\n");
    let then = parse_recorded("sweep.yaml", &recorded).unwrap();
    assert_eq!(then.train.early_stopping, Stopping::None);
    assert_eq!(good(&recorded).train.early_stopping, Stopping::Auto, "somebody who writes that now means `auto`");
    assert_eq!(good(LEAST).train.as_before_auto(), then.train);
    let said = good(&format!("{LEAST}train: {{epochs: 7, early_stopping: {{}}}}\n")).train;
    assert_eq!(said.as_before_auto(), said, "what is said stays");
    let again = parse_recorded("sweep.yaml", &to_yaml(&good(LEAST)).unwrap()).unwrap();
    assert_eq!(again.train, TrainSpec::default(), "now both words are written");
}

#[test]
fn tags_of_the_core_schema_are_taken() {
    let spec = good(
        "!!map\nname: !!str 5\ndata: {source: a.csv, label: ! 7}\nseed: !!int '3'\n\
         split: {stratify: !!bool false}\ntrain: {learning_rate: !!float 1, epsilon: !!null ~}\n\
         model: {hidden: !!seq [!!int 8]}\nparameters: {}\n",
    );
    assert_eq!((spec.name.as_str(), spec.data.label.as_str(), spec.seed), ("5", "7", 3));
    assert_eq!((spec.split.stratify, spec.train.learning_rate, spec.train.epsilon), (false, 1.0, None));
    assert_eq!(spec.model.hidden, [8]);
}

#[test]
fn merge_keys_merge() {
    let spec = good(
        "name: a\ndata: {source: a.csv, label: y}\nparameters:\n- &focal\n  loss: {value: focal}\n\
         \x20 alpha: {values: [0.25, 0.75]}\n- &more\n  <<: *focal\n  gamma: {value: 1}\n\
         - gamma: {value: 3}\n  <<: [*more, {dropout: {value: 0}, alpha: {value: 0.5}}]\n",
    );
    let [first, second, third] = spec.parameters.spaces() else { panic!("three spaces") };
    assert_eq!((&second.loss, &second.alpha), (&first.loss, &first.alpha));
    assert_eq!(second.gamma, Some(Domain::Value { value: 1.0 }));
    assert_eq!((&third.loss, &third.alpha), (&first.loss, &first.alpha), "the first mapping has the word");
    assert_eq!(third.gamma, Some(Domain::Value { value: 3.0 }), "its own keys come first, wherever they stand");
    assert_eq!(third.dropout, Some(Domain::Value { value: 0.0 }));
}

#[test]
fn ranges_by_equal_factors() {
    let range = "{min: 1e-4, max: 1e-1, count: 4, distribution: log_uniform_values}";
    let spec = read(LEAST, &[("parameters.learning_rate", range)]).unwrap();
    let domain = spec.parameters.spaces()[0].learning_rate.as_ref().unwrap();
    assert_eq!(domain.expand(), [1e-4, 1e-3, 1e-2, 1e-1]);
    let whole = "{min: 32, max: 512, count: 5, distribution: log_uniform_values}";
    let spec = read(LEAST, &[("parameters.batch_size", whole)]).unwrap();
    assert_eq!(spec.parameters.spaces()[0].batch_size.as_ref().unwrap().expand(), [32, 64, 128, 256, 512]);
}

#[test]
fn variables_of_the_environment() {
    let variables = |name: &str| (name == "DIR").then(|| "/data".to_owned());
    let text = "name: a\ndata: {source: '${DIR}/a.csv', label: y, drop: ['$${DIR}', '${NO:-id}']}\nseed: ${SEED:-4}\n\
                launch: {slurm: {setup: ['cd ${DIR}'], account: '${DIR:-x}'}}\nparameters: {}\n";
    let spec = parse_in(&variables, "sweep.yaml", text, &[]).unwrap();
    assert_eq!(spec.data.source, PathBuf::from("/data/a.csv"));
    assert_eq!((spec.data.drop.as_slice(), spec.seed), (&["${DIR}".to_owned(), "id".to_owned()][..], 4));
    assert_eq!(spec.launch.slurm.as_ref().unwrap().setup, ["cd ${DIR}"], "shell is the shell's");
    let again = parse_in(&variables, "sweep.yaml", &to_yaml(&spec).unwrap(), &[]).unwrap();
    assert_eq!(again, spec, "what was recorded has no references");
    let text = "name: a\ndata: {source: '${NO}/a.txt', label: y}\nseed: ${NO}\nparameters: {}\n";
    let overrides = [("replicates".to_owned(), "${NO}".to_owned())];
    let faults = parse_in(&variables, "sweep.yaml", text, &overrides).unwrap_err();
    let told: Vec<&str> = faults.faults().iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(told, ["data.source", "seed", "replicates"], "each once: {:?}", faults.lines().collect::<Vec<_>>());
    assert!(faults.lines().all(|line| line.contains("no variable `NO`")));
}

#[test]
fn each_way_to_split_is_read() {
    let split = |text: &str| read(LEAST, &[("split", text)]).unwrap().split;
    let by = |text: &str| split(text).by;
    assert_eq!(by("{by: random}"), SplitBy::Random);
    assert_eq!(by("{by: [group], group_column: 7}"), SplitBy::Group { column: "7".into() });
    let span = |text: &str| Span::parse(text);
    let time = |groups| SplitBy::Time { column: "t".into(), gap: None, label_delay: span("3d"), window: None, groups };
    assert_eq!(by("{by: time, time_column: t, label_delay: 3d, gap: null}"), time(None));
    let groups = |new_only| Some(KnownGroups { column: "card".into(), new_only });
    let both = "{by: [group, time], time_column: t, group_column: card, label_delay: 3d";
    assert_eq!(by(&format!("{both}}}")), time(groups(false)));
    assert_eq!(by(&format!("{both}, new_groups: true}}")), time(groups(true)));
    let parts = by("{by: column, column: part, train: [a, 1], validation: [b], test: [true]}");
    let train = vec![Scalar::Text("a".into()), Scalar::Int(1)];
    let (validation, test) = (Some(vec![Scalar::Text("b".into())]), vec![Scalar::Bool(true)]);
    assert_eq!(parts, SplitBy::Column { column: "part".into(), train, validation, test });
    let shared = split("{by: column, column: part, train: [a], validation: 0.3, test: [b], stratify: false}");
    let (train, test) = (vec![Scalar::Text("a".into())], vec![Scalar::Text("b".into())]);
    assert_eq!(shared.by, SplitBy::Column { column: "part".into(), train, validation: None, test });
    assert_eq!((shared.validation, shared.stratify, shared.test), (0.3, false, SplitSpec::default().test));
    assert_eq!(split("{folds: 5}").folds, Some(Folds { folds: 5, repeats: 1 }));
}

#[test]
fn folds_are_replicates() {
    let spec = read(LEAST, &[("split", "{folds: 5, repeats: 2}"), ("confirm", "{}")]).unwrap();
    assert_eq!((spec.replicates, spec.confirm.map(|confirm| confirm.replicates)), (10, Some(10)));
    let folds = spec.split.folds.unwrap();
    assert_eq!(
        [0, 4, 5, 9, 12].map(|replicate| folds.of_replicate(replicate)),
        [(0, 0), (4, 0), (0, 1), (4, 1), (2, 2)]
    );
    // The default of `confirm` is a whole number of repeats.
    let spec = read(LEAST, &[("split", "{folds: 4}"), ("confirm", "{}"), ("replicates", "4")]).unwrap();
    assert_eq!((spec.replicates, spec.confirm.map(|confirm| confirm.replicates)), (4, Some(12)));
    // `--set` takes the share away that folds take the place of.
    let text = format!("{LEAST}split: {{test: 0.3, validation: 0.1}}\n");
    let spec = read(&text, &[("split.folds", "3")]).unwrap();
    assert_eq!((spec.split.test, spec.split.validation, spec.replicates), (0.2, 0.1, 3));
}
