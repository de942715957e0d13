//! `trainers`, and mappings of `parameters` that a command trains.

use super::super::{Domain, Inputs, Output, Scalar, Span};
use super::read;

const TEXT: &str = "name: a\ndata: {source: a.csv, label: y}\n";

fn with(rest: &str) -> Result<super::super::Spec, Vec<String>> {
    read(&format!("{TEXT}{rest}"), &[])
}

#[test]
fn all_that_a_trainer_says_is_read() {
    let spec = with(
        "trainers:\n  gbm: {command: [python3, \"a b.py\", '${args}', '${n}', --, 5], timeout: 10m, cpus: 4, gpus: 1, \
         inputs: prepared, files: [model.py], output: score, folder: /x, \
         predict: [python3, p.py, '-n${n}'], resumable: true}\n  plain: {command: [run]}\n\
         parameters:\n  trainer: {value: gbm}\n  n: {values: [1, 2.5, true, word, '7']}\n",
    )
    .unwrap();
    let gbm = &spec.trainers["gbm"];
    assert_eq!(gbm.command, ["python3", "a b.py", "${args}", "${n}", "--", "5"]);
    assert_eq!((gbm.timeout, gbm.cpus, gbm.gpus), (Span::parse("10m"), 4, 1));
    assert_eq!((gbm.inputs, gbm.output), (Inputs::Prepared, Output::Score));
    assert_eq!(gbm.files, [std::path::Path::new("model.py")]);
    assert_eq!(gbm.folder(), std::path::Path::new("/x"));
    assert_eq!(gbm.predict.as_deref().unwrap(), ["python3", "p.py", "-n${n}"]);
    assert!(gbm.resumable && !spec.trainers["plain"].resumable);
    let plain = &spec.trainers["plain"];
    assert_eq!((plain.timeout, plain.cpus, plain.gpus), (None, 1, 0));
    assert_eq!((plain.inputs, plain.output), (Inputs::Raw, Output::Probability));
    let command = spec.parameters.spaces()[0].command.as_ref().unwrap();
    let (name, domain) = &command.parameters[0];
    let text = |text: &str| Scalar::Text(text.to_owned());
    let values = vec![Scalar::Int(1), Scalar::Float(2.5), Scalar::Bool(true), text("word"), text("7")];
    assert_eq!((name.as_str(), domain), ("n", &Domain::Values { values, probabilities: None }));
}

#[test]
fn variables_of_the_environment_are_not_looked_for_in_commands() {
    let none = |_: &str| None;
    let text = format!(
        "{TEXT}trainers: {{t: {{command: [x, '${{n}}'], predict: [x, '${{n}}'], files: ['${{n}}']}}}}\n\
         parameters: {{}}\n"
    );
    let faults = super::super::parse_in(&none, "a", &text, &[]).unwrap_err();
    let lines: Vec<String> = faults.lines().collect();
    assert!(lines.len() == 1 && lines[0].contains("trainers.t.files.0"), "{lines:?}");
}

