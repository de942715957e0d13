//! A resolved spec that is written and read again is the same spec.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::{
    Activation, Backend, BadValues, Batching, ColumnKind, CommandSpace, ConfirmSpec, Correction, CsvSpec, DataSpec,
    DatePart, Devices, Distribution, Domain, EarlyRule, EarlyStopping, EarlyTerminate, Encoding, Epochs, Folds,
    InitialBias, Inputs, KnownGroups, LaunchSpec, Launcher, Loss, Margins, Method, ModelSpec, Monitor, OperatingPoint,
    Optimizer, Order, Output, Parameters, RankSpec, Reduction, Sampling, Scalar, Scores, SlurmSpec, Space, Span, Spec,
    Split, SplitBy, SplitSpec, Stopping, SynthSpec, Target, TestRows, TrainSpec, TrainerSpec, Word, parse, to_yaml,
};
use super::read;
use crate::metrics::catalogue::Test;

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![1e-12..1.0_f64, 1e-3..1e9_f64, Just(1.0), Just(1e-7), Just(0.1)]
}

fn share() -> impl Strategy<Value = f64> {
    prop_oneof![1e-9..0.499_f64, Just(0.25)]
}

/// Column names and values, those among them that YAML could take for something else.
fn text() -> impl Strategy<Value = String> {
    const TRAPS: &[&str] = &[
        "true",
        "no",
        "~",
        "null",
        "1",
        "1e-4",
        ".5",
        "0x1F",
        "0o7",
        "1_000",
        ".inf",
        "- a",
        "a: b",
        "#a",
        "'",
        "\"",
        " a ",
        "&a",
        "*a",
        "!a",
        "[",
        "{",
        "a\nb",
        "é",
        "<<",
        "?",
        "=",
        "+1",
        "0b1",
        "-0",
        "1.",
        "%",
        "@",
        "`",
        "2001-01-01",
        "---",
        "a\tb",
        "${HOME}",
        "$${a}$",
    ];
    prop_oneof![prop::sample::select(TRAPS).prop_map(str::to_owned), "[ -~é]{1,12}", "\\PC{1,6}"]
}

fn scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        any::<bool>().prop_map(Scalar::Bool),
        any::<i64>().prop_map(Scalar::Int),
        number().prop_map(Scalar::Float),
        text().prop_map(Scalar::Text),
    ]
}

