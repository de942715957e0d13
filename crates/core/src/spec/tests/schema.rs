//! The JSON schema says what the reader does.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::{
    Activation, BadValues, Batching, By, ColumnKind, Correction, DatePart, Encoding, Goal, Inputs, Launcher, Loss,
    Method, Monitor, Optimizer, Output, PosWeightRule, Reduction, Sampling, Scores, Split, TestRows, Word, json_schema,
    keys,
};
use super::read;

/// Follows `$ref` and takes the first of an `anyOf` whose others are words or null.
fn follow<'a>(schema: &'a Value, mut at: &'a Value) -> &'a Value {
    loop {
        if let Some(pointer) = at["$ref"].as_str() {
            at = schema.pointer(pointer.trim_start_matches('#')).unwrap();
        } else if let Some(options) = at["anyOf"].as_array().filter(|options| is_one_or_words(options)) {
            at = &options[0];
        } else {
            return at;
        }
    }
}

/// Whether all options but the first are words or null.
fn is_one_or_words(options: &[Value]) -> bool {
    options.len() > 1 && options[1..].iter().all(|option| option["type"] == "null" || option["enum"].is_array())
}

fn at<'a>(schema: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(follow(schema, schema), |at, key| follow(schema, &at["properties"][*key]))
}

#[test]
fn schema_and_reader_know_the_same_keys() {
    let schema = json_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let space = &schema["$defs"]["Space"];
    for (object, known) in [
        (at(&schema, &[]), keys::ROOT),
        (at(&schema, &["data"]), keys::DATA),
        (at(&schema, &["data", "csv"]), keys::CSV),
        (at(&schema, &["data", "synth"]), keys::SYNTH),
        (at(&schema, &["split"]), keys::SPLIT),
        (at(&schema, &["confirm"]), keys::CONFIRM),
        (at(&schema, &["early_terminate"]), keys::EARLY_TERMINATE),
        (at(&schema, &["model"]), keys::MODEL),
        (at(&schema, &["train"]), keys::TRAIN),
        (at(&schema, &["train", "early_stopping"]), keys::EARLY_STOPPING),
        (at(&schema, &["rank"]), keys::RANK),
        (at(&schema, &["launch"]), keys::LAUNCH),
        (at(&schema, &["launch", "slurm"]), keys::SLURM),
        (follow(&schema, &at(&schema, &["trainers"])["additionalProperties"]), keys::TRAINER),
        (space, super::super::parameters::NAMES),
    ] {
        let properties: Vec<&String> = object["properties"].as_object().unwrap().keys().collect();
        assert_eq!(properties, known, "in this order");
        assert_eq!(object["additionalProperties"], false, "{known:?}");
        for (key, property) in object["properties"].as_object().unwrap() {
            assert!(property["description"].is_string(), "{key} has no description");
        }
    }
    for (object, known) in
        [(at(&schema, &["operating_point"]), keys::OPERATING_POINT), (at(space, &["alpha"]), keys::DRAWN)]
    {
        let options = object["anyOf"].as_array().unwrap();
        let found: BTreeSet<&str> = options
            .iter()
            .flat_map(|option| option["properties"].as_object().unwrap().keys())
            .map(String::as_str)
            .collect();
        assert_eq!(found, known.iter().copied().collect());
        assert!(options.iter().all(|option| option["additionalProperties"] == false));
    }
}