/// Each fault names its place, what was expected and the nearest right thing.
#[test]
fn faults_of_trainers() {
    const GOOD: &str = "parameters: {trainer: {value: gbm}}";
    for (trainers, parameters, words) in [
        (
            "{gbm: {command: python3 x.py}}",
            GOOD,
            vec!["trainers.gbm.command", "expected a list of words", "[python3, x.py]"],
        ),
        ("{gbm: {}}", GOOD, vec!["trainers.gbm.command", "missing"]),
        ("{gbm: {command: []}}", GOOD, vec!["trainers.gbm.command", "expected the program first"]),
        ("{gbm: {comand: [x]}}", GOOD, vec!["trainers.gbm.comand: unknown key", "did you mean `command`?"]),
        (
            "{gbm: {command: [x], predict: x --fast}}",
            GOOD,
            vec!["trainers.gbm.predict", "expected a list of words", "[x, --fast]"],
        ),
        ("{gbm: {command: [x], predict: [x, '${n}']}}", GOOD, vec!["names `${n}`, expected a parameter of that name"]),
        ("{gbm: {command: [x], resumable: maybe}}", GOOD, vec!["trainers.gbm.resumable", "true"]),
        ("{gbm: {command: [x], cpus: 0}}", GOOD, vec!["trainers.gbm.cpus", "at least 1"]),
        ("{gbm: {command: [x], timeout: 10}}", GOOD, vec!["trainers.gbm.timeout", "did you mean `10s`?"]),
        ("{gbm: {command: [x], inputs: rwa}}", GOOD, vec!["trainers.gbm.inputs", "did you mean `raw`?"]),
        ("{gbm: {command: [x], output: logit}}", GOOD, vec!["trainers.gbm.output", "`probability` or `score`"]),
        ("{gbm: [x]}", GOOD, vec!["trainers.gbm", "expected a mapping with `command`"]),
        ("[x]", GOOD, vec!["trainers", "expected a mapping from a name to a trainer"]),
        ("{stack: {command: [x]}, gbm: {command: [x]}}", GOOD, vec!["trainers.stack", "the trainer that is built in"]),
        ("{'a/b': {command: [x]}, gbm: {command: [x]}}", GOOD, vec!["trainers.a/b", "is no name of a trainer"]),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: gbm}",
            vec!["parameters.trainer", "write `trainer: {value: gbm}`"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {value: gmb}}",
            vec!["parameters.trainer.value", "did you mean `gbm`?"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {values: [gbm]}}",
            vec!["parameters.trainer", "expected `value`"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {value: stack}}",
            vec!["parameters.trainer.value", "leave `trainer` out"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {value: gbm}, loss: {value: hinge}}",
            vec!["parameters.loss", "my_loss"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {value: gbm}, seed: {value: 1}}",
            vec!["parameters.seed", "results.parquet"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {value: gbm}, a b: {value: 1}}",
            vec!["parameters.a b", "no name of a parameter"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {value: gbm}, n: 5}",
            vec!["parameters.n", "write `n: {value: 5}`"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {value: gbm}, n: {values: []}}",
            vec!["parameters.n.values", "at least one"],
        ),
        (
            "{gbm: {command: [x]}}",
            "parameters: {trainer: {value: gbm}, batch_size: {values: [1.5]}}",
            vec!["parameters.batch_size", "whole numbers"],
        ),
    ] {
        let lines = with(&format!("trainers: {trainers}\n{parameters}\n")).unwrap_err();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(words.iter().all(|word| lines[0].contains(word)), "{words:?}: {lines:?}");
    }
    let lines = with(
        "trainers: {gbm: {command: [x, '-n${leafs}', '${args}', 'a${args}']}}\n\
         parameters: {trainer: {value: gbm}, leaves: {value: 1}}\n",
    )
    .unwrap_err();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("names `${leafs}`") && lines[0].contains("did you mean `${leaves}`?"), "{lines:?}");
    assert!(lines[1].contains("`${args}` has to be a word by itself"), "{lines:?}");
    let lines = with("parameters: {trainer: {value: gbm}}\n").unwrap_err();
    assert!(lines[0].contains("such as `trainers: {gbm: {command:"), "{lines:?}");
    // A trainer that cannot be read is told once.
    let lines = with("trainers: 5\nparameters: {trainer: {value: gbm}}\n").unwrap_err();
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn the_parameters_of_a_command_are_drawn_like_others() {
    let spec = |domain: &str| {
        with(&format!(
            "trainers: {{gbm: {{command: [x]}}}}\nmethod: random\nrun_cap: 40\nwave: 40\n\
             parameters: {{trainer: {{value: gbm}}, n: {domain}}}\n"
        ))
        .unwrap()
    };
    let drawn = |domain: &str| {
        let trials = crate::plan::Sampler::new(&spec(domain)).unwrap().ask();
        let commands = (0..trials.len()).filter_map(|at| trials.get(at).command);
        commands.map(|command| command.parameters["n"].clone()).collect::<Vec<_>>()
    };
    let numbers = drawn("{min: 0.5, max: 1}");
    assert!(numbers.len() > 5 && numbers.iter().all(|n| matches!(n, Scalar::Float(n) if (0.5..1.0).contains(n))));
    // Whole ends, as W&B has it.
    assert!(drawn("{min: 1, max: 100}").iter().all(|n| matches!(n, Scalar::Int(1..=100))));
    assert!(
        drawn("{min: 1, max: 100, distribution: q_log_uniform_values, q: 1}")
            .iter()
            .all(|n| matches!(n, Scalar::Int(_)))
    );
    let words = drawn("{values: [dart, gbdt]}");
    assert_eq!(words.len(), 2, "a list has an end");
}