/// One value, or one to four different ones.
fn choice<T: Clone + PartialEq + std::fmt::Debug>(
    value: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Option<Domain<T>>> {
    let several = vec(value.clone(), 1..5).prop_map(|values| {
        let mut unique: Vec<T> = Vec::new();
        for value in values {
            if !unique.contains(&value) {
                unique.push(value);
            }
        }
        Domain::Values { values: unique, probabilities: None }
    });
    option::of(prop_oneof![value.prop_map(|value| Domain::Value { value }), several])
}

fn numbers(value: impl Strategy<Value = f64> + Clone) -> impl Strategy<Value = Option<Domain<f64>>> {
    let range = (value.clone(), value.clone(), 2_u32..50)
        .prop_filter("a range has two ends", |(a, b, _)| a != b)
        .prop_map(|(a, b, count)| {
            let (min, max) = (a.min(b), a.max(b));
            let distribution = Distribution::LogUniformValues;
            // Every other one that can be by factors is.
            let is_log = min > 0.0 && count % 2 == 0;
            Some(if is_log {
                Domain::LogRange { min, max, count, distribution }
            } else {
                Domain::Range { min, max, count }
            })
        });
    prop_oneof![choice(value), range]
}

fn bias() -> impl Strategy<Value = InitialBias> + Clone {
    prop_oneof![Just(InitialBias::Prior), (-9.0..9.0_f64).prop_map(InitialBias::Value)]
}

/// Either order.
fn orders(seed: u64) -> Order {
    if seed & 64 == 0 { Order::Keys } else { Order::Front }
}

/// Some of the margins.
fn margins(seed: u64) -> Margins {
    let mut margins = Margins::default();
    for (at, test) in Test::ALL.into_iter().enumerate().filter(|(at, _)| seed >> at & 1 == 1) {
        margins.set(test, 0.25 + at as f64);
    }
    margins
}

prop_compose! {
    fn space()(
        loss in prop_oneof![
            Just(Domain::Value { value: Loss::Focal }),
            Just(Domain::Values {
                values: vec![Loss::WeightedBce, Loss::Focal, Loss::Bce], probabilities: None,
            }),
            Just(Domain::Values {
                values: vec![Loss::Pairwise, Loss::Focal, Loss::Vs, Loss::Asymmetric], probabilities: None,
            }),
        ],
        alpha in numbers(0.01..0.99), gamma in numbers(0.0..9.0), label_smoothing in numbers(0.0..0.99),
        sampling in choice(prop_oneof![Just(Sampling::None), Just(Sampling::Oversample)]),
        batching in choice(prop_oneof![Just(Batching::Shuffled), Just(Batching::Stratified)]),
        correction in choice(prop_oneof![Just(Correction::None), Just(Correction::Platt)]),
        learning_rate in numbers(1e-6..1.0), weight_decay in numbers(0.0..1.0), dropout in numbers(0.0..0.99),
        batch_size in choice(1..100_000_usize), hidden in choice(vec(1..999_usize, 0..4)),
        activation in choice(prop_oneof![Just(Activation::Relu), Just(Activation::Tanh)]),
        optimizer in choice(prop_oneof![Just(Optimizer::Adam), Just(Optimizer::Adamw), Just(Optimizer::Sgd)]),
        initial_bias in choice(bias()),
    ) -> Space {
        Space {
            loss: Some(loss), alpha, gamma, label_smoothing, sampling, batching, correction, learning_rate, weight_decay, dropout, batch_size, hidden,
            activation, optimizer, initial_bias, ..Space::default()
        }
    }
}

const PARTS: &[DatePart] = &[DatePart::Hour, DatePart::Weekday, DatePart::AgeDays];

fn kind() -> impl Strategy<Value = ColumnKind> {
    prop::sample::select(ColumnKind::WORDS).prop_map(|(_, kind)| kind)
}

prop_compose! {
    fn csv()(
        delimiter in option::of(prop::sample::select(&[',', ';', '\t', '|', ' ', '#'][..])),
        decimal in option::of(prop::sample::select(&['.', ','][..])),
        thousands in option::of(prop::sample::select(&['\'', '_', '\u{a0}'][..])),
        quote in option::of(prop::sample::select(&['"', '~'][..])),
        encoding in option::of(prop::sample::select(Encoding::WORDS)),
        comment in option::of(prop::sample::select(&['%', '!'][..])),
        skip_rows in 0_u32..9, na_values in vec(text(), 0..3),
    ) -> CsvSpec {
        let encoding = encoding.map(|(_, encoding)| encoding);
        CsvSpec { delimiter, decimal, thousands, quote, encoding, comment, skip_rows, na_values }
    }
}

prop_compose! {
    fn data()(
        stem in text(), label in text(), positive in option::of(scalar()),
        names in vec(text(), 0..3), log in prop::collection::btree_map(text(), 0.0..9.0_f64, 0..3),
        min_level_count in any::<u32>(), standardize: bool, clip in option::of(number()),
        origin in 0..3, rows in 2_u64..1_000_000, seed: u64,
        csv in csv(), types in prop::collection::btree_map(text(), kind(), 0..3), deduplicate: bool, weighted: bool,
        parts in prop::collection::btree_map(text(), prop::sample::subsequence(PARTS, 1..=3), 0..3),
        bad_values in prop_oneof![Just(BadValues::Error), Just(BadValues::Missing)],
    ) -> DataSpec {
        let fits = |name: &String| *name != label && !log.contains_key(name);
        DataSpec {
            source: format!("{stem}.csv").into(),
            url: (origin == 1).then(|| "https://example.org/a.csv?b=c#d".into()),
            sha256: (origin == 1).then(|| "0123456789abcdef".repeat(4)),
            synth: (origin == 2).then_some(SynthSpec { rows, features: 3, positives: rows / 2, seed }),
            beside: None,
            positive,
            weight: weighted.then(|| format!("{label} weight")),
            csv,
            types: types
                .into_iter()
                .filter(|(name, kind)| fits(name) && !names.contains(name) && *kind != ColumnKind::Datetime)
                .collect(),
            bad_values,
            datetime: parts
                .into_iter()
                .filter(|(name, _)| fits(name) && !names.contains(name) && !name.starts_with('t'))
                .map(|(name, parts)| (format!("when {name}"), parts))
                .collect(),
            deduplicate,
            drop: Vec::new(),
            categorical: names.iter().filter(|name| fits(name)).cloned().collect(),
            log: log.iter().filter(|(name, _)| **name != label).map(|(name, offset)| (name.clone(), *offset)).collect(),
            label, min_level_count, standardize, clip,
        }
    }
}

fn stopping((metric, patience, min_delta, restore_best_weights): (usize, u32, f64, bool)) -> Stopping {
    let metric = Monitor::WORDS[metric].1;
    Stopping::Rule(EarlyStopping { metric, goal: metric.goal(), patience, min_delta, restore_best_weights })
}

/// Without a column of weights, where something counts rows.
fn weighted(spec: Spec) -> Spec {
    match read(&to_yaml(&spec).unwrap(), &[]) {
        Ok(_) => spec,
        Err(_) => Spec { data: DataSpec { weight: None, ..spec.data }, ..spec },
    }
}

/// Watches nothing that the operating point has no rate for.
fn fitting(train: TrainSpec, point: &OperatingPoint) -> TrainSpec {
    match &train.early_stopping {
        Stopping::Rule(rule) if rule.metric == Monitor::ValPartialAuc && point.lacks("partial_auc").is_some() => {
            TrainSpec { early_stopping: Stopping::Auto, ..train }
        }
        _ => train,
    }
}

prop_compose! {
    fn train()(
        epochs in prop_oneof![Just(Epochs::Auto), (1_u32..1000).prop_map(Epochs::Count)],
        batch_size in 1_usize..100_000,
        optimizer in prop_oneof![Just(Optimizer::Adam), Just(Optimizer::Adamw), Just(Optimizer::Sgd)],
        learning_rate in number(), weight_decay in number(),
        reduction in prop_oneof![Just(Reduction::Sum), Just(Reduction::Mean)],
        epsilon in option::of(share()),
        early_stopping in prop_oneof![
            Just(Stopping::Auto), Just(Stopping::None),
            (0..Monitor::WORDS.len(), 1_u32..99, 0.0..1.0_f64, any::<bool>()).prop_map(stopping),
        ],
        backend in prop_oneof![Just(Backend::Auto), Just(Backend::Fused), Just(Backend::Libtorch)],
    ) -> TrainSpec {
        TrainSpec {
            epochs, batch_size, optimizer, learning_rate, weight_decay, reduction, epsilon, early_stopping, backend,
        }
    }
}

fn slurm() -> impl Strategy<Value = SlurmSpec> {
    let maybe = |words: &'static [&'static str]| option::of(prop::sample::select(words).prop_map(str::to_owned));
    let names =
        (maybe(&["gpu", "1"]), maybe(&["null", "lab-7"]), maybe(&["true", "high"]), maybe(&["a100&ib", "[a|b]"]));
    let amounts = (
        maybe(&["30", "1:30:00", "2-12", "01:00", "0", "UNLIMITED", "-1"]),
        option::of(1_u32..64),
        maybe(&["8G", "500", "1T", "16GB", "0"]),
        0..3,
        option::of(1_u32..99),
    );
    let lines = (vec(text(), 0..3), maybe(&["--exclude=n[1-3]", "--comment=two words", "-xn1"]));
    (names, amounts, lines).prop_map(|(names, amounts, (setup, flag))| SlurmSpec {
        partition: names.0,
        account: names.1,
        qos: names.2,
        constraint: names.3,
        time: amounts.0,
        cpus_per_task: amounts.1,
        mem: amounts.2,
        gres: (amounts.3 == 1).then(|| "gpu:a100:2".to_owned()),
        gpus: (amounts.3 == 2).then(|| "2".to_owned()),
        array_parallelism: amounts.4,
        setup,
        sbatch: flag.into_iter().collect(),
    })
}