#[test]
fn schema_and_reader_know_the_same_words() {
    fn names<T>(words: &[(&'static str, T)]) -> Vec<&'static str> {
        words.iter().map(|(word, _)| *word).collect()
    }
    let schema = json_schema();
    for (name, known) in [
        ("Method", names(Method::WORDS)),
        ("Scores", names(Scores::WORDS)),
        ("Activation", names(Activation::WORDS)),
        ("Optimizer", names(Optimizer::WORDS)),
        ("Reduction", names(Reduction::WORDS)),
        ("Monitor", names(Monitor::WORDS)),
        ("Goal", names(Goal::WORDS)),
        ("Loss", names(Loss::WORDS)),
        ("Sampling", names(Sampling::WORDS)),
        ("PosWeightRule", names(PosWeightRule::WORDS)),
        ("Batching", names(Batching::WORDS)),
        ("Correction", names(Correction::WORDS)),
        ("Split", names(Split::WORDS)),
        ("TestRows", names(TestRows::WORDS)),
        ("By", names(By::WORDS)),
        ("Launcher", names(Launcher::WORDS)),
        ("Encoding", names(Encoding::WORDS)),
        ("ColumnKind", names(ColumnKind::WORDS)),
        ("BadValues", names(BadValues::WORDS)),
        ("DatePart", names(DatePart::WORDS)),
        ("Inputs", names(Inputs::WORDS)),
        ("Output", names(Output::WORDS)),
    ] {
        let options = schema["$defs"][name]["oneOf"].as_array().unwrap();
        let found: Vec<&str> = options.iter().filter_map(|option| option["const"].as_str()).collect();
        assert_eq!(found, known, "{name}");
    }
}

/// A file in which every key of `path` may be set.
const OPEN: &str = "
name: a
data: {source: a.csv, label: y, synth: {rows: 1000000, features: 1, positives: 1}}
split: {test: 0.001, validation: 0.001}
train: {early_stopping: {}}
operating_point: {max_fpr: 0.5}
parameters: {loss: {values: [focal, weighted_bce, asymmetric, vs, pairwise]}, sampling: {value: oversample}}
";

/// Tries values at and beyond the bounds of a number in the reader.
fn probe(path: &str, bounds: &Value, tried: &mut usize) {
    let is_number = |kind: &Value| kind == "number" || kind == "integer";
    let kind = &bounds["type"];
    if !is_number(kind) && !kind.as_array().is_some_and(|kinds| kinds.iter().any(is_number)) {
        return;
    }
    let mut expect = |value: f64, good: bool| {
        *tried += 1;
        let outcome = read(OPEN, &[(path, &value.to_string())]);
        // A bound may meet a rule between keys (positives below rows); the value itself is what is tried here.
        let told = |line: &String| line.contains("expected a number") || line.contains("expected a whole number");
        let refused = outcome.as_ref().is_err_and(|lines| lines.iter().any(told));
        assert_eq!(refused, !good, "{path}={value}: {outcome:?}");
    };
    for (key, inclusive, outward) in [
        ("minimum", true, -1.0),
        ("maximum", true, 1.0),
        ("exclusiveMinimum", false, -1.0),
        ("exclusiveMaximum", false, 1.0),
    ] {
        let Some(bound) = bounds[key].as_f64() else { continue };
        expect(bound, inclusive);
        expect(bound + outward, false);
        expect(bound - outward * 1e-9 * f64::from(u8::from(kind == "number")), inclusive || kind == "number");
    }
}

#[test]
fn schema_and_reader_have_the_same_bounds() {
    let schema = json_schema();
    let mut tried = 0;
    let parts: [&[&str]; 8] = [
        &[],
        &["data"],
        &["data", "synth"],
        &["split"],
        &["model"],
        &["train"],
        &["train", "early_stopping"],
        &["launch", "slurm"],
    ];
    for part in parts {
        for (key, property) in at(&schema, part)["properties"].as_object().unwrap() {
            let path: Vec<&str> = part.iter().copied().chain([key.as_str()]).collect();
            probe(&path.join("."), follow(&schema, property), &mut tried);
        }
    }
    for option in at(&schema, &["operating_point"])["anyOf"].as_array().unwrap() {
        for (key, property) in
            option["properties"].as_object().unwrap().iter().filter(|(key, _)| !key.ends_with("_cost"))
        {
            probe(&format!("operating_point.{key}"), property, &mut tried);
        }
    }
    for (key, property) in schema["$defs"]["Space"]["properties"].as_object().unwrap() {
        let value = follow(&schema, &property["anyOf"][0]["properties"]["value"]);
        probe(&format!("parameters.{key}.value"), value, &mut tried);
    }
    assert!(tried > 80, "{tried}");
}

#[test]
fn the_committed_schema_is_up_to_date() {
    let committed = include_str!("../../../../../sweeps/sweep.schema.json");
    let mut expected = serde_json::to_string_pretty(&json_schema()).unwrap();
    expected.push('\n');
    assert!(committed == expected, "refresh it: focalsweep schema > sweeps/sweep.schema.json");
}