fn span() -> impl Strategy<Value = Span> {
    let number = prop_oneof![Just(0.0), 1e-3..1e9_f64, (0..400_u32).prop_map(f64::from)];
    let unit = prop::sample::select(vec!["s", "m", "h", "d", "w"]);
    prop_oneof![
        number.clone().prop_map(|amount| Span::number(amount).unwrap()),
        (number, unit).prop_map(|(amount, unit)| Span::parse(&format!("{amount}{unit}")).unwrap()),
    ]
}

/// What each way to split reads, at random; keys that it does not read are as by default.
fn split() -> impl Strategy<Value = SplitSpec> {
    let folds = || option::of((2_u32..20, 1_u32..5).prop_map(|(folds, repeats)| Folds { folds, repeats }));
    let random = (folds(), option::of(1e-9..0.002)).prop_map(|(folds, calibration)| SplitSpec {
        folds,
        calibration,
        ..SplitSpec::default()
    });
    let group = (folds(), text()).prop_map(|(folds, column)| SplitSpec {
        by: SplitBy::Group { column },
        folds,
        ..SplitSpec::default()
    });
    let groups = option::of((text(), any::<bool>()).prop_map(|(column, new_only)| KnownGroups { column, new_only }));
    let time = (text(), option::of(span()), any::<bool>(), option::of(span()), groups).prop_map(
        |(column, gap, delayed, window, groups)| SplitSpec {
            by: SplitBy::Time {
                column,
                gap,
                label_delay: gap.filter(|_| delayed),
                window: window.filter(|window| !window.is_zero()),
                groups,
            },
            ..SplitSpec::default()
        },
    );
    let values = (text(), vec(scalar(), 3..9), any::<bool>());
    let column = values.prop_filter_map("three values that differ", |(column, values, named)| {
        let mut unique: Vec<Scalar> = Vec::new();
        for value in values {
            if unique.iter().all(|other| other.to_string() != value.to_string()) {
                unique.push(value);
            }
        }
        let test = unique.pop().into_iter().collect();
        let validation = Some(unique.pop().into_iter().collect()).filter(|_| named);
        let by = SplitBy::Column { column, train: unique, validation, test };
        matches!(&by, SplitBy::Column { train, .. } if !train.is_empty())
            .then(|| SplitSpec { by, ..SplitSpec::default() })
    });
    let rest = (share(), 1e-9..0.4_f64, any::<bool>(), any::<bool>());
    let any = prop_oneof![random.boxed(), group.boxed(), time.boxed(), column.boxed()];
    let split = (any, rest).prop_map(|(split, (test, validation, stratify, fixed))| {
        let dealt = matches!(split.by, SplitBy::Random | SplitBy::Group { .. });
        let default = SplitSpec::default();
        let shares = !matches!(split.by, SplitBy::Column { .. });
        let draws = !matches!(split.by, SplitBy::Column { validation: Some(_), .. });
        SplitSpec {
            test: if shares && split.folds.is_none() { test } else { default.test },
            validation: if draws { validation } else { default.validation },
            stratify: stratify || !(dealt || draws && !shares),
            test_rows: if fixed || !dealt || split.folds.is_some() { TestRows::Fixed } else { TestRows::Redraw },
            ..split
        }
    });
    // So that a test in a thread of its own finds room on its stack.
    split.boxed()
}

/// One that judges somebody.
fn early_terminate(of: Option<(bool, u32)>, train: &TrainSpec) -> Option<EarlyTerminate> {
    let (halves, eta) = of?;
    let rule = if halves { EarlyRule::Hyperband } else { EarlyRule::Median };
    let max_epochs = if let Epochs::Count(count) = train.epochs { Some(count) } else { None };
    let early = EarlyTerminate { rule, min_epochs: Some(1), max_epochs, eta: halves.then_some(eta) };
    Some(early).filter(|early| !early.rungs(train).is_empty() && max_epochs.is_none_or(|max| max > 1))
}

prop_compose! {
    fn spec()(
        name in "[A-Za-z0-9_][A-Za-z0-9_-]{0,20}", data in data().boxed(), train in train().boxed(),
        split in split(), replicates in 1_u32..100, seed: u64, confirm in option::of((1_u32..=50, 2_u32..=1000)),
        hidden in vec(1..999_usize, 0..3), dropout in share(), initial_bias in bias(),
        parameters in prop_oneof![
            space().prop_map(Parameters::One).boxed(), vec(space(), 1..3).prop_map(Parameters::Union).boxed(),
        ],
        operating_point in prop_oneof![
            (share(), option::of(0.501..0.999_f64))
                .prop_map(|(max_fpr, confidence)| OperatingPoint::MaxFpr { max_fpr, confidence }),
            Just(OperatingPoint::MinRecall { min_recall: 1.0 }),
            share().prop_map(|min_precision| OperatingPoint::MinPrecision { min_precision }),
            (0.001..=1000.0).prop_map(|max_alerts_per_1000| OperatingPoint::AlertBudget { max_alerts_per_1000 }),
            (number(), number()).prop_map(|(fn_cost, fp_cost)| OperatingPoint::Cost { fn_cost, fp_cost }),
        ],
        on in prop_oneof![Just(Split::Validation), Just(Split::Test)],
        devices in prop_oneof![
            Just(Devices::Word("auto".into())), Just(Devices::List(vec!["cpu".into(), "cuda:1".into()])),
        ],
        slurm in option::of(slurm()).boxed(),
        scores in option::of(prop_oneof![Just(Scores::All), Just(Scores::Best), Just(Scores::None)]),
        search in option::of((1_u32..1_000_000, option::of(1_u32..100_000), option::of(-9.0..9.0_f64))),
        minutes in option::of(1_u32..9999), early in option::of((any::<bool>(), 2_u32..=10)),
    ) -> Spec {
        let target = |value| Target { metric: "val_auc".to_owned(), value };
        let train = fitting(train, &operating_point);
        weighted(Spec {
            run_cap: search.map(|(run_cap, ..)| run_cap),
            wave: search.and_then(|(_, wave, _)| wave),
            target: search.and_then(|(.., value)| value.map(target)),
            early_terminate: early_terminate(early.filter(|_| on == Split::Validation), &train),
            budget: minutes.and_then(|minutes| Span::parse(&format!("{minutes}m"))),
            confirm: confirm.map(|(trials, replicates)| {
                let folds = split.folds.map_or(1, |folds| folds.folds);
                ConfirmSpec { trials, replicates: (replicates / folds).max(1) * folds, methods: trials % 2 == 0 }
            }),
            replicates: split.folds.map_or(replicates, Folds::replicates),
            trainers: BTreeMap::new(),
            name, data, train, seed, parameters, operating_point, scores,
            split,
            model: ModelSpec { hidden, activation: Activation::Tanh, dropout, initial_bias },
            method: if search.is_some() { Method::Random } else { Method::Grid },
            rank: RankSpec { by: vec!["fn".into(), "auc".into()], on, order: orders(seed), margin: margins(seed) },
            launch: LaunchSpec {
                devices,
                slots_per_device: 1 + seed as usize % 64,
                launcher: if slurm.is_some() { Launcher::Slurm } else { Launcher::Local },
                slurm,
            },
        })
    }
}

proptest! {
    #[test]
    fn a_written_spec_reads_as_itself(spec in spec()) {
        let text = to_yaml(&spec).unwrap();
        match parse("sweep.yaml", &text) {
            Ok(again) => prop_assert_eq!(again, spec),
            Err(faults) => prop_assert!(false, "{}\n{}", faults.lines().collect::<Vec<_>>().join("\n"), text),
        }
    }
}

#[test]
fn the_default_sweep_reads_as_itself() {
    let spec = read(include_str!("../../../../../sweeps/focal.yaml"), &[]).unwrap();
    assert_eq!(read(&to_yaml(&spec).unwrap(), &[]).unwrap(), spec);
}

prop_compose! {
    fn with_commands()(
        words in vec(
            text().prop_filter("the program", |word| !word.is_empty() && !word.contains('\0') && !word.contains("${")),
            1..4,
        ),
        files in vec("[a-z]{1,8}", 0..3), folder in option::of("/[a-z]{1,8}"), minutes in option::of(1_u32..999),
        (cpus, gpus) in (1_u32..=4096, 0_u32..=64), (prepared, score) in any::<(bool, bool)>(),
        names in prop::collection::btree_set("[A-Za-z_][A-Za-z0-9_-]{0,12}", 0..4),
        values in vec(scalar().prop_filter("no number that is none", |value| value.to_string() != "-0"), 12),
    ) -> Spec {
        let mut spec = read(include_str!("../../../../../sweeps/focal.yaml"), &[]).unwrap();
        let trainer = TrainerSpec {
            folder: folder.map(Into::into),
            timeout: minutes.and_then(|minutes| Span::parse(&format!("{minutes}m"))),
            cpus, gpus,
            inputs: if prepared { Inputs::Prepared } else { Inputs::Raw },
            files: files.into_iter().map(Into::into).collect(),
            output: if score { Output::Score } else { Output::Probability },
            predict: score.then(|| words.clone()),
            resumable: prepared != score,
            command: words,
        };
        spec.trainers = [("gbm".to_owned(), trainer)].into();
        let taken = |name: &String| read(
            "name: a\ndata: {source: a.csv, label: y}\ntrainers: {t: {command: [x]}}\n\
             parameters: {trainer: {value: t}}",
            &[(&format!("parameters.{name}.value"), "1")],
        ).is_err();
        let mut chunks = values.chunks(3);
        let parameters = names.into_iter().filter(|name| !taken(name)).map(|name| {
            let mut values: Vec<Scalar> = Vec::new();
            for value in chunks.next().unwrap() {
                if values.iter().all(|other| other.to_string() != value.to_string()) {
                    values.push(value.clone());
                }
            }
            (name, Domain::Values { values, probabilities: None })
        });
        let command = CommandSpace { trainer: "gbm".into(), parameters: parameters.collect() };
        let command = Space { command: Some(command), ..Space::default() };
        spec.parameters = Parameters::Union(vec![spec.parameters.spaces()[0].clone(), command]);
        spec
    }
}

proptest! {
    #[test]
    fn a_command_reads_as_itself(spec in with_commands()) {
        let text = to_yaml(&spec).unwrap();
        match parse("sweep.yaml", &text) {
            Ok(again) => prop_assert_eq!(again, spec),
            Err(faults) => prop_assert!(false, "{}\n{}", faults.lines().collect::<Vec<_>>().join("\n"), text),
        }
    }
}

/// A random test found the second of these.
#[test]
fn names_with_breaks_of_other_yamls_come_back() {
    for name in ["a\u{85}b", "\u{2028}", "\u{2029} c", "'\u{2028}\"\\"] {
        let mut spec = read(include_str!("../../../../../sweeps/focal.yaml"), &[]).unwrap();
        spec.data.categorical = vec![name.to_owned()];
        assert_eq!(read(&to_yaml(&spec).unwrap(), &[]).unwrap(), spec, "{name:?}");
    }
}
